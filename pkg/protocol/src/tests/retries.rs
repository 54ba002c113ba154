//! What a failure does: to the slot, to the node, and to the job.

use gadus_model::event::JobEvent;
use gadus_model::message::Message;
use gadus_model::{Failure, FailureKind, JobState, RetryPolicy};

use super::rig::{Outcome, TestRequester, failure, info, job, job_id, node};

/// Runs a job on a node, where it fails.
fn fails(r: &mut TestRequester, on: u8) -> Outcome {
    let execution = r.runs(job_id(1), node(on));
    let failed = Message::Failed { execution, failure: failure() };
    r.hears(node(on), failed)
}

#[test]
fn a_failed_try_is_heard_and_waited_after_longer_each_time() {
    let mut r = TestRequester::with_nodes([node(1)]);
    let mut patient = job(1);
    patient.context.retry = RetryPolicy { attempts_max: 9, backoff_ms: 500, backoff_max_ms: 1_800 };
    r.submit(patient);
    for ms in [500, 1_000, 1_800, 1_800] {
        let outcome = fails(&mut r, 1);
        assert_eq!(outcome.events(), ["Failed", "BackedOff"]);
        assert_eq!(outcome.effects(), ["Release to 1"]);
        assert_eq!(outcome.job_events().last(), Some(&JobEvent::BackedOff { ms }));
        r.meets(info(node(1)));
        let outcome = r.wait_ms(ms);
        assert_eq!(
            (outcome.events(), outcome.times_of("Ask to 1")),
            (vec!["Announced".to_owned()], vec![ms])
        );
    }
}

#[test]
fn the_try_after_a_failure_goes_elsewhere_if_anybody_else_will() {
    let mut r = TestRequester::with_nodes([node(1), node(2)]);
    r.submit(job(1));
    let mut better = r.bid(job_id(1));
    (better.fit_permille, better.module_warm) = (1_000, true);
    r.hears(node(1), Message::Bid(better.clone()));
    let (_, award) = r.hears_bid(node(2), job_id(1)).awards().remove(0);
    r.hears(node(1), Message::Failed { execution: award.execution, failure: failure() });
    r.wait_ms(500);
    better.round = r.round(job_id(1));
    r.hears(node(1), Message::Bid(better));
    let outcome = r.hears_bid(node(2), job_id(1));
    assert_eq!(outcome.effects(), ["Award to 2"]);
}

#[test]
fn when_its_tries_are_used_up_the_job_has_failed() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    for ms in [500, 1_000] {
        assert_eq!(fails(&mut r, 1).ended(), None);
        r.wait_ms(ms);
    }
    let message = "Job failed because it has been retried too many times. The last try: \
                   the engine is down";
    assert_eq!(fails(&mut r, 1).ended(), Some((JobState::Failed, message)));
    assert_eq!(r.state(job_id(1)), None, "it is folded");
}

#[test]
fn a_failure_that_any_node_would_have_ends_the_job_at_once() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    let execution = r.runs(job_id(1), node(1));
    let failure = Failure::new(FailureKind::OutOfMemory, "it needs more").with_hint("ask for it");
    let outcome = r.hears(node(1), Message::Failed { execution, failure });
    assert_eq!(outcome.ended(), Some((JobState::Failed, "it needs more (ask for it)")));
}

#[test]
fn a_job_may_take_only_so_long() {
    for running in [false, true] {
        let mut r = TestRequester::with_nodes([node(1)]);
        let mut short = job(1);
        short.context.timeouts.total_ms = Some(1_500);
        r.submit(short);
        if running {
            r.runs(job_id(1), node(1));
        }
        assert_eq!(r.wait_ms(1_489).ended(), None);
        let outcome = r.wait_ms(11);
        let message = "Job timed out. Job took longer than 1.500 s";
        assert_eq!(outcome.ended(), Some((JobState::Failed, message)));
        assert_eq!(outcome.times_of("Stop to 1").len(), usize::from(running));
    }
}
