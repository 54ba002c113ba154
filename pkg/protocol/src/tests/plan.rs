//! The plan: who could take a job, in which order, and why not the others.

use std::collections::BTreeMap;

use gadus_model::message::Bid;
use gadus_model::plan::{PLAN_NODES_MAX, Plan};
use gadus_model::{Engine, NodeId, Reason};

use super::rig::{GIB, job_id, node, round};
use crate::matching::{Candidate, plan};

fn bid() -> Bid {
    Bid {
        round: round(job_id(1)),
        fit_permille: 500,
        seats: 1,
        bytes_missing: 0,
        module_warm: false,
        image_digest: None,
        price: 0,
    }
}

fn candidate<'a>(node: NodeId, bid: Option<&'a Bid>, against: Vec<Reason>) -> Candidate<'a> {
    Candidate { node, against, bid, fit_permille: 500, failed_before: 0 }
}

fn order(plan: &Plan) -> Vec<u8> {
    plan.ranked.iter().map(|ranked| ranked.node.0[0]).collect()
}

/// Plans for node 1 with one bid and node 2 with another, whatever the tie-breaker says.
fn winner(one: (&Bid, u32), two: (&Bid, u32), pinned: Option<&str>) -> u8 {
    let failed = |n, (bid, failed_before): (_, u32)| Candidate {
        failed_before,
        ..candidate(node(n), Some(bid), vec![])
    };
    let candidates = [failed(1, one), failed(2, two)];
    let first = |favourite: u8| {
        let tie = move |id: NodeId| if id == node(favourite) { 999 } else { 0 };
        order(&plan(&candidates, pinned, tie))[0]
    };
    assert_eq!(first(1), first(2), "a tie-breaker never outweighs a fact");
    first(1)
}

#[test]
fn the_better_bid_wins() {
    let (warm, idle) = (
        |fit| Bid { module_warm: true, fit_permille: fit, ..bid() },
        |fit| Bid { fit_permille: fit, ..bid() },
    );
    let missing =
        |bytes_missing| Bid { bytes_missing, module_warm: true, fit_permille: 1_000, ..bid() };
    let image = |digest: &str| Bid { image_digest: Some(digest.to_owned()), ..bid() };
    let cases = [
        ("the idler", (idle(501), 0), (idle(500), 0), None),
        ("a warm one over a slightly idler", (warm(500), 0), (idle(799), 0), None),
        ("a much idler over a warm one", (idle(801), 0), (warm(500), 0), None),
        ("a busy node over one that lacks a GiB", (idle(0), 0), (missing(GIB), 0), None),
        ("one that lacks less", (missing(GIB), 0), (missing(2 * GIB), 0), None),
        ("the cheaper", (idle(500), 0), (Bid { price: 1, ..idle(500) }, 0), None),
        ("one that has not failed", (idle(0), 0), (warm(1_000), 1), None),
        ("one that failed less often", (idle(0), 1), (warm(1_000), 2), None),
        ("any image while none is pinned", (image("sha256:a"), 0), (idle(700), 0), None),
        ("the pinned image", (image("sha256:a"), 0), (image("sha256:b"), 0), Some("sha256:a")),
    ];
    for (what, better, worse, pinned) in cases {
        let (better, worse) = ((&better.0, better.1), (&worse.0, worse.1));
        assert_eq!(winner(better, worse, pinned), 1, "{what}");
        assert_eq!(winner(worse, better, pinned), 2, "{what}, named second");
    }
}

#[test]
fn ties_are_broken_alike_every_time_whatever_the_order() {
    let bid = bid();
    let nodes: Vec<NodeId> = (1..=6).map(node).collect();
    let ties: BTreeMap<NodeId, u64> =
        nodes.iter().zip([5, 1_003, 9, 9, 2, 7]).map(|(node, tie)| (*node, tie)).collect();
    let planned = |nodes: &[NodeId]| {
        let candidates: Vec<_> =
            nodes.iter().map(|node| candidate(*node, Some(&bid), vec![])).collect();
        order(&plan(&candidates, None, |node| ties[&node]))
    };
    // Of two with the same, the lower id comes first.
    let expected = [3, 4, 6, 1, 2, 5];
    assert_eq!(planned(&nodes), expected);
    let backwards: Vec<NodeId> = nodes.iter().rev().copied().collect();
    assert_eq!(planned(&backwards), expected);
}

