//! Pins with their terms, and stores that an older gadus made.

use gadus_model::Time;
use gadus_ports::Pinning;

use super::*;
use crate::store::now;

#[tokio::test]
async fn a_result_is_kept_for_as_long_as_results_are() {
    let dir = dir();
    for (ms, is_for_ever) in [(60_000, false), (0, true)] {
        let store = open(dir.path());
        let root = block("a result").0;
        let before = now();
        store.pin(root, Pinning::result(namespace(1), ms)).await.unwrap();
        put_quarantined(&store, namespace(2), "another").await;
        let other = block("another").0;
        store.promote(namespace(2), other, Pinning::result(namespace(2), ms)).await.unwrap();
        store.pin(root, &PinReason::User).await.unwrap();
        for pin in store.pin_page(0, 9).unwrap().pins {
            let made = pin.made.unwrap();
            assert!(made >= before && made <= now());
            let ends = pin.reason != PinReason::User && !is_for_ever;
            assert_eq!(pin.until, ends.then(|| made.plus_ms(ms)), "{pin:?}");
        }
    }
}

#[tokio::test]
async fn a_pin_that_is_over_is_none_and_is_dropped() {
    let dir = dir();
    let store = Arc::new(open(dir.path()));
    let [over, later] = ["over", "later"].map(block);
    store.put_verified(vec![over.clone(), later.clone()]).await.unwrap();
    let reason = PinReason::Result(namespace(1));
    store.keep(over.0, &reason, Some(Time(1))).await.unwrap();
    store.keep(later.0, &reason, Some(now().plus_ms(3_600_000))).await.unwrap();
    assert_eq!(store.pins().unwrap(), [(later.0, reason.clone())]);
    assert_eq!(store.pin_page(0, 9).unwrap().pins.len(), 1);
    assert_eq!(store.pins_of(&over.0).unwrap(), []);
    let done = collect(&store).await;
    assert_eq!((done.expired_pins, done.blocks), (1, 1));
    assert!(!store.has(&over.0) && store.has(&later.0));
    // Kept anew, and given up.
    store.keep(later.0, &reason, None).await.unwrap();
    assert_eq!(store.pins_of(&later.0).unwrap()[0].until, None);
    store.release(later.0, &reason).await.unwrap();
    assert_eq!(collect(&store).await.blocks, 1);
}

#[tokio::test]
async fn one_root_of_a_reason_is_given_up_without_the_others() {
    let dir = dir();
    let (a, b) = (raw_cid(b"a"), raw_cid(b"b"));
    {
        let store = open(dir.path());
        for root in [a, b] {
            store.pin(root, &PinReason::User).await.unwrap();
        }
        store.release(a, &PinReason::User).await.unwrap();
        assert_eq!(store.pins().unwrap(), [(b, PinReason::User)]);
    }
    assert_eq!(open(dir.path()).pins().unwrap(), [(b, PinReason::User)]);
}

#[tokio::test]
async fn pins_come_page_by_page() {
    let dir = dir();
    let store = open(dir.path());
    for nth in 0..7_u8 {
        store.pin(raw_cid(&[nth]), &PinReason::User).await.unwrap();
    }
    let (mut seen, mut offset) = (Vec::new(), Some(0));
    while let Some(from) = offset {
        let page = store.pin_page(from, 3).unwrap();
        assert_eq!(page.pins.len(), if from == 6 { 1 } else { 3 });
        seen.extend(page.pins.into_iter().map(|pin| pin.root));
        offset = page.next_offset;
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 7);
    assert_eq!(store.pin_page(99, 3).unwrap(), gadus_ports::PinPage::default());
}

/// The packs of a store of gadus 0.1, byte for byte.
fn old_store() -> TempDir {
    let dir = dir();
    let packs = dir.path().join("packs");
    std::fs::create_dir_all(&packs).unwrap();
    std::fs::write(packs.join("00000000.log"), include_bytes!("v1/00000000.log")).unwrap();
    std::fs::write(packs.join("00000001.bulk"), include_bytes!("v1/00000001.bulk")).unwrap();
    dir
}

fn check_old_store(store: &Store) {
    let large = raw_cid(&[7; 20 << 10]);
    let [put, answer, hidden] = ["an old block", "an old answer", "not yet told"].map(block);
    for cid in [put.0, answer.0, large] {
        assert!(store.get(&cid, None).unwrap().is_some());
    }
    assert!(!store.has(&hidden.0) && !store.has(&block("forgotten").0));
    assert_eq!(store.get(&hidden.0, Some(namespace(4))).unwrap(), Some(hidden.1));
    let mut pins = vec![
        (put.0, PinReason::User),
        (answer.0, PinReason::Result(namespace(1))),
        (large, PinReason::User),
    ];
    pins.sort();
    assert_eq!(store.pins().unwrap(), pins);
    for pin in store.pin_page(0, 9).unwrap().pins {
        assert_eq!((pin.made, pin.until), (None, None), "nobody wrote it down: it is for ever");
    }
    assert_eq!(store.check(false).unwrap().bad, 0);
    check_accounts(store);
}

#[tokio::test]
async fn a_store_of_an_older_gadus_opens_and_is_collected_as_any_other() {
    let dir = old_store();
    let store = Arc::new(open(dir.path()));
    check_old_store(&store);
    collect(&store).await;
    check_old_store(&store);
}

#[test]
fn an_index_of_an_older_gadus_is_made_again() {
    let dir = old_store();
    let old: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("meta-1");
    let db = redb::Database::create(dir.path().join("index.redb")).unwrap();
    let write = db.begin_write().unwrap();
    write.open_table(old).unwrap().insert("meta", &[0xa0][..]).unwrap();
    write.commit().unwrap();
    drop(db);
    for _ in 0..2 {
        check_old_store(&open(dir.path()));
    }
}
