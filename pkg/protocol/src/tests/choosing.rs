//! Which bids get the seats, and when.

use gadus_model::message::{Bid, Message};
use gadus_model::{JobType, Limits, NodeId};

use super::rig::{Outcome, TestRequester, info, job, job_id, limits, node};

fn awarded(outcome: &Outcome) -> Vec<u8> {
    outcome.awards().into_iter().map(|(to, _)| to.0[0]).collect()
}

#[test]
fn a_seat_is_given_when_the_window_ends() {
    let mut r = TestRequester::with_nodes([node(1), node(2)]);
    r.submit(job(1));
    assert!(r.hears_bid(node(1), job_id(1)).is_nothing());
    assert!(r.wait_ms(9).is_nothing());
    let outcome = r.wait_ms(1);
    assert_eq!((outcome.events(), awarded(&outcome)), (vec!["Awarded".to_owned()], vec![1]));
}

#[test]
fn or_as_soon_as_all_who_were_asked_have_answered_to_the_best_of_them() {
    let mut r = TestRequester::with_nodes([node(1), node(2)]);
    r.submit(job(1));
    assert!(r.hears_bid(node(1), job_id(1)).is_nothing());
    let better = Bid { fit_permille: 900, ..r.bid(job_id(1)) };
    assert_eq!(awarded(&r.hears(node(2), Message::Bid(better))), [2]);
}

#[test]
fn after_the_window_open_seats_take_each_bid_as_it_comes() {
    let mut r = TestRequester::with_nodes([node(1), node(2)]);
    r.submit(job(1));
    r.wait_ms(1_000);
    assert_eq!(awarded(&r.hears_bid(node(2), job_id(1))), [2]);
}

#[test]
fn a_node_nobody_knew_may_bid_too() {
    let mut r = TestRequester::new(limits());
    r.submit(job(1));
    r.wait_ms(10);
    assert_eq!(awarded(&r.hears_bid(node(7), job_id(1))), [7]);
}

#[test]
fn nobody_gets_a_second_seat_before_all_have_one() {
    let mut r = TestRequester::with_nodes([node(1), node(2), node(3)]);
    let mut five = job(1);
    five.kind = JobType::Batch.kind(5);
    r.submit(five);
    for (n, seats, fit_permille) in [(1, 4, 900), (2, 1, 500), (3, 4, 100)] {
        let bid = Bid { seats, fit_permille, ..r.bid(job_id(1)) };
        r.hears(node(n), Message::Bid(bid));
    }
    let mut given: Vec<u8> = Vec::new();
    for execution in r.machine.job(job_id(1)).unwrap().executions.iter() {
        given.push(execution.node.0[0]);
    }
    assert_eq!(given, [1, 2, 3, 1, 3]);
}

#[test]
fn a_bid_gives_no_more_seats_than_it_offers_however_often_it_comes() {
    let mut r = TestRequester::with_nodes([node(1), node(2)]);
    let mut two = job(1);
    two.kind = JobType::Batch.kind(2);
    r.submit(two);
    let bid = Message::Bid(r.bid(job_id(1)));
    r.hears(node(1), bid.clone());
    r.hears(node(1), bid.clone());
    assert_eq!(awarded(&r.wait_ms(10)), [1]);
    assert!(r.hears(node(1), bid).is_nothing());
}

#[test]
fn a_bid_lives_for_a_time() {
    for (age_ms, seats) in [(59_999, 1), (60_000, 0)] {
        let limits = Limits { window_ms: 60_000, ..limits() };
        let mut r = TestRequester::new(limits);
        for n in [1, 2] {
            r.meets(info(node(n)));
        }
        r.submit(job(1));
        r.wait_ms(60_000 - age_ms);
        r.hears_bid(node(1), job_id(1));
        assert_eq!(r.wait_ms(age_ms).awards().len(), seats, "after {age_ms} ms");
    }
}

#[test]
fn equal_bids_are_told_apart_by_the_job_and_alike_every_time() {
    let nodes: Vec<NodeId> = (1..=4).map(node).collect();
    let winner = |n: u8, backwards: bool| {
        let mut r = TestRequester::with_nodes(nodes.iter().copied());
        let input = crate::requester::Input::Submit { job: Box::new(job(n)), seed: u64::from(n) };
        r.input(input);
        let mut outcomes: Vec<Vec<u8>> = Vec::new();
        let mut from = nodes.clone();
        if backwards {
            from.reverse();
        }
        for node in from {
            outcomes.push(awarded(&r.hears_bid(node, job_id(n))));
        }
        outcomes.concat()
    };
    let mut winners: Vec<Vec<u8>> = (1..=20).map(|n| winner(n, false)).collect();
    assert_eq!(winners, (1..=20).map(|n| winner(n, true)).collect::<Vec<_>>());
    winners.sort();
    winners.dedup();
    assert!(winners.len() > 1, "twenty jobs do not all go to one of four equal nodes");
}
