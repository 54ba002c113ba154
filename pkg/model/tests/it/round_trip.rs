//! Every value has one encoding, and that gives it back.

use std::fmt::Debug;

use gadus_model::Task;
use gadus_model::codec::{self, DAG_CBOR, cid_of};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::strategy;

fn comes_back<T>(value: &T) -> Result<(), TestCaseError>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let bytes = codec::encode(value).unwrap();
    prop_assert_eq!(&codec::decode_canonical::<T>(&bytes).unwrap(), value);
    prop_assert_eq!(codec::cid_of_value(value).unwrap(), cid_of(DAG_CBOR, &bytes));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_task(task in strategy::task()) {
        comes_back(&task)?;
    }

    #[test]
    fn a_task_as_a_text(task in strategy::runnable_task()) {
        let text = task.to_text().unwrap();
        let read = Task::from_text(text.as_bytes()).unwrap();
        prop_assert_eq!(&read, &task);
        prop_assert_eq!(read.cid().unwrap(), task.cid().unwrap());
        prop_assert_eq!(read.to_text().unwrap(), text);
        prop_assert_eq!(Task::from_block(&task.to_block().unwrap()).unwrap(), task);
    }

    #[test]
    fn a_text_that_was_changed_is_refused_or_is_the_text_of_what_was_read(
        task in strategy::runnable_task(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut text = task.to_text().unwrap().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(read) = Task::from_text(&text) {
            let again = read.to_text().unwrap();
            prop_assert_eq!(Task::from_text(again.as_bytes()).unwrap(), read);
        }
    }

    #[test]
    fn a_task_that_is_refused_has_no_text(task in strategy::task()) {
        prop_assert_eq!(task.to_text().is_ok(), task.check().is_ok());
        if let Ok(text) = task.to_text() {
            prop_assert_eq!(Task::from_text(text.as_bytes()).unwrap(), task);
        }
    }

    #[test]
    fn a_job(job in strategy::job()) {
        comes_back(&job)?;
    }

    #[test]
    fn a_manifest(manifest in strategy::manifest()) {
        comes_back(&manifest)?;
    }

    #[test]
    fn a_receipt(receipt in strategy::receipt()) {
        comes_back(&receipt)?;
    }

    #[test]
    fn a_claim(claim in strategy::claim()) {
        comes_back(&claim)?;
    }

    #[test]
    fn a_message(envelope in strategy::envelope()) {
        comes_back(&envelope)?;
    }

    #[test]
    fn a_gossip(gossip in strategy::gossip()) {
        comes_back(&gossip)?;
    }

    #[test]
    fn a_record(record in strategy::record()) {
        comes_back(&record)?;
    }

    #[test]
    fn a_commitment(opening in strategy::opening(), commit in strategy::commit()) {
        comes_back(&opening)?;
        comes_back(&commit)?;
    }

    #[test]
    fn a_closed_set(close in strategy::close()) {
        comes_back(&close)?;
    }

    #[test]
    fn what_is_revealed(reveal in strategy::reveal()) {
        comes_back(&reveal)?;
    }

    #[test]
    fn a_draw(draw in strategy::draw()) {
        comes_back(&draw)?;
    }

    #[test]
    fn a_verdict(verdict in strategy::verdict()) {
        comes_back(&verdict)?;
    }

    #[test]
    fn what_is_exported(
        bundle in strategy::bundle(),
        proof in strategy::proof(),
        evidence in strategy::evidence(),
    ) {
        comes_back(&bundle)?;
        comes_back(&proof)?;
        comes_back(&evidence)?;
    }

    #[test]
    fn where_sealed_work_stands(sealed in strategy::sealed()) {
        comes_back(&sealed)?;
    }

    #[test]
    fn tasks_are_equal_when_their_cids_are(a in strategy::task(), b in strategy::task()) {
        let cid = |task| codec::cid_of_value(task).unwrap();
        prop_assert_eq!(a == b, cid(&a) == cid(&b));
        prop_assert_eq!(cid(&a), cid(&a.clone()));
    }
}
