//! The exact encodings, committed as text. `UPDATE_GOLDEN=1 cargo test -p gadus-model` writes them
//! anew; what then shows as a difference is a change of format.

use std::fs;
use std::path::Path;

use gadus_model::codec::{self, DAG_CBOR, cid_of};
use gadus_model::event::Event;
use gadus_model::message::{Message, Proposal};
use gadus_model::{Code, Decision, Image, Input, Outcome, Signed, Statement, diagnostic};
use serde::Serialize;

use crate::sample::{self, Words};
use crate::variants::Variants;

/// One committed file.
struct Page {
    name: &'static str,
    text: String,
}

impl Page {
    fn new(name: &'static str) -> Self {
        let how = "UPDATE_GOLDEN=1 cargo test -p gadus-model";
        Self { name, text: format!("# Written by {how}: name, CID of the DAG-CBOR, value.\n") }
    }

    /// Adds a value under a name.
    fn item(&mut self, name: &str, value: &impl Serialize) {
        let bytes = codec::encode(value).unwrap();
        let (cid, text) = (cid_of(DAG_CBOR, &bytes), diagnostic::text(&bytes).unwrap());
        self.text += &format!("\n{name} {cid}\n{text}");
    }

    /// Adds a statement: what is signed after its domain, and the whole.
    fn statement<T: Statement>(&mut self, name: &str, domain: &str, signed: &Signed<T>) {
        self.item(&format!("body/{name}"), &signed.body);
        assert_signed(&signed.body, domain);
        self.item(&format!("signed/{name}"), signed);
    }

    /// Adds values under the names of their variants; no variant may be missing.
    fn variants<T: Variants, S: Serialize>(
        &mut self,
        prefix: &str,
        values: impl IntoIterator<Item = T>,
        whole: impl Fn(T) -> S,
    ) {
        let mut shown = Vec::new();
        for value in values {
            let variant = value.variant();
            shown.push(variant);
            self.item(&format!("{prefix}{variant}"), &whole(value));
        }
        assert_all_shown(self.name, &shown, T::ALL);
    }

    /// Compares the page with the committed one, or writes it.
    fn check(self) {
        let path = format!("{}/tests/golden/{}.txt", env!("CARGO_MANIFEST_DIR"), self.name);
        let path = Path::new(&path);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(path, &self.text).unwrap();
        }
        let committed = fs::read_to_string(path).unwrap_or_default();
        let differs = self.text.lines().zip(committed.lines()).find(|(is, was)| is != was);
        assert!(
            self.text == committed,
            "{} is not what the types give, first at {differs:#?}: if the format is to change, \
             run the tests with UPDATE_GOLDEN=1",
            path.display()
        );
    }
}

fn assert_all_shown(page: &str, shown: &[&str], all: &[&str]) {
    let missing: Vec<_> = all.iter().filter(|name| !shown.contains(name)).collect();
    assert!(missing.is_empty(), "{page} has no sample of {missing:?}: add one in sample.rs");
}

/// That exactly a domain, a zero byte and the encoding are signed.
fn assert_signed<T: Statement>(body: &T, domain: &str) {
    let encoded = codec::encode(body).unwrap();
    let whole = [domain.as_bytes(), &[0], &encoded].concat();
    assert_eq!(body.signing_bytes().unwrap(), whole, "what is signed");
}

#[test]
fn tasks() {
    let mut page = Page::new("task");
    let tasks = sample::tasks();
    let codes: Vec<_> = tasks.iter().map(|(_, task)| task.code.variant()).collect();
    assert_all_shown(page.name, &codes, Code::ALL);
    let inputs = tasks.iter().flat_map(|(_, task)| task.inputs.values());
    let inputs: Vec<_> = inputs.map(Variants::variant).collect();
    assert_all_shown(page.name, &inputs, Input::ALL);
    let images = tasks.iter().filter_map(|(_, task)| match &task.code {
        Code::Docker { image, .. } => Some(image.variant()),
        Code::Wasm { .. } => None,
    });
    assert_all_shown(page.name, &images.collect::<Vec<_>>(), Image::ALL);
    for (name, task) in &tasks {
        page.item(name, task);
    }
    page.check();
}

#[test]
fn a_task_is_named_by_the_cid_of_its_encoding() {
    for (name, task) in sample::tasks() {
        let cid = cid_of(DAG_CBOR, &codec::encode(&task).unwrap());
        match name {
            "docker-reference" => assert!(task.cid().is_err(), "{name}"),
            _ => assert_eq!(task.cid().unwrap(), cid, "{name}"),
        }
    }
}

