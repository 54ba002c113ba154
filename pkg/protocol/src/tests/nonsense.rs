//! What comes from the wrong node, for the wrong thing or of another time changes nothing. Where
//! that is of use to the sender, it is told what to do.

use gadus_model::message::{Answer, Held, MESSAGE_VERSION, Message};
use gadus_model::{Execution, OwnerId, Reason};

use super::rig::{
    TestCompute, TestRequester, announce, award, execution, failure, info, job, job_id, node, stale,
};
use crate::compute::Facts;

/// All that a node says of one execution, and what it is answered where that is not current.
fn words(
    r: &TestRequester,
    known: &Execution,
    of: &Execution,
) -> Vec<(Message, Option<&'static str>)> {
    let Message::Propose { proposal, .. } = r.proposal(known, node(1)) else { panic!() };
    let execution = || of.clone();
    let holders = vec![node(1)];
    vec![
        (Message::Granted { execution: execution() }, Some("Stop")),
        (Message::Refused { execution: execution(), reason: Reason::Stale }, None),
        (Message::Propose { execution: execution(), proposal }, Some("Reject")),
        (Message::Failed { execution: execution(), failure: failure() }, Some("Release")),
        (Message::Stopped { execution: execution() }, None),
        (Message::Published { execution: execution(), holders, place: None }, Some("Release")),
    ]
}

/// A requester whose job failed on node 1 and runs there again.
fn requester() -> (TestRequester, Execution) {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    let first = r.runs(job_id(1), node(1));
    r.hears(node(1), Message::Failed { execution: first, failure: failure() });
    r.wait_ms(500);
    let second = r.runs(job_id(1), node(1));
    r.meets(info(node(2)));
    (r, second)
}

#[test]
fn what_another_node_says_of_an_execution() {
    let (mut r, execution) = requester();
    for (message, answer) in words(&r, &execution, &execution) {
        let kind = message.kind();
        let outcome = r.hears(node(2), message);
        let answer: Vec<String> = answer.map(|a| format!("{a} to 2")).into_iter().collect();
        assert_eq!((outcome.events(), outcome.effects()), (vec![], answer), "{kind}");
    }
}

#[test]
fn what_is_said_of_a_slots_older_try() {
    let (mut r, execution) = requester();
    for (message, answer) in words(&r, &execution, &stale(&execution)) {
        let kind = message.kind();
        let outcome = r.hears(node(1), message);
        let answer: Vec<String> = answer.map(|a| format!("{a} to 1")).into_iter().collect();
        assert_eq!((outcome.events(), outcome.effects()), (vec![], answer), "{kind}");
    }
}

#[test]
fn what_is_said_of_a_job_that_nobody_knows() {
    let (mut r, execution) = requester();
    let unknown = award(&job(9), 1).execution;
    for (message, answer) in words(&r, &execution, &unknown) {
        // Its job may be over and folded: nothing is owed for it any more.
        let answer = answer.map(|a| if a == "Reject" { "Release" } else { a });
        let kind = message.kind();
        let outcome = r.hears(node(1), message);
        let answer: Vec<String> = answer.map(|a| format!("{a} to 1")).into_iter().collect();
        assert_eq!((outcome.events(), outcome.effects()), (vec![], answer), "{kind}");
    }
}

#[test]
fn a_sync_is_told_what_becomes_of_each_thing_that_it_should_not_hold() {
    use Answer::{Release, Run, Stop};
    let (mut r, current) = requester();
    let (older, unknown) = (stale(&current), execution(job_id(9), 1));
    let held = [
        (&current, Held::Running, Run),
        (&older, Held::Running, Stop),
        (&older, Held::Proposed, Release),
        (&unknown, Held::Running, Stop),
        (&unknown, Held::Proposed, Release),
        (&unknown, Held::Failed, Release),
        (&unknown, Held::Published, Release),
    ];
    let said = held.map(|(execution, held, _)| (execution, held));
    let outcome = r.syncs(info(node(1)), &said);
    let Some((_, Message::SyncReply { answers, .. })) = outcome.messages().next() else { panic!() };
    let answers: Vec<_> = answers.iter().map(|(execution, answer)| (execution, *answer)).collect();
    assert_eq!(answers, held.map(|(execution, _, answer)| (execution, answer)));
    assert_eq!(outcome.events(), [""; 0]);
}

