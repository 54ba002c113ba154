//! Jobs on every match: which nodes those are, and that each seat is one node's alone.

use gadus_model::event::JobEvent;
use gadus_model::message::{Held, Message};
use gadus_model::{Constraint, ExecutionState, Job, JobState, JobType, NodeId, Operator};

use super::rig::{Outcome, TestRequester, failure, info, job, job_id, node};

fn on_every_match(n: u8) -> Job {
    Job { kind: JobType::Ops.kind(1), ..job(n) }
}

fn placed(outcome: &Outcome) -> Vec<NodeId> {
    let mut placed = Vec::new();
    for event in outcome.job_events() {
        if let JobEvent::Placed { nodes } = event {
            placed.extend(nodes);
        }
    }
    placed
}

/// Nodes 1 and 2 bid, node 3 has no room just now, node 4 lacks a label.
fn with_placed() -> (TestRequester, Outcome) {
    let mut r = TestRequester::with_nodes([node(1), node(2)]);
    let mut full = info(node(3));
    full.available.cpu_millis = 0;
    r.meets(full);
    let mut elsewhere = info(node(4));
    elsewhere.labels.clear();
    r.meets(elsewhere);
    let mut ops = on_every_match(1);
    ops.context.constraints =
        vec![Constraint { key: "zone".to_owned(), operator: Operator::Exists, values: Vec::new() }];
    r.submit(ops);
    r.hears_bid(node(1), job_id(1));
    let outcome = r.hears_bid(node(2), job_id(1));
    (r, outcome)
}

#[test]
fn its_nodes_are_those_that_bid_and_those_that_are_only_full() {
    let (_, outcome) = with_placed();
    assert_eq!(placed(&outcome), [node(1), node(2), node(3)]);
    assert_eq!(outcome.events(), ["Placed", "Awarded", "Awarded"]);
    let awards = outcome.awards();
    for (n, (to, award)) in (0..).zip(&awards) {
        let partition = award.task.partition;
        assert_eq!((*to, partition.index, partition.count), (node(n as u8 + 1), n, 3));
        assert_eq!(award.execution.slot.partition, n);
    }
}

#[test]
fn a_full_node_gets_its_seat_when_it_bids_and_no_other_node_does() {
    let (mut r, _) = with_placed();
    let mut many = r.bid(job_id(1));
    many.seats = 5;
    assert!(r.hears(node(1), Message::Bid(many)).awards().is_empty());
    let outcome = r.hears_bid(node(3), job_id(1));
    assert_eq!(outcome.effects(), ["Award to 3"]);
}

#[test]
fn its_nodes_are_chosen_when_everybody_has_spoken_or_nobody_will() {
    let mut r = TestRequester::with_nodes([node(1), node(2)]);
    r.submit(on_every_match(1));
    r.hears_bid(node(1), job_id(1));
    assert_eq!(placed(&r.wait_ms(1_000)), []);
    assert_eq!(placed(&r.wait_ms(1_100)), [node(1)]);
}

#[test]
fn a_failed_seat_is_not_filled_again_and_the_others_run_to_their_end() {
    let (mut r, outcome) = with_placed();
    let awards = outcome.awards();
    let (first, second) = (&awards[0].1.execution, &awards[1].1.execution);
    let failed = Message::Failed { execution: first.clone(), failure: failure() };
    assert_eq!(r.hears(node(1), failed).events(), ["Failed"]);
    let proposal = r.proposal(second, node(2));
    assert_eq!(r.hears_kept(node(2), proposal).events(), ["Accepted", "Published"]);
    let outcome = r.hears_bid(node(3), job_id(1));
    let third = outcome.awards().remove(0).1.execution;
    let proposal = r.proposal(&third, node(3));
    let outcome = r.hears_kept(node(3), proposal);
    let message = "Job failed because one or more executions failed";
    assert_eq!(outcome.ended(), Some((JobState::Failed, message)));
}

#[test]
fn a_node_that_does_not_take_it_any_more_ends_it() {
    let (mut r, _) = with_placed();
    r.wait_ms(2_100);
    let mut elsewhere = info(node(3));
    elsewhere.labels.clear();
    let outcome = r.meets(elsewhere);
    let message = format!("node {} does not take the job any more", node(3));
    assert_eq!(outcome.ended(), Some((JobState::Failed, message.as_str())));
}

#[test]
fn it_fails_when_no_node_matches() {
    let mut r = TestRequester::with_nodes([node(1)]);
    let mut large = on_every_match(1);
    large.context.resources.gpus = 1;
    r.submit(large);
    let outcome = r.wait_ms(3_000);
    let (_, message) = outcome.ended().unwrap();
    assert!(message.starts_with("not matching nodes to run job out of 1 available nodes."));
}

#[test]
fn a_seat_of_a_node_that_is_gone_is_given_all_the_same_and_ends_with_its_silence() {
    let (mut r, outcome) = with_placed();
    let running: Vec<_> = outcome.awards().into_iter().map(|(_, award)| award.execution).collect();
    let mut said = Vec::new();
    for _ in 0..20 {
        for (n, execution) in (1..).zip(&running) {
            r.syncs(info(node(n)), &[(execution, Held::Running)]);
        }
        said.extend(r.wait_ms(5_000).events());
    }
    let newest = r.machine.log(job_id(1)).unwrap().newest((2, 0)).unwrap();
    assert_eq!((newest.node, newest.state), (node(3), ExecutionState::Lost));
    assert_eq!(said.iter().filter(|event| *event == "Awarded").count(), 1, "{said:?}");
}
