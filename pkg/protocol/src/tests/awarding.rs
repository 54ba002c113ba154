//! Awards: durable first, said until they are answered, and what their answers do.

use gadus_model::event::JobEvent;
use gadus_model::message::Message;
use gadus_model::{
    Class, Code, Epoch, ExecutionState, Failure, FailureKind, Image, Job, JobState, Reason,
};

use super::rig::{Outcome, TestRequester, docker, execution, failure, info, job, job_id, node};
use crate::requester::Input;

fn epochs(outcome: &Outcome) -> Vec<Epoch> {
    let mut epochs = Vec::new();
    for event in outcome.job_events() {
        if let JobEvent::Awarded { execution, .. } = event {
            epochs.push(execution.epoch);
        }
    }
    epochs
}

#[test]
fn the_epoch_is_an_event_before_the_award_is_sent() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    let outcome = r.hears_bid(node(1), job_id(1));
    assert_eq!(
        (outcome.events(), outcome.effects()),
        (vec!["Awarded".to_owned()], vec!["Award to 1".to_owned()])
    );
    let (_, award) = outcome.awards().remove(0);
    assert_eq!(award.execution, execution(job_id(1), 1));
    assert_eq!(award.round, r.round(job_id(1)));
    assert_eq!(epochs(&outcome), [award.execution.epoch]);
}

#[test]
fn epochs_grow_with_every_try_and_every_term() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    assert_eq!(epochs(&r.hears_bid(node(1), job_id(1))), [Epoch { term: 1, n: 1 }]);
    r.hears(node(1), Message::Failed { execution: execution(job_id(1), 1), failure: failure() });
    r.wait_ms(500);
    let second = r.hears_bid(node(1), job_id(1));
    assert_eq!(epochs(&second), [Epoch { term: 1, n: 2 }]);
    let execution = second.awards().remove(0).1.execution;
    // After a restart the award that nobody answered is sent again, and is no new one.
    let outcome = r.restart();
    assert_eq!((outcome.events(), outcome.awards().len()), (vec![], 1));
    assert_eq!(outcome.awards()[0].1.execution, execution);
    r.meets(info(node(1)));
    r.hears(node(1), Message::Failed { execution, failure: failure() });
    r.wait_ms(1_000);
    assert_eq!(epochs(&r.hears_bid(node(1), job_id(1))), [Epoch { term: 2, n: 3 }]);
}

#[test]
fn an_award_is_said_again_until_it_is_answered_or_given_up() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    r.hears_bid(node(1), job_id(1));
    let outcome = r.wait_ms(5_000);
    assert_eq!(outcome.times_of("Award to 1"), [200, 600, 1_400, 3_000]);
    assert_eq!(outcome.events(), ["Lost", "BackedOff"]);
    assert_eq!(r.state_of(&execution(job_id(1), 1)), Some(ExecutionState::Lost));
}

#[test]
fn a_grant_ends_the_repeating() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    r.runs(job_id(1), node(1));
    assert_eq!(r.state(job_id(1)), Some(JobState::Running));
    assert!(r.wait_ms(20_000).is_nothing());
}

#[test]
fn a_refusal_costs_no_attempt_and_the_next_bidder_is_taken() {
    let mut r = TestRequester::with_nodes([node(1), node(2)]);
    let mut once = job(1);
    once.context.retry.attempts_max = 1;
    r.submit(once);
    r.hears_bid(node(1), job_id(1));
    let (first, award) = r.hears_bid(node(2), job_id(1)).awards().remove(0);
    let second = if first == node(1) { node(2) } else { node(1) };
    let refused = Message::Refused { execution: award.execution, reason: Reason::BidExpired };
    assert_eq!(r.hears(first, refused).events(), ["Refused"]);
    let awards = r.wait_ms(10).awards();
    assert_eq!((awards[0].0, awards[0].1.execution.epoch.n), (second, 2));
    // The one that refused is left alone for a while, and says so itself.
    let plan = |r: &TestRequester| r.machine.explain(r.now, &job(1));
    assert_eq!(plan(&r).turned_down[0].reasons, [Reason::RecentlyRefused]);
    r.wait_ms(2_000);
    assert!(plan(&r).turned_down.is_empty());
}

#[test]
fn an_image_is_pinned_before_the_award_to_what_the_bidder_has() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(docker(job(1)));
    let mut bid = r.bid(job_id(1));
    bid.image_digest = Some("sha256:a".to_owned());
    let outcome = r.hears(node(1), Message::Bid(bid));
    assert_eq!(outcome.events(), ["ImagePinned", "Awarded"]);
    let code = outcome.awards().remove(0).1.task.code;
    let digest = Image::Digest("sha256:a".to_owned());
    assert!(matches!(code, Code::Docker { image, .. } if image == digest));
}

#[test]
fn else_to_what_the_registry_says_and_it_is_asked_once() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(docker(job(1)));
    assert_eq!(r.hears_bid(node(1), job_id(1)).effects(), ["ResolveImage"]);
    assert!(r.hears_bid(node(1), job_id(1)).is_nothing());
    let result = Ok("sha256:b".to_owned());
    let resolved = Input::ImageResolved { job: job_id(1), result };
    let outcome = r.input(resolved.clone());
    assert_eq!(outcome.events(), ["ImagePinned", "Awarded"]);
    assert!(r.input(resolved).is_nothing());
}

#[test]
fn an_image_that_cannot_be_pinned_fails_the_job() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(docker(job(1)));
    r.hears_bid(node(1), job_id(1));
    let failure = Failure::new(FailureKind::ImageMissing, "no such image").with_hint("name one");
    let outcome = r.input(Input::ImageResolved { job: job_id(1), result: Err(failure) });
    let message = "the image cannot be pinned: no such image (name one)";
    assert_eq!(outcome.ended(), Some((JobState::Failed, message)));
}

#[test]
fn what_may_run_once_only_is_not_tried_again_after_an_award_was_lost() {
    type Change = fn(&mut Job);
    let cases: [(&str, Change); 2] = [
        ("retry: never", |job| job.context.retry.attempts_max = 1),
        ("a command", |job| job.context.class = Class::Command),
    ];
    for (what, change) in cases {
        let mut r = TestRequester::with_nodes([node(1), node(2)]);
        let mut once = job(1);
        change(&mut once);
        r.submit(once);
        r.hears_bid(node(1), job_id(1));
        r.hears_bid(node(2), job_id(1));
        let outcome = r.wait_ms(5_000);
        let message = "outcome unknown: the award was not answered for 5000 ms";
        assert_eq!(outcome.ended(), Some((JobState::Failed, message)), "{what}");
    }
}