#[test]
fn jobs() {
    let mut page = Page::new("job");
    for (name, job) in &sample::jobs() {
        page.item(name, job);
    }
    page.check();
}

#[test]
fn manifests_and_receipts() {
    let mut page = Page::new("receipt");
    for manifest in sample::manifests() {
        let outcome = manifest.outcome.clone();
        page.item(&format!("manifest/{}", outcome.variant()), &manifest);
        assert_eq!(manifest.cid().unwrap(), codec::cid_of_value(&manifest).unwrap());
    }
    let outcomes: Vec<_> = sample::manifests().iter().map(|m| m.outcome.variant()).collect();
    assert_all_shown(page.name, &outcomes, Outcome::ALL);
    for (name, full) in [("full", true), ("bare", false)] {
        let receipt = sample::receipt(full);
        page.item(&format!("body/{name}"), &receipt.body);
        assert_signed(&receipt.body, "gadus/receipt/1");
        page.item(&format!("receipt/{name}"), &receipt);
    }
    page.item("claim", &sample::claim());
    page.check();
}

#[test]
fn verdicts() {
    let mut page = Page::new("verdict");
    page.item("opening", &sample::opening());
    page.statement("commit", "gadus/commit/1", &sample::commit());
    page.statement("close", "gadus/close/1", &sample::close());
    page.item("reveal", &sample::reveal());
    page.item("draw", &sample::draw());
    for verdict in sample::verdicts() {
        let name = format!("verdict/{}", verdict.body.decision.variant());
        page.statement(&name, "gadus/verdict/1", &verdict);
    }
    let verdicts = sample::verdicts();
    let decisions: Vec<_> = verdicts.iter().map(|v| v.body.decision.variant()).collect();
    assert_all_shown(page.name, &decisions, Decision::ALL);
    for (name, sealed) in &sample::sealed() {
        page.item(&format!("sealed/{name}"), sealed);
    }
    page.check();
}

#[test]
fn what_is_exported() {
    let mut page = Page::new("bundle");
    page.item("bundle", &sample::bundle());
    page.item("proof", &sample::proof());
    page.item("evidence", &sample::evidence());
    page.check();
}

#[test]
fn a_commitment_is_the_hash_of_its_opening() {
    let opening = sample::opening();
    let encoded = codec::encode(&opening).unwrap();
    let commitment = codec::sha256(&[b"gadus/opening/1\0", &encoded]);
    assert_eq!(opening.commitment().unwrap(), commitment);
    assert_eq!(sample::commit().body.commitment, commitment);
    let close = sample::close().body;
    assert!(close.is_in_form());
    let committed = close.committed(opening.node, &opening.execution).unwrap();
    assert_eq!(committed.commitment, commitment);
}

#[test]
fn messages() {
    let mut page = Page::new("message");
    page.variants("", sample::messages(), sample::envelope);
    let mut proposals = Vec::new();
    for message in sample::messages() {
        if let Message::Propose { proposal, .. } = message {
            proposals.push(proposal.variant());
        }
    }
    assert_all_shown(page.name, &proposals, Proposal::ALL);
    page.item("gossip", &sample::gossip());
    page.item("gossip/filled", &sample::gossip_of_filled_rounds());
    page.check();
}

#[test]
fn records() {
    let mut page = Page::new("record");
    page.variants("job/", sample::job_events(), |event| sample::record(Event::Job(event)));
    let compute = |event| sample::record(Event::Compute(event));
    page.variants("compute/", sample::compute_events(), compute);
    let trust = |event| sample::record(Event::Trust(event));
    page.variants("trust/", sample::trust_events(), trust);
    let machines: Vec<_> = sample::events().iter().map(Variants::variant).collect();
    assert_all_shown(page.name, &machines, Event::ALL);
    page.check();
}

#[test]
fn words() {
    let mut page = Page::new("words");
    for Words { of, words, all, .. } in Words::all() {
        page.text.push('\n');
        for (name, bytes) in &words {
            page.text += &format!("{of}/{name} {}", diagnostic::text(bytes).unwrap());
        }
        assert_all_shown(of, &words.iter().map(|(name, _)| *name).collect::<Vec<_>>(), all);
    }
    page.check();
}