#[test]
fn what_is_said_in_another_version_or_to_another_owner() {
    let (mut r, execution) = requester();
    let bid = Message::Bid(r.bid(job_id(1)));
    let words: Vec<Message> =
        words(&r, &execution, &execution).into_iter().map(|(message, _)| message).collect();
    for message in words.into_iter().chain([bid]) {
        r.version = 2;
        assert!(r.hears(node(1), message.clone()).is_nothing());
        r.version = MESSAGE_VERSION;
        let owner = std::mem::replace(&mut r.owner, OwnerId(node(5)));
        assert!(r.hears(node(1), message).is_nothing());
        r.owner = owner;
    }
}

#[test]
fn what_is_for_the_other_machine() {
    let (mut r, execution) = requester();
    let of = |message: fn(Execution) -> Message| message(execution.clone());
    for message in [
        Message::Ask(announce(&job(1))),
        Message::Award(Box::new(award(&job(1), 2))),
        of(|execution| Message::Accept { execution }),
        of(|execution| Message::Release { execution }),
        of(|execution| Message::Stop { execution }),
        of(|execution| Message::Kept { execution }),
    ] {
        assert!(r.hears(node(1), message).is_nothing());
    }
    let mut c = TestCompute::new();
    let execution = c.runs(&job(1));
    let of = |message: fn(Execution) -> Message| message(execution.clone());
    for message in [
        of(|execution| Message::Granted { execution }),
        of(|execution| Message::Stopped { execution }),
        of(|execution| Message::Failed { execution, failure: failure() }),
        of(|execution| Message::Published { execution, holders: Vec::new(), place: None }),
    ] {
        assert!(c.hears(message).is_nothing());
    }
}

/// All that a requester says of an execution.
fn orders(execution: &Execution) -> Vec<Message> {
    let execution = || execution.clone();
    vec![
        Message::Accept { execution: execution() },
        Message::Reject { execution: execution(), why: "late".to_owned() },
        Message::Release { execution: execution() },
        Message::Stop { execution: execution() },
    ]
}

#[test]
fn an_order_of_somebody_else_or_of_another_time() {
    type Change = fn(&mut TestCompute);
    let cases: [(&str, Change); 4] = [
        ("of another requester", |c| (c.from, c.owner) = (node(5), OwnerId(node(5)))),
        ("in its name", |c| c.from = node(5)),
        ("of an older term", |c| c.term = 0),
        ("of another version", |c| c.version = 2),
    ];
    for (what, change) in cases {
        let mut c = TestCompute::new();
        let execution = c.runs(&job(1));
        c.asked(&job(2));
        change(&mut c);
        for order in orders(&execution) {
            let kind = order.kind();
            let outcome = c.hears(order);
            assert_eq!(outcome.events(), [""; 0], "{kind} {what}");
            assert_eq!(outcome.times_of("Kill").len(), 0, "{kind} {what}");
        }
        let outcome = c.awarded(award(&job(2), 1));
        assert_eq!(outcome.events(), [""; 0], "an award {what}");
        assert!(c.machine.held(&execution).is_some(), "{what}");
    }
}

#[test]
fn an_order_for_what_is_not_here() {
    let mut c = TestCompute::new();
    for order in orders(&execution(job_id(9), 1)) {
        // Whoever wants it stopped hears that it does not run.
        let stop = matches!(order, Message::Stop { .. });
        let outcome = c.hears(order);
        let answer = if stop { vec!["Stopped to 99".to_owned()] } else { vec![] };
        assert_eq!((outcome.events(), outcome.effects()), (vec![], answer));
    }
}

#[test]
fn an_announcement_in_anothers_name_or_of_an_older_term() {
    let mut c = TestCompute::new();
    c.term = 3;
    assert_eq!(c.asked(&job(1)).effects(), ["Bid to 99"]);
    c.term = 2;
    assert!(c.asked(&job(1)).is_nothing());
    (c.term, c.from) = (3, node(5));
    assert!(c.announced(announce(&job(1)), true, Facts::default()).is_nothing());
}
