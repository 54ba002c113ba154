//! Which awards a compute node grants: each slot and epoch once, for a live bid, and with room.

use gadus_model::message::Message;
use gadus_model::{Class, Job, Reason};

use super::rig::{Outcome, TestCompute, award, execution, job, job_id, round};
use crate::compute::Input;
use crate::step::Effect;

fn refusal(outcome: &Outcome) -> Option<Reason> {
    let mut reason = None;
    for (_, message) in outcome.messages() {
        if let Message::Refused { reason: why, .. } = message {
            reason = Some(why.clone());
        }
    }
    reason
}

fn sized(n: u8, cpu_millis: u64) -> Job {
    let mut job = job(n);
    job.context.resources.cpu_millis = cpu_millis;
    job
}

#[test]
fn what_it_bid_for_is_reserved_durably_then_granted_and_started() {
    let mut c = TestCompute::new();
    c.runs(&job(1));
    assert_eq!(c.machine.reserved(), job(1).context.resources);
    assert_eq!(c.machine.info().available.cpu_millis, 3_000);
}

#[test]
fn an_award_names_a_live_bid() {
    type Prepare = fn(&mut TestCompute);
    let cases: [(&str, Prepare, Option<Reason>); 5] = [
        ("just now", |c| _ = c.asked(&job(1)), None),
        ("a while ago", |c| _ = (c.asked(&job(1)), c.wait_ms(59_999)), None),
        ("too long ago", |c| _ = (c.asked(&job(1)), c.wait_ms(60_000)), Some(Reason::BidExpired)),
        ("never", |_| {}, Some(Reason::BidExpired)),
        (
            "not any more",
            |c| {
                c.asked(&job(1));
                c.hears(Message::Filled { round: round(job_id(1)) });
            },
            Some(Reason::BidExpired),
        ),
    ];
    for (what, prepare, expected) in cases {
        let mut c = TestCompute::new();
        prepare(&mut c);
        let outcome = c.awarded(award(&job(1), 1));
        assert_eq!(refusal(&outcome), expected, "it bid {what}");
        assert_eq!(outcome.events().is_empty(), expected.is_some(), "it bid {what}");
    }
}

#[test]
fn a_bid_for_one_job_wins_no_other() {
    let mut c = TestCompute::new();
    c.asked(&job(1));
    let mut of_another = award(&job(2), 1);
    of_another.round = round(job_id(1));
    assert_eq!(refusal(&c.awarded(of_another)), Some(Reason::BidExpired));
}

#[test]
fn bids_reserve_nothing_so_the_second_award_may_find_no_room() {
    let mut c = TestCompute::new();
    for n in [1, 2] {
        c.asked(&sized(n, 3_000));
    }
    assert_eq!(c.awarded(award(&sized(1, 3_000), 1)).events(), ["Granted"]);
    let outcome = c.awarded(award(&sized(2, 3_000), 1));
    let (what, need, free) = ("cpu".to_owned(), 3_000, 1_000);
    assert_eq!(refusal(&outcome), Some(Reason::Busy { what, need, free }));
}

#[test]
fn an_award_may_not_ask_for_more_than_was_bid_for() {
    let mut c = TestCompute::new();
    c.asked(&job(1));
    assert!(matches!(refusal(&c.awarded(award(&sized(1, 5_000), 1))), Some(Reason::TooBig { .. })));
}

#[test]
fn a_newer_epoch_takes_the_place_of_an_older_one_and_never_the_other_way_round() {
    let mut c = TestCompute::new();
    c.runs(&job(1));
    let outcome = c.awarded(award(&job(1), 2));
    assert_eq!(outcome.events(), ["Released", "Granted"]);
    assert_eq!(outcome.effects(), ["Kill", "Start", "Granted to 99"]);
    let outcome = c.awarded(award(&job(1), 1));
    assert_eq!((outcome.events(), outcome.effects()), (vec![], vec![]), "it is being killed");
    c.input(Input::Killed { execution: execution(job_id(1), 1) });
    let outcome = c.awarded(award(&job(1), 1));
    assert_eq!((outcome.events(), refusal(&outcome)), (vec![], Some(Reason::Stale)));
}