#[test]
fn who_bids_comes_before_who_is_only_known() {
    let worst = Bid { fit_permille: 0, bytes_missing: 9 * GIB, price: 9, ..bid() };
    let known = Candidate { fit_permille: 1_000, ..candidate(node(1), None, vec![]) };
    let plan = plan(&[known, candidate(node(2), Some(&worst), vec![])], None, |_| 0);
    assert_eq!(order(&plan), [2, 1]);
    assert!(plan.ranked[0].bid && !plan.ranked[1].bid);
}

#[test]
fn those_turned_down_are_counted_and_the_first_named_in_full() {
    let busy = Reason::Busy { what: "cpu".to_owned(), need: 2_000, free: 500 };
    let against = |n: u8| match n % 2 {
        0 => vec![Reason::Engine(Engine::Docker), busy.clone()],
        // Two constraints that read the same count once.
        _ => vec![Reason::Constraint("a=b".to_owned()), Reason::Constraint("a=b".to_owned())],
    };
    let candidates: Vec<_> = (0..50).map(|n| candidate(node(n), None, against(n))).collect();
    let plan = plan(&candidates, None, |_| 0);
    assert_eq!((plan.nodes, plan.feasible, plan.ranked.len()), (50, 0, 0));
    assert_eq!(plan.turned_down.len(), PLAN_NODES_MAX);
    for (n, turned_down) in (0..50).zip(&plan.turned_down) {
        assert_eq!((turned_down.node, &turned_down.reasons), (node(n), &against(n)));
    }
    let counts: Vec<_> = plan.counts.iter().map(|(why, n)| (why.as_str(), *n)).collect();
    assert_eq!(
        counts,
        [
            ("does not meet the constraint a=b", 25),
            ("does not support docker", 25),
            ("has too little cpu free: 0.500 cores, and the job needs 2.000 cores", 25),
        ]
    );
    let words = plan.not_enough_nodes(3);
    let head = "not enough nodes to run job. requested: 3, available: 50, suitable: 0.";
    assert!(words.starts_with(head) && words.lines().count() == 4, "{words}");
}

#[test]
fn the_ranking_is_cut_off_but_for_those_who_bid() {
    let bid = bid();
    let planned = |bidders: u8| {
        let with_bid = |n| candidate(node(n), (n < bidders).then_some(&bid), vec![]);
        let candidates: Vec<_> = (0..50).map(with_bid).collect();
        plan(&candidates, None, |_| 0)
    };
    for (bidders, listed) in [(0, PLAN_NODES_MAX), (3, PLAN_NODES_MAX), (30, 30), (50, 50)] {
        let plan = planned(bidders);
        assert_eq!((plan.feasible, plan.ranked.len()), (50, listed), "{bidders} bidders");
    }
}

#[test]
fn waiting_helps_if_one_node_is_against_it_for_passing_reasons_alone() {
    let busy = || Reason::Busy { what: "cpu".to_owned(), need: 2, free: 1 };
    let cases = [
        ("no node", vec![], false),
        ("a busy one", vec![vec![busy()]], true),
        ("one away", vec![vec![Reason::Disconnected, busy()]], true),
        ("one that never will", vec![vec![Reason::NoNetwork]], false),
        ("one busy that never will", vec![vec![busy(), Reason::NoNetwork]], false),
        ("one of each", vec![vec![Reason::NoNetwork], vec![Reason::Draining]], true),
        ("one that can", vec![vec![]], false),
    ];
    for (what, nodes, may_pass) in cases {
        let candidates = nodes.into_iter().enumerate();
        let candidates: Vec<_> =
            candidates.map(|(n, why)| candidate(node(n as u8), None, why)).collect();
        assert_eq!(plan(&candidates, None, |_| 0).may_pass, may_pass, "{what}");
    }
}
