//! Every message may come twice, and the second time changes nothing.

use gadus_model::message::{Held, Message};
use gadus_model::{Durability, Execution, JobType, Reason};

use super::rig::{TestCompute, TestRequester, award, claim, failure, info, job, job_id, node};
use crate::compute;

/// A requester with a job of two slots: one runs on node 1, the other is to be announced.
fn requester() -> (TestRequester, Execution) {
    let mut r = TestRequester::with_nodes([node(1)]);
    let mut two = job(1);
    two.kind = JobType::Batch.kind(2);
    two.context.durability = Durability::Producer;
    r.submit(two);
    let execution = r.runs(job_id(1), node(1));
    (r, execution)
}

#[test]
fn a_requester_does_nothing_twice() {
    type Say = fn(&TestRequester, &Execution) -> Message;
    let cases: [(&str, Say); 7] = [
        ("bid", |r, _| Message::Bid(r.bid(job_id(1)))),
        ("decline", |r, _| Message::Decline {
            round: r.round(job_id(1)),
            reasons: vec![Reason::Draining],
        }),
        ("granted", |_, x| Message::Granted { execution: x.clone() }),
        ("propose", |r, x| r.proposal(x, node(1))),
        ("failed", |_, x| Message::Failed { execution: x.clone(), failure: failure() }),
        ("stopped", |_, x| Message::Stopped { execution: x.clone() }),
        ("sync", |_, x| Message::Sync {
            info: Box::new(info(node(1))),
            executions: vec![(x.clone(), Held::Running)],
        }),
    ];
    for (what, say) in cases {
        let (mut r, execution) = requester();
        let message = say(&r, &execution);
        r.hears_as(node(1), (2, 1), message.clone());
        let again = r.hears_as(node(1), (2, 1), message);
        assert_eq!(again.events(), [""; 0], "{what}");
    }
}

#[test]
fn nor_what_is_said_at_the_end() {
    let (mut r, execution) = requester();
    let proposal = r.proposal(&execution, node(1));
    r.hears(node(1), proposal.clone());
    assert_eq!(r.hears(node(1), proposal.clone()).effects(), ["Accept to 1"]);
    let published = Message::Published { execution, holders: vec![node(1)], place: None };
    assert_eq!(r.hears(node(1), published.clone()).events(), ["Published"]);
    // What is answered tells the node that nothing more is owed.
    for message in [proposal, published] {
        let again = r.hears(node(1), message);
        assert_eq!((again.events(), again.effects()), (vec![], vec!["Release to 1".to_owned()]));
    }
}

#[test]
fn a_refusal_that_comes_twice_refuses_one_award() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    let execution = r.hears_bid(node(1), job_id(1)).awards().remove(0).1.execution;
    let refused = Message::Refused { execution, reason: Reason::Stale };
    assert_eq!(r.hears(node(1), refused.clone()).events(), ["Refused"]);
    assert!(r.hears(node(1), refused).is_nothing());
}

#[test]
fn a_compute_node_does_nothing_twice() {
    let of = |message: fn(Execution) -> Message| message(award(&job(1), 1).execution);
    let cases = [
        ("award", Message::Award(Box::new(award(&job(1), 1)))),
        ("accept", of(|execution| Message::Accept { execution })),
        ("reject", of(|execution| Message::Reject { execution, why: "late".to_owned() })),
        ("release", of(|execution| Message::Release { execution })),
        ("stop", of(|execution| Message::Stop { execution })),
        ("filled", Message::Filled { round: super::rig::round(job_id(1)) }),
    ];
    for finished in [false, true] {
        for (what, message) in cases.clone() {
            let mut c = TestCompute::new();
            let execution = c.runs(&job(1));
            if finished {
                let claim = Box::new(claim(&award(&job(1), 1), node(1)));
                c.input(compute::Input::Finished {
                    execution,
                    claim,
                    blocks: Vec::new(),
                    seal: None,
                });
            }
            c.hears(message.clone());
            let again = c.hears(message);
            assert_eq!(again.events(), [""; 0], "{what}");
            let starts = again.times_of("Start").len() + again.times_of("Kill").len();
            assert_eq!(starts, 0, "{what}");
        }
    }
}

#[test]
fn an_award_that_comes_twice_is_granted_twice_and_runs_once() {
    let mut c = TestCompute::new();
    c.runs(&job(1));
    let again = c.awarded(award(&job(1), 1));
    assert_eq!((again.events(), again.effects()), (vec![], vec!["Granted to 99".to_owned()]));
}

#[test]
fn a_run_that_ends_twice_has_its_first_answer() {
    let mut c = TestCompute::new();
    let execution = c.runs(&job(1));
    let failed = compute::Input::Failed { execution: execution.clone(), failure: failure() };
    assert_eq!(c.input(failed.clone()).events(), ["Failed"]);
    let claim = Box::new(claim(&award(&job(1), 1), node(1)));
    let finished = compute::Input::Finished { execution, claim, blocks: Vec::new(), seal: None };
    assert!(c.input(finished).is_nothing() && c.input(failed).is_nothing());
}