#[test]
fn an_epoch_that_was_refused_or_stopped_is_not_granted_later() {
    let mut c = TestCompute::new();
    assert_eq!(refusal(&c.awarded(award(&job(1), 1))), Some(Reason::BidExpired));
    c.asked(&job(1));
    assert_eq!(refusal(&c.awarded(award(&job(1), 1))), Some(Reason::Stale));
    // What was granted here once is not refused: it may have run.
    let mut c = TestCompute::new();
    let granted = c.runs(&job(1));
    c.hears(Message::Stop { execution: granted.clone() });
    c.input(Input::Killed { execution: granted });
    assert_eq!(c.awarded(award(&job(1), 1)).effects(), ["Stopped to 99"]);
    // So is what was to stop before its award came.
    let mut c = TestCompute::new();
    c.asked(&job(1));
    c.hears(Message::Stop { execution: execution(job_id(1), 1) });
    assert_eq!(c.awarded(award(&job(1), 1)).effects(), ["Stopped to 99"]);
}

#[test]
fn a_term_that_the_award_itself_does_not_know_is_stale() {
    let mut c = TestCompute::new();
    c.asked(&job(1));
    let mut ahead = award(&job(1), 1);
    ahead.execution.epoch.term = 2;
    assert_eq!(refusal(&c.awarded(ahead)), Some(Reason::Stale));
}

#[test]
fn after_a_restart_what_may_run_once_only_is_not_called_refused() {
    let once = |n| {
        let mut job = job(n);
        job.context.class = Class::Command;
        job
    };
    for (job, said) in [(job(1), "Refused to 99"), (once(1), "Stopped to 99")] {
        let mut c = TestCompute::new();
        c.restart();
        assert_eq!(c.awarded(award(&job, 1)).effects(), [said]);
    }
    // Once its own memory reaches far enough back, it knows that it never ran.
    let mut c = TestCompute::new();
    c.restart();
    c.wait_ms(60_000);
    assert_eq!(c.awarded(award(&once(1), 1)).effects(), ["Refused to 99"]);
}

#[test]
fn a_run_that_must_not_happen_twice_waits_for_its_grant_to_be_durable() {
    let once = |n, change: fn(&mut Job)| {
        let mut job = job(n);
        change(&mut job);
        job
    };
    let cases = [
        (job(1), false),
        (once(2, |job| job.context.class = Class::Query), false),
        (once(3, |job| job.context.class = Class::Command), true),
        (once(4, |job| job.context.retry.attempts_max = 1), true),
    ];
    for (job, speaks) in cases {
        let award = Box::new(award(&job, 1));
        assert_eq!(Effect::Start { award, resumed: false }.speaks(), speaks, "{}", job.name);
    }
    assert!(Effect::Kill { execution: execution(job_id(1), 1) }.speaks());
    let reference = "ubuntu".to_owned();
    assert!(!Effect::ResolveImage { job: job_id(1), reference }.speaks());
}

#[test]
fn what_is_being_stopped_still_takes_up_room() {
    let mut c = TestCompute::new();
    let execution = c.runs(&sized(1, 3_000));
    let outcome = c.hears(Message::Stop { execution: execution.clone() });
    assert_eq!(
        (outcome.events(), outcome.effects()),
        (vec!["Released".to_owned()], vec!["Kill".to_owned()])
    );
    assert_eq!(c.asked(&sized(2, 3_000)).effects(), ["Decline to 99"]);
    assert!(c.hears(Message::Stop { execution: execution.clone() }).is_nothing());
    let outcome = c.input(Input::Killed { execution });
    assert_eq!(outcome.effects(), ["Forget", "Stopped to 99"]);
    assert_eq!(c.asked(&sized(2, 3_000)).effects(), ["Bid to 99"]);
}
