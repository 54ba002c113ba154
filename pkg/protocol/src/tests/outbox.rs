//! Nothing finished is lost: what a node has to say is said until its requester lets go.

use std::collections::BTreeMap;

use gadus_model::message::{Answer, Held, InlineBlock, Message, OpenProposal, Proposal};
use gadus_model::{Context, Execution, Limits, Place, PublisherSpec, Resources};

use super::rig::{Outcome, REQUESTER, TestCompute, award, cid, claim, failure, job, limits, node};
use crate::compute::{HeldState, Input};
use crate::step::Effect;

fn finished(execution: &Execution) -> Input {
    let claim = Box::new(claim(&award(&job(1), 1), node(1)));
    let blocks = vec![InlineBlock { cid: cid("stdout"), bytes: vec![1] }];
    Input::Finished { execution: execution.clone(), claim, blocks, seal: None }
}

fn with_answer() -> (TestCompute, Execution) {
    let mut c = TestCompute::new();
    let execution = c.runs(&job(1));
    let outcome = c.input(finished(&execution));
    assert_eq!(outcome.events(), ["Finished"]);
    assert_eq!(outcome.effects(), ["Propose to 99"]);
    (c, execution)
}

fn held(c: &TestCompute, execution: &Execution) -> Option<Held> {
    c.machine.held(execution).map(|log| log.state.held())
}

#[test]
fn an_answer_is_proposed_until_it_is_accepted_rejected_or_released() {
    let (mut c, execution) = with_answer();
    assert_eq!(c.wait_ms(4_000).times_of("Propose to 99"), [200, 600, 1_400, 3_000]);
    assert_eq!(held(&c, &execution), Some(Held::Proposed));
    for order in [
        Message::Reject { execution: execution.clone(), why: "late".to_owned() },
        Message::Release { execution: execution.clone() },
        Message::Stop { execution: execution.clone() },
    ] {
        let (mut c, execution) = with_answer();
        let outcome = c.hears(order);
        assert_eq!(outcome.events(), ["Released"]);
        let forget = Effect::Forget { execution: execution.clone(), keep_result: false };
        assert!(outcome.effects.iter().any(|(_, effect)| *effect == forget));
        assert!(c.wait_ms(60_000).is_nothing());
        assert_eq!(held(&c, &execution), None);
    }
}

#[test]
fn an_accepted_answer_is_made_public_and_then_said_to_be_until_it_is_released() {
    let (mut c, execution) = with_answer();
    let outcome = c.hears(Message::Accept { execution: execution.clone() });
    let result = cid("result");
    assert_eq!(outcome.events(), ["Accepted"]);
    let retention_ms = Context::default().retention_ms;
    let promote = Effect::Promote { execution: execution.clone(), result, retention_ms };
    assert_eq!(
        outcome.effects.into_iter().map(|(_, effect)| effect).collect::<Vec<_>>(),
        [promote]
    );
    assert!(c.wait_ms(10_000).is_nothing(), "it is not public yet");
    let outcome = c.input(Input::Promoted { execution: execution.clone() });
    assert_eq!(outcome.effects(), ["Published to 99"]);
    assert_eq!(c.wait_ms(1_000).times_of("Published to 99"), [200, 600]);
    let outcome = c.hears(Message::Release { execution: execution.clone() });
    let forget = Effect::Forget { execution, keep_result: true };
    assert!(outcome.effects.iter().any(|(_, effect)| *effect == forget), "the result stays");
}

#[test]
fn an_accepted_result_stays_whoever_wants_the_execution_gone() {
    let (mut c, execution) = with_answer();
    c.hears(Message::Accept { execution: execution.clone() });
    let outcome = c.hears(Message::Stop { execution: execution.clone() });
    let forget = Effect::Forget { execution, keep_result: true };
    assert!(outcome.effects.iter().any(|(_, effect)| *effect == forget));
}

#[test]
fn a_failure_is_said_until_it_is_released() {
    let mut c = TestCompute::new();
    let execution = c.runs(&job(1));
    let outcome = c.input(Input::Failed { execution: execution.clone(), failure: failure() });
    assert_eq!(
        (outcome.events(), outcome.effects()),
        (vec!["Failed".to_owned()], vec!["Failed to 99".to_owned()])
    );
    assert_eq!(c.wait_ms(1_000).times_of("Failed to 99"), [200, 600]);
    assert_eq!(c.hears(Message::Release { execution }).events(), ["Released"]);
}

