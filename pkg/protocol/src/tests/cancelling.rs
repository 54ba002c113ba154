//! Cancelling: the log's order decides what counts, and a node's word or its lease when it is over.

use gadus_model::message::{Answer, Held, Message};
use gadus_model::{Execution, ExecutionState, JobState};

use super::rig::{Outcome, TestRequester, failure, info, job, job_id, node};

fn with_running() -> (TestRequester, Execution) {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    let execution = r.runs(job_id(1), node(1));
    (r, execution)
}

fn answers(outcome: &Outcome) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (_, message) in outcome.messages() {
        if let Message::SyncReply { answers: these, .. } = message {
            answers.extend(these.iter().map(|(_, answer)| *answer));
        }
    }
    answers
}

#[test]
fn a_job_that_nobody_runs_is_over_at_once() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    let outcome = r.stop(job_id(1));
    assert_eq!(
        (outcome.events(), outcome.effects()),
        (vec!["Ended".to_owned()], vec!["Fold".to_owned()])
    );
}

#[test]
fn what_runs_is_told_to_stop_until_it_says_that_it_has() {
    let (mut r, execution) = with_running();
    let outcome = r.stop(job_id(1));
    assert_eq!(
        (outcome.events(), outcome.effects()),
        (vec!["Ended".to_owned()], vec!["Stop to 1".to_owned()])
    );
    assert_eq!(r.state(job_id(1)), Some(JobState::Stopped));
    assert_eq!(r.wait_ms(2_000).times_of("Stop to 1"), [200, 600, 1_400]);
    let outcome = r.hears(node(1), Message::Stopped { execution });
    assert_eq!(outcome.events(), ["Cancelled"]);
    assert_eq!(outcome.effects(), ["Fold"]);
}

#[test]
fn or_until_its_lease_is_over() {
    let (mut r, execution) = with_running();
    r.wait_ms(10_000);
    r.stop(job_id(1));
    r.wait_ms(27_999);
    assert_eq!(r.state_of(&execution), Some(ExecutionState::Granted));
    assert_eq!(r.wait_ms(1).events(), ["Cancelled"]);
    assert_eq!(r.state(job_id(1)), None);
}

#[test]
fn of_an_award_that_was_not_answered_the_lease_counts_from_the_cancelling() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    r.hears_bid(node(1), job_id(1));
    assert_eq!(r.stop(job_id(1)).effects(), ["Stop to 1"]);
    r.wait_ms(37_999);
    assert_eq!(r.state(job_id(1)), Some(JobState::Stopped));
    assert_eq!(r.wait_ms(1).events(), ["Cancelled"]);
}

#[test]
fn an_answer_that_comes_after_it_does_not_count() {
    let (mut r, execution) = with_running();
    let proposal = r.proposal(&execution, node(1));
    r.stop(job_id(1));
    let outcome = r.hears(node(1), proposal);
    assert_eq!(outcome.events(), ["Cancelled"], "it runs no more: it has its answer");
    assert_eq!(outcome.effects(), ["Reject to 1", "Fold"]);
}

#[test]
fn an_answer_that_came_before_it_is_not_published_any_more() {
    let (mut r, execution) = with_running();
    let proposal = r.proposal(&execution, node(1));
    assert_eq!(r.hears(node(1), proposal).events(), ["Accepted"]);
    assert_eq!(r.stop(job_id(1)).events(), ["Ended"]);
    let kept = crate::requester::Input::Kept { execution: execution.clone(), result: Ok(()) };
    assert_eq!(r.input(kept).events(), [""; 0]);
    assert_eq!(r.hears(node(1), Message::Stopped { execution }).events(), ["Cancelled"]);
}

#[test]
fn a_job_that_was_over_first_stays_as_it_was() {
    let (mut r, execution) = with_running();
    let proposal = r.proposal(&execution, node(1));
    r.hears_kept(node(1), proposal);
    assert!(r.stop(job_id(1)).is_nothing());
    let (mut r, _) = with_running();
    r.stop(job_id(1));
    assert!(r.stop(job_id(1)).is_nothing(), "a job version ends once");
    assert!(r.stop(job_id(9)).is_nothing());
}

#[test]
fn whatever_a_node_says_of_it_afterwards_is_answered_stop() {
    for held in [Held::Running, Held::Proposed] {
        let (mut r, execution) = with_running();
        r.stop(job_id(1));
        let outcome = r.syncs(info(node(1)), &[(&execution, held)]);
        assert_eq!((outcome.events(), answers(&outcome)), (vec![], vec![Answer::Stop]));
    }
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    let execution = r.hears_bid(node(1), job_id(1)).awards().remove(0).1.execution;
    r.stop(job_id(1));
    let outcome = r.hears(node(1), Message::Granted { execution });
    assert_eq!((outcome.events(), outcome.effects()), (vec![], vec!["Stop to 1".to_owned()]));
}

#[test]
fn a_node_that_no_longer_has_it_needs_not_say_so() {
    let (mut r, _) = with_running();
    r.stop(job_id(1));
    assert_eq!(r.syncs(info(node(1)), &[]).events(), ["Cancelled"]);
    let (mut r, execution) = with_running();
    r.stop(job_id(1));
    let outcome = r.hears(node(1), Message::Failed { execution, failure: failure() });
    assert_eq!(outcome.events(), ["Failed"]);
    assert_eq!(r.state(job_id(1)), None);
}

#[test]
fn the_cancelling_survives_a_restart() {
    let (mut r, execution) = with_running();
    r.stop(job_id(1));
    assert_eq!(r.restart().effects(), ["Stop to 1"]);
    assert_eq!(r.hears(node(1), Message::Stopped { execution }).events(), ["Cancelled"]);
}
