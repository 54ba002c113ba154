//! Many nodes: that a round is filled is gossiped, and who has not spoken yet need not.

use gadus_model::message::{Message, RoundId};
use gadus_model::{Execution, NodeId, OwnerId};

use super::rig::{
    OWNER, Outcome, REQUESTER, TestCompute, TestRequester, announce, award, job, job_id, node,
};
use crate::compute::{Facts, Input};
use crate::step::Effect;

fn filled(outcome: &Outcome) -> Vec<RoundId> {
    let effects = outcome.effects.iter();
    let filled = effects.filter_map(|(_, effect)| {
        if let Effect::GossipFilled(round) = effect { Some(*round) } else { None }
    });
    filled.collect()
}

/// A requester of so many nodes, and what it awarded to one that only heard of the job by gossip.
fn gossiped(nodes: u8) -> (TestRequester, NodeId, Execution) {
    let mut r = TestRequester::with_nodes((1..=nodes).map(node));
    r.submit(job(1));
    // Few nodes are all asked, and gossip waits until they are asked again.
    assert!(!r.wait_ms(300).times_of("Gossip").is_empty());
    let (to, award) = r.hears_bid(node(nodes), job_id(1)).awards().remove(0);
    (r, to, award.execution)
}

#[test]
fn many_nodes_hear_that_a_round_is_filled_once_its_seats_are_granted() {
    let (mut r, to, execution) = gossiped(33);
    let round = r.round(job_id(1));
    let granted = Message::Granted { execution };
    assert_eq!(filled(&r.hears(to, granted.clone())), [round]);
    assert_eq!(filled(&r.hears(to, granted)), [], "once");
}

#[test]
fn few_nodes_do_not() {
    let (mut r, to, execution) = gossiped(32);
    assert_eq!(filled(&r.hears(to, Message::Granted { execution })), []);
}

#[test]
fn a_round_that_was_not_gossiped_needs_no_word() {
    let mut r = TestRequester::with_nodes((1..=40).map(node));
    let asked: Vec<NodeId> = r.submit(job(1)).messages().map(|(to, _)| to).collect();
    r.hears_bid(asked[0], job_id(1));
    let (to, award) = r.wait_ms(10).awards().remove(0);
    let outcome = r.hears(to, Message::Granted { execution: award.execution });
    assert_eq!(filled(&outcome), []);
}

#[test]
fn nobody_need_bid_for_a_job_that_is_stopped_or_tried_anew() {
    let (mut r, ..) = gossiped(40);
    let round = r.round(job_id(1));
    assert_eq!(filled(&r.stop(job_id(1))), [round]);
    let (mut r, to, execution) = gossiped(40);
    let round = r.round(job_id(1));
    let failed = Message::Failed { execution, failure: super::rig::failure() };
    assert_eq!(filled(&r.hears(to, failed)), [round]);
}

#[test]
fn a_late_bidder_is_told_so() {
    let (mut r, to, execution) = gossiped(40);
    r.hears(to, Message::Granted { execution });
    let late = r.hears_bid(node(1), job_id(1));
    assert_eq!((late.events(), late.effects()), (vec![], vec!["Filled to 1".to_owned()]));
}

#[test]
fn more_nodes_are_asked_only_up_to_the_sample() {
    let mut r = TestRequester::with_nodes((1..=40).map(node));
    let first: Vec<NodeId> = r.submit(job(1)).messages().map(|(to, _)| to).collect();
    r.hears(first[0], Message::Decline { round: r.round(job_id(1)), reasons: vec![] });
    // Those who are silent are asked again; nobody else is.
    let again: Vec<NodeId> = r.wait_ms(1_000).messages().map(|(to, _)| to).collect();
    assert!(again.len() >= 16 && again.iter().all(|to| first.contains(to)));
}

fn hears_filled(c: &mut TestCompute, from: NodeId, owner: OwnerId, term: u64) -> Outcome {
    let rounds = vec![announce(&job(1)).round];
    c.input(Input::Filled { from, owner, term, rounds })
}

#[test]
fn an_offer_that_waits_is_not_made_when_its_round_is_filled() {
    for (from, owner, term, bids) in [
        (REQUESTER, OWNER, 1, 0),
        (node(2), OWNER, 1, 1),
        (node(2), OwnerId(node(2)), 1, 1),
        (REQUESTER, OWNER, 0, 1),
    ] {
        let mut c = TestCompute::new();
        let mut announcement = announce(&job(1));
        announcement.window_ms = 1_000;
        c.announced(announcement, false, Facts::default());
        assert!(hears_filled(&mut c, from, owner, term).is_nothing());
        assert_eq!(c.wait_ms(5_000).times_of("Bid to 99").len(), bids, "{from:?} {owner:?} {term}");
    }
}

#[test]
fn an_offer_that_was_made_stays_good() {
    let mut c = TestCompute::new();
    c.asked(&job(1));
    hears_filled(&mut c, REQUESTER, OWNER, 1);
    assert_eq!(c.awarded(award(&job(1), 1)).events(), ["Granted"]);
}