#[test]
fn blocks_travel_with_the_answer_until_a_restart_forgets_them() {
    let (mut c, execution) = with_answer();
    let blocks = |outcome: Outcome| {
        let mut blocks = None;
        for (_, message) in outcome.messages() {
            if let Message::Propose { proposal, .. } = message
                && let Proposal::Open(open) = proposal.as_ref()
            {
                let OpenProposal { blocks: these, .. } = open.as_ref();
                blocks = Some(these.len());
            }
        }
        blocks
    };
    assert_eq!(blocks(c.wait_ms(200)), Some(1));
    assert_eq!(blocks(c.restart()), Some(0));
    assert_eq!(held(&c, &execution), Some(Held::Proposed), "the answer itself is in the log");
}

#[test]
fn a_restart_makes_an_accepted_result_public_again_to_be_sure() {
    let (mut c, execution) = with_answer();
    c.hears(Message::Accept { execution: execution.clone() });
    let log = c.machine.held(&execution).unwrap();
    assert!(matches!(log.state, HeldState::Accepted { .. }));
    assert_eq!(c.restart().effects(), ["Promote"]);
}

#[test]
fn a_requester_that_can_be_reached_hears_it_at_once() {
    let (mut c, execution) = with_answer();
    c.wait_ms(20_000);
    c.input(Input::Up(REQUESTER));
    // The next time would be up to 5 s away.
    let outcome = c.answered(0, &execution, Answer::Run);
    assert_eq!(outcome.effects(), ["Propose to 99"]);
}

#[test]
fn what_nobody_asks_for_is_kept_for_days_and_no_longer() {
    let mut c = TestCompute::with_limits(Limits { outbox_ms: 3_600_000, ..limits() });
    let execution = c.runs(&job(1));
    c.input(finished(&execution));
    assert_eq!(c.wait_ms(3_599_999).events(), [""; 0]);
    assert_eq!(c.wait_ms(1).events(), ["Released"]);
}

#[test]
fn a_run_that_ends_while_it_is_being_killed_has_no_answer() {
    let mut c = TestCompute::new();
    let execution = c.runs(&job(1));
    c.hears(Message::Stop { execution: execution.clone() });
    let outcome = c.input(finished(&execution));
    assert_eq!(
        (outcome.events(), outcome.effects()),
        (vec![], vec!["Forget".to_owned(), "Stopped to 99".to_owned()])
    );
}

#[test]
fn what_waits_in_the_outbox_takes_up_no_room() {
    let (c, _) = with_answer();
    assert_eq!(c.machine.reserved(), Resources::default());
    assert_eq!(c.machine.running(), 0);
}

/// A public answer of a job that wants it elsewhere too.
fn with_answer_for_elsewhere() -> (TestCompute, Execution) {
    let mut c = TestCompute::new();
    let mut job = job(1);
    job.context.publisher = PublisherSpec::Local;
    let execution = c.runs(&job);
    c.input(finished(&execution));
    c.hears(Message::Accept { execution: execution.clone() });
    let outcome = c.input(Input::Promoted { execution: execution.clone() });
    let (result, to) = (cid("result"), Box::new(PublisherSpec::Local));
    let publish = Effect::Publish { execution: execution.clone(), result, to };
    assert!(outcome.effects.into_iter().map(|(_, effect)| effect).eq([publish]));
    (c, execution)
}

#[test]
fn a_result_that_is_wanted_elsewhere_is_published_when_it_is_there() {
    let (mut c, execution) = with_answer_for_elsewhere();
    assert!(c.wait_ms(10_000).is_nothing(), "it is on its way");
    let place = Place { kind: "urlDownload".to_owned(), params: BTreeMap::new() };
    let there = Input::Placed { execution: execution.clone(), place: Ok(place.clone()) };
    let outcome = c.input(there);
    let (holders, place) = (vec![node(1)], Some(place));
    let published = Message::Published { execution: execution.clone(), holders, place };
    assert!(outcome.messages().any(|(_, message)| *message == published));
    // After a restart it is brought there again, before anything is said.
    assert_eq!(c.restart().effects(), ["Promote"]);
    assert_eq!(c.input(Input::Promoted { execution }).effects(), ["Publish"]);
}

#[test]
fn a_result_that_cannot_be_brought_elsewhere_fails_and_stays() {
    let (mut c, execution) = with_answer_for_elsewhere();
    let place = Err(failure());
    let outcome = c.input(Input::Placed { execution: execution.clone(), place });
    assert_eq!(outcome.effects(), ["Failed to 99"]);
    assert_eq!(c.wait_ms(1_000).times_of("Failed to 99"), [200, 600]);
    let outcome = c.hears(Message::Release { execution: execution.clone() });
    let forget = Effect::Forget { execution, keep_result: true };
    assert!(outcome.effects.iter().any(|(_, effect)| *effect == forget));
}
