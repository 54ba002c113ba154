//! Leases as a compute node counts them: from sending, so that they end before its requester's.

use gadus_model::Limits;
use gadus_model::message::{Answer, Message};

use super::rig::{Outcome, REQUESTER, TestCompute, award, job, limits};
use crate::compute::Input;
use crate::step::Effect;

/// The numbers of the Syncs that were sent.
fn syncs(outcome: &Outcome) -> Vec<u64> {
    let mut syncs = Vec::new();
    for (_, effect) in &outcome.effects {
        if let Effect::Send { message, .. } = effect
            && let Message::Sync { .. } = message.body
        {
            syncs.push(message.seq);
        }
    }
    syncs
}

#[test]
fn a_run_ends_with_its_lease() {
    let mut c = TestCompute::new();
    let execution = c.runs(&job(1));
    assert!(c.wait_ms(29_999).is_nothing());
    let outcome = c.wait_ms(1);
    assert_eq!(
        (outcome.events(), outcome.effects()),
        (vec!["Released".to_owned()], vec!["Kill".to_owned()])
    );
    let outcome = c.input(Input::Killed { execution });
    assert_eq!(outcome.effects(), ["Forget", "Stopped to 99"], "nothing of it runs");
}

#[test]
fn a_lease_is_renewed_from_the_sending_of_the_sync_that_is_answered() {
    let mut c = TestCompute::new();
    let execution = c.runs(&job(1));
    let mut of_seq = syncs(&c.input(Input::Up(REQUESTER)))[0];
    // A third of the lease passes between two Syncs.
    for sent_ms in [0, 10_000, 20_000] {
        let answered = c.answered(of_seq, &execution, Answer::Run);
        assert!(answered.is_nothing(), "the answer to the Sync of {sent_ms} ms");
        of_seq = syncs(&c.wait_ms(10_000))[0];
    }
    // The last one that was answered had left at 20 s, 10 s before.
    assert_eq!(c.wait_ms(19_999).events(), [""; 0]);
    assert_eq!(c.wait_ms(1).events(), ["Released"]);
}

#[test]
fn an_answer_that_comes_late_renews_it_no_further() {
    let mut c = TestCompute::new();
    let execution = c.runs(&job(1));
    let first = syncs(&c.input(Input::Up(REQUESTER)))[0];
    c.wait_ms(25_000);
    c.answered(first, &execution, Answer::Run);
    c.answered(first + 1_000, &execution, Answer::Run);
    assert_eq!(c.wait_ms(4_999).events(), [""; 0]);
    assert_eq!(c.wait_ms(1).events(), ["Released"]);
}

#[test]
fn an_award_that_comes_twice_renews_nothing() {
    let mut c = TestCompute::new();
    c.runs(&job(1));
    c.wait_ms(20_000);
    c.awarded(award(&job(1), 1));
    assert_eq!(c.wait_ms(10_000).events(), ["Released"]);
}

#[test]
fn syncs_come_by_the_clock_or_by_a_third_of_the_shortest_lease_and_when_room_appears() {
    let mut c = TestCompute::with_limits(Limits { sync_ms: 15_000, ..limits() });
    assert_eq!(c.input(Input::Up(REQUESTER)).effects(), ["Sync to 99"]);
    assert_eq!(c.wait_ms(30_000).times_of("Sync to 99"), [15_000, 30_000]);
    let execution = c.runs(&job(1));
    c.wait_ms(15_000);
    assert_eq!(c.wait_ms(10_000).times_of("Sync to 99"), [10_000]);
    // Many changes at once make one Sync.
    let failure = super::rig::failure();
    c.input(Input::Failed { execution, failure });
    c.input(Input::Info(Box::new(c.machine.info())));
    assert_eq!(c.wait_ms(1_000).times_of("Sync to 99"), [50]);
    c.input(Input::Down(REQUESTER));
    assert_eq!(c.wait_ms(60_000).times_of("Sync to 99"), [0u64; 0]);
}

#[test]
fn after_a_restart_what_ran_goes_on_and_ends_unless_a_sync_is_answered_run() {
    for answered in [false, true] {
        let mut c = TestCompute::new();
        let execution = c.runs(&job(1));
        let outcome = c.restart();
        assert_eq!((outcome.events(), outcome.effects()), (vec![], vec!["Start".to_owned()]));
        let started = outcome.effects.into_iter().map(|(_, effect)| effect).next();
        assert!(matches!(started, Some(Effect::Start { resumed: true, .. })));
        let of_seq = syncs(&c.input(Input::Up(REQUESTER)))[0];
        if answered {
            c.answered(of_seq, &execution, Answer::Run);
        }
        // The grace is 5 s, and a Sync's interval of 15 s.
        assert_eq!(c.wait_ms(19_999).events(), [""; 0]);
        let ended = c.wait_ms(1).events();
        assert_eq!(ended.is_empty(), answered, "{ended:?}");
    }
}

#[test]
fn a_sync_that_is_answered_stop_stops_it() {
    let mut c = TestCompute::new();
    let execution = c.runs(&job(1));
    let of_seq = syncs(&c.input(Input::Up(REQUESTER)))[0];
    assert_eq!(c.answered(of_seq, &execution, Answer::Stop).events(), ["Released"]);
}
