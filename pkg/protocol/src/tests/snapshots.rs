//! Snapshots: a log may begin with them, and their encoding is committed as text.
//! `UPDATE_GOLDEN=1 cargo test -p gadus-protocol` writes it anew.

use std::fs;
use std::path::Path;

use gadus_model::event::{ComputeEvent, Event, JobEvent, Record, TrustEvent};
use gadus_model::message::Message;
use gadus_model::{Class, diagnostic};

use super::rig::{TestCompute, TestRequester, award, claim, docker, failure, job, job_id, node};
use crate::compute::Input;
use crate::{Compute, Requester};

/// A requester with a job in each state that a snapshot can find it in.
fn requester() -> TestRequester {
    let mut r = TestRequester::with_nodes([node(1)]);
    let mut query = job(1);
    query.context.class = Class::Query;
    query.idempotency_key = Some("key".to_owned());
    r.submit(query);
    let first = r.runs(job_id(1), node(1));
    r.hears(node(1), Message::Failed { execution: first, failure: failure() });
    r.wait_ms(500);
    let second = r.runs(job_id(1), node(1));
    let proposal = r.proposal(&second, node(1));
    r.hears(node(1), proposal);
    r.submit(docker(job(2)));
    let mut bid = r.bid(job_id(2));
    bid.image_digest = Some("sha256:a".to_owned());
    r.hears(node(1), Message::Bid(bid));
    let mut waits = job(3);
    waits.context.resources.cpu_millis = 4_000;
    r.submit(waits);
    r
}

/// A compute node with an execution in each state.
fn compute() -> TestCompute {
    let mut c = TestCompute::new();
    let executions = [1, 2, 3, 4].map(|n| c.runs(&job(n)));
    for n in [2, 3] {
        let claim = Box::new(claim(&award(&job(n), 1), node(1)));
        let execution = executions[usize::from(n) - 1].clone();
        c.input(Input::Finished { execution, claim, blocks: Vec::new(), seal: None });
    }
    c.hears(Message::Accept { execution: executions[2].clone() });
    c.input(Input::Failed { execution: executions[3].clone(), failure: failure() });
    c
}

#[test]
fn a_requester_that_begins_with_snapshots_is_the_same() {
    let r = requester();
    let snapshots = r.machine.snapshot(r.now);
    assert_eq!(snapshots.len(), 3);
    let replayed = Requester::replay(r.config(), snapshots);
    assert_eq!(replayed.durable(), r.machine.durable());
    assert_eq!(replayed.job_by_key("alice", "key"), Some(job_id(1)));
}

#[test]
fn a_compute_node_that_begins_with_snapshots_is_the_same() {
    let c = compute();
    let snapshots = c.machine.snapshot(c.now);
    assert_eq!(snapshots.len(), 4);
    let replayed = Compute::replay(TestCompute::config(), snapshots);
    assert_eq!(replayed.durable(), c.machine.durable());
    assert_eq!(replayed.reserved(), c.machine.reserved());
}

/// A snapshot's own bytes.
fn state(record: &Record) -> &[u8] {
    match &record.body {
        Event::Job(JobEvent::Snapshot { job }) => &job.0,
        Event::Compute(ComputeEvent::Snapshot { state, .. }) => &state.0,
        Event::Trust(TrustEvent::Snapshot { state }) => &state.0,
        Event::Job(_) | Event::Compute(_) | Event::Trust(_) => panic!("{record:?} is no snapshot"),
    }
}

#[test]
fn the_encoding_is_the_committed_one() {
    let (r, c) = (requester(), compute());
    let records = [r.machine.snapshot(r.now), c.machine.snapshot(c.now)].concat();
    let mut text = "# Written by UPDATE_GOLDEN=1 cargo test -p gadus-protocol.\n".to_owned();
    for record in &records {
        text += &format!("\n{}\n{}", record.job, diagnostic::text(state(record)).unwrap());
    }
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/golden/snapshots.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, &text).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    let differs = text.lines().zip(committed.lines()).find(|(is, was)| is != was);
    assert!(
        text == committed,
        "{} is not what the machines give, first at {differs:#?}: if the format is to change, run \
         the tests with UPDATE_GOLDEN=1",
        path.display()
    );
}
