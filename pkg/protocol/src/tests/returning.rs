//! A requester that was started again, and nodes that take their time to find it.

use gadus_model::message::{Held, Message};
use gadus_model::{Class, Durability, Execution, ExecutionState, Failure, FailureKind, JobState};

use super::rig::{TestRequester, info, job, job_id, limits, node};
use crate::requester::Input;

/// A requester that has awarded a job to node 1, heard nothing of it, and was started again.
fn restarted(class: Class) -> (TestRequester, Execution) {
    let mut r = TestRequester::with_nodes([node(1)]);
    let mut job = job(1);
    job.context.class = class;
    r.submit(job);
    let (_, award) = r.hears_bid(node(1), job_id(1)).awards().remove(0);
    assert_eq!(r.restart().effects(), ["Award to 1"]);
    (r, award.execution)
}

fn absent(r: &TestRequester) -> usize {
    r.machine.footprint().into_iter().find(|(what, _)| *what == "absent").unwrap().1
}

#[test]
fn an_unanswered_award_waits_for_its_node_to_return_and_then_as_long_as_any() {
    let (mut r, execution) = restarted(Class::Pure);
    r.wait_ms(limits().disconnect_ms - 1);
    assert_eq!(r.state_of(&execution), Some(ExecutionState::Awarded));
    assert_eq!(
        r.input(Input::Up { node: node(1), prefix: None }).effects(),
        ["Award to 1"],
        "at once"
    );
    r.wait_ms(limits().award_ms - 1);
    assert_eq!(r.state_of(&execution), Some(ExecutionState::Awarded));
    r.wait_ms(1);
    assert_eq!(r.state_of(&execution), Some(ExecutionState::Lost));
    assert_eq!(absent(&r), 0);
}

#[test]
fn work_that_its_node_had_all_along_is_done_once() {
    for class in [Class::Pure, Class::Command] {
        let (mut r, execution) = restarted(class);
        r.wait_ms(30_000);
        let outcome = r.syncs(info(node(1)), &[(&execution, Held::Running)]);
        assert_eq!(outcome.events(), ["Granted"]);
        let proposal = r.proposal(&execution, node(1));
        r.hears_kept(node(1), proposal);
        assert_eq!(r.state(job_id(1)), None, "it is over, after one try");
    }
}

#[test]
fn any_word_of_a_node_shows_that_it_is_back() {
    let (mut r, execution) = restarted(Class::Pure);
    r.wait_ms(10_000);
    let other = super::rig::execution(job_id(9), 1);
    let outcome = r.hears(node(1), Message::Stopped { execution: other });
    assert_eq!(outcome.effects(), ["Award to 1"]);
    r.wait_ms(limits().award_ms);
    assert_eq!(r.state_of(&execution), Some(ExecutionState::Lost));
}

#[test]
fn a_node_that_never_returns_is_not_waited_for_for_ever() {
    let (mut r, execution) = restarted(Class::Command);
    r.wait_ms(limits().disconnect_ms - 1);
    assert_eq!((r.state_of(&execution), absent(&r)), (Some(ExecutionState::Awarded), 1));
    let outcome = r.wait_ms(1);
    assert_eq!(outcome.events(), ["Lost", "Ended"]);
    assert_eq!((r.state(job_id(1)), absent(&r)), (None, 0));
}

#[test]
fn an_award_made_after_the_restart_is_given_up_as_ever() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.restart();
    r.meets(info(node(1)));
    r.submit(job(1));
    let (_, award) = r.hears_bid(node(1), job_id(1)).awards().remove(0);
    r.wait_ms(limits().award_ms);
    assert_eq!(r.state_of(&award.execution), Some(ExecutionState::Lost));
}

#[test]
fn what_was_to_be_stopped_is_stopped_as_soon_as_its_node_is_back() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    r.runs(job_id(1), node(1));
    r.stop(job_id(1));
    assert_eq!(r.state(job_id(1)), Some(JobState::Stopped));
    assert_eq!(r.restart().effects(), ["Stop to 1"]);
    r.wait_ms(limits().repeat_max_ms * 2);
    assert_eq!(r.input(Input::Up { node: node(1), prefix: None }).effects(), ["Stop to 1"]);
}

#[test]
fn a_result_that_is_to_be_fetched_is_as_soon_as_its_node_is_back() {
    let mut r = TestRequester::with_nodes([node(1)]);
    let mut job = job(1);
    job.context.durability = Durability::Keeper;
    r.submit(job);
    let execution = r.runs(job_id(1), node(1));
    let proposal = r.proposal(&execution, node(1));
    r.hears(node(1), proposal);
    assert_eq!(r.restart().effects(), ["Keep"]);
    let missing = || Err(Failure::new(FailureKind::PublishFailed, "it cannot be reached"));
    let failed = |r: &mut TestRequester| {
        r.input(Input::Kept { execution: execution.clone(), result: missing() })
    };
    // The second fetch begins soon; the third would wait for longer.
    failed(&mut r);
    assert_eq!(r.wait_ms(limits().repeat_ms).effects(), ["Keep"]);
    failed(&mut r);
    assert_eq!(r.input(Input::Up { node: node(1), prefix: None }).effects(), ["Keep"]);
    failed(&mut r);
    r.wait_ms(limits().publish_ms - 1);
    assert_eq!(r.state_of(&execution), Some(ExecutionState::Accepted), "it counts from then");
}
