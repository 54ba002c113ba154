//! Who must hold a result, and where it must be, before it counts as published.

use std::collections::BTreeMap;

use gadus_model::event::JobEvent;
use gadus_model::message::Message;
use gadus_model::{
    Durability, Execution, NodeId, Place, PublisherSpec, Reason, S3Form, S3Target, Time,
};

use super::rig::{REQUESTER, TestRequester, failure, job, job_id, limits, node};
use crate::requester::{Input, SubmitError};

fn holds(execution: &Execution) -> Message {
    Message::Kept { execution: execution.clone() }
}

fn says_published(execution: &Execution, place: Option<Place>) -> Message {
    Message::Published { execution: execution.clone(), holders: vec![node(1)], place }
}

/// A network of so many nodes, and an answer of the first that waits for its holders.
fn with_answer(nodes: u8, durability: Durability) -> (TestRequester, Execution) {
    let mut r = TestRequester::with_nodes((1..=nodes).map(node));
    let mut job = job(1);
    job.context.durability = durability;
    r.submit(job);
    let execution = r.runs(job_id(1), node(1));
    let proposal = r.proposal(&execution, node(1));
    r.hears(node(1), proposal);
    (r, execution)
}

#[test]
fn two_holders_are_the_producer_and_the_requester() {
    let (mut r, execution) = with_answer(3, Durability::Replicas(2));
    assert!(r.hears(node(1), says_published(&execution, None)).is_nothing());
    let outcome = r.input(Input::Kept { execution: execution.clone(), result: Ok(()) });
    let holders = vec![REQUESTER, node(1)];
    let published = JobEvent::Published { execution, holders, place: None };
    assert_eq!(outcome.job_events().next(), Some(&published));
}

#[test]
fn further_holders_are_asked_once_somebody_has_it_and_count_when_they_say_so() {
    let (mut r, execution) = with_answer(5, Durability::Replicas(4));
    assert!(r.wait_ms(1_000).times_of("Keep to 2").is_empty(), "nobody has it yet");
    let outcome = r.input(Input::Kept { execution: execution.clone(), result: Ok(()) });
    let asked: Vec<String> =
        outcome.effects().into_iter().filter(|e| e.starts_with("Keep to")).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    let others: Vec<_> = (2..=5).map(node).collect();
    let is_asked = |n: &NodeId| asked.iter().any(|e| *e == format!("Keep to {}", n.0[0]));
    let (asked, idle): (Vec<NodeId>, Vec<NodeId>) = others.into_iter().partition(is_asked);
    // Who was not asked is no holder, whatever it says.
    assert_eq!(r.hears(idle[0], holds(&execution)).events(), [""; 0]);
    assert_eq!(r.hears(node(1), says_published(&execution, None)).events(), [""; 0]);
    assert_eq!(r.hears(asked[0], holds(&execution)).events(), [""; 0]);
    assert_eq!(r.hears(asked[0], holds(&execution)).events(), [""; 0], "it counts once");
    let outcome = r.hears(asked[1], holds(&execution));
    let mut holders = vec![REQUESTER, node(1)];
    holders.extend(asked);
    let published = JobEvent::Published { execution, holders, place: None };
    assert_eq!(outcome.job_events().next(), Some(&published));
}

#[test]
fn a_silent_holder_is_asked_again_and_then_another_besides() {
    let (mut r, execution) = with_answer(3, Durability::Replicas(3));
    r.input(Input::Kept { execution: execution.clone(), result: Err(failure()) });
    let outcome = r.hears(node(1), says_published(&execution, None));
    let first = outcome.effects().into_iter().find(|e| e.starts_with("Keep to")).unwrap();
    let second = if first == "Keep to 2" { "Keep to 3" } else { "Keep to 2" };
    let outcome = r.wait_ms(limits().keep_ms + 1_000);
    assert!(outcome.times_of(&first).len() > 3, "it is asked again");
    assert_eq!(outcome.times_of(second).first(), Some(&limits().keep_ms));
    r.input(Input::Kept { execution: execution.clone(), result: Ok(()) });
    let last = if second == "Keep to 2" { node(2) } else { node(3) };
    assert_eq!(r.hears(last, holds(&execution)).events(), ["Published", "Ended"]);
}

#[test]
fn a_result_with_too_few_holders_fails_and_says_how_many_there_were() {
    let (mut r, execution) = with_answer(2, Durability::Replicas(3));
    r.hears(node(1), says_published(&execution, None));
    r.input(Input::Kept { execution: execution.clone(), result: Ok(()) });
    r.wait_ms(limits().publish_ms);
    let log = r.machine.log(job_id(1)).unwrap();
    let message = &log.execution(&execution).unwrap().message;
    assert!(message.starts_with("2 of the 3 nodes that were to hold the result"), "{message}");
}

#[test]
fn more_holders_than_nodes_or_than_the_limit_are_refused_at_once() {
    let r = TestRequester::with_nodes([node(1), node(2)]);
    let asks = |n: u32| {
        let mut job = job(1);
        job.context.durability = Durability::Replicas(n);
        r.machine.check(&job)
    };
    assert_eq!(asks(3), Ok(()));
    assert_eq!(asks(4), Err(SubmitError::TooFewNodes { holders: 4, nodes: 3 }));
    let max = limits().replicas_max;
    assert_eq!(asks(max + 1), Err(SubmitError::TooManyHolders { holders: max + 1, max }));
}

#[test]
fn a_result_that_is_wanted_elsewhere_is_published_once_it_is_there() {
    let mut r = TestRequester::with_nodes([node(1)]);
    let mut job = job(1);
    (job.context.durability, job.context.publisher) = (Durability::Keeper, PublisherSpec::Local);
    r.submit(job);
    let execution = r.runs(job_id(1), node(1));
    let proposal = r.proposal(&execution, node(1));
    assert_eq!(r.hears_kept(node(1), proposal).effects(), ["Accept to 1"], "it has all blocks");
    assert!(r.hears(node(1), says_published(&execution, None)).is_nothing());
    let place = Place { kind: "urlDownload".to_owned(), params: BTreeMap::new() };
    let outcome = r.hears(node(1), says_published(&execution, Some(place.clone())));
    let (holders, place) = (vec![REQUESTER, node(1)], Some(place));
    let published = JobEvent::Published { execution, holders, place };
    assert_eq!(outcome.job_events().next(), Some(&published));
}

#[test]
fn a_node_that_cannot_publish_there_is_no_candidate() {
    let mut r = TestRequester::with_nodes([node(1)]);
    let mut job = job(1);
    let (bucket, key) = ("results".to_owned(), "{jobID}".to_owned());
    let target = S3Target { bucket, key, endpoint: None, region: None, form: S3Form::Archive };
    job.context.publisher = PublisherSpec::S3(Box::new(target));
    let plan = r.machine.explain(Time(0), &job);
    assert_eq!(plan.turned_down[0].reasons, [Reason::NoPublisher("s3".to_owned())]);
    assert!(r.submit(job).effects().iter().all(|e| !e.starts_with("Ask")));
}
