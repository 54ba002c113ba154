//! Who gets the seats.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::NodeId;
use gadus_model::verdict::{Candidate, DrawRecord};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::draw::{Drawn, draw, draw_commitment, is_fair};
use super::sample::{job, node};
use crate::Notary;
use crate::notary::Fake;

fn candidate(n: u8) -> Candidate {
    Candidate { node: node(n), operator: node(n), prefix: None, is_trusted: false }
}

fn of_operator(n: u8, operator: u8) -> Candidate {
    Candidate { operator: node(operator), ..candidate(n) }
}

fn in_prefix(n: u8, prefix: &str) -> Candidate {
    Candidate { prefix: Some(prefix.to_owned()), ..candidate(n) }
}

fn trusted(n: u8) -> Candidate {
    Candidate { is_trusted: true, ..candidate(n) }
}

fn secret(round: u32) -> [u8; 32] {
    let notary: &dyn Notary = &Fake(node(1));
    notary.draw_secret(job(), round)
}

fn drawn(secret: u8, candidates: &[Candidate], seats: usize) -> Drawn {
    draw(&[secret; 32], candidates, &[], seats).unwrap()
}

#[test]
fn the_order_of_bids_does_not_matter_and_the_secret_and_the_bids_do() {
    let mut candidates: Vec<_> = (1..=9).map(candidate).collect();
    let one = drawn(1, &candidates, 3);
    candidates.reverse();
    // A bid that came twice is one.
    candidates.push(candidate(4));
    assert_eq!(drawn(1, &candidates, 3), one);
    let of_secrets: BTreeSet<_> = (0..20).map(|s| drawn(s, &candidates, 3).nodes).collect();
    assert!(of_secrets.len() > 15);
    let more = |n: u8| [candidates.clone(), vec![candidate(n)]].concat();
    let of_bids: BTreeSet<_> = (10..30).map(|n| drawn(1, &more(n), 3).nodes).collect();
    assert!(of_bids.len() > 15);
}

#[test]
fn all_are_drawn_about_equally_often() {
    let candidates: Vec<_> = (1..=10).map(candidate).collect();
    let mut times = BTreeMap::<NodeId, u32>::new();
    for n in 0..1_000 {
        for node in draw(&secret(n), &candidates, &[], 2).unwrap().nodes {
            *times.entry(node).or_default() += 1;
        }
    }
    assert!(times.values().all(|times| (150..250).contains(times)), "{times:?}");
}

#[test]
fn an_operator_and_a_prefix_have_one_seat() {
    let crowd: Vec<_> = (1..=50).map(|n| of_operator(n, 100)).collect();
    assert_eq!(drawn(1, &crowd, 3).nodes.len(), 1);
    let neighbours: Vec<_> = (1..=50).map(|n| in_prefix(n, "203.0.113.0/24")).collect();
    assert_eq!(drawn(1, &neighbours, 3).nodes.len(), 1);
    let both = [crowd, neighbours[..1].to_vec(), vec![candidate(60)]].concat();
    assert_eq!(drawn(1, &both, 3).nodes.len(), 3);
}

#[test]
fn who_has_a_seat_already_gets_no_other_in_a_later_round() {
    let candidates: Vec<_> = (1..=4).map(candidate).collect();
    for secret in 0..20 {
        let taken = [candidate(1), of_operator(9, 2)];
        let nodes = draw(&[secret; 32], &candidates, &taken, 4).unwrap().nodes;
        assert_eq!(nodes.iter().copied().collect::<BTreeSet<_>>(), [node(3), node(4)].into());
    }
}

#[test]
fn somebody_trusted_has_a_seat_where_there_is_somebody() {
    for secret in 0..50 {
        let mut candidates: Vec<_> = (1..=20).map(candidate).collect();
        assert!(!drawn(secret, &candidates, 2).has_trusted);
        candidates.push(trusted(30));
        let two = drawn(secret, &candidates, 2);
        assert!(two.has_trusted && two.nodes.contains(&node(30)) && two.nodes.len() == 2);
    }
}

#[test]
fn where_somebody_trusted_has_a_seat_already_chance_alone_decides() {
    let candidates: Vec<_> = (1..=20).map(candidate).chain([trusted(30)]).collect();
    let taken = [trusted(31)];
    let draws = (0..50).map(|secret| draw(&[secret; 32], &candidates, &taken, 2).unwrap());
    let with_30 = draws.filter(|drawn| drawn.nodes.contains(&node(30))).count();
    assert!((1..25).contains(&with_30), "{with_30}");
}

#[test]
fn a_draw_can_be_made_again_and_a_made_up_one_is_seen() {
    let candidates: Vec<_> = (1..=9).map(candidate).collect();
    let drawn = drawn(1, &candidates, 3).nodes;
    let fair = DrawRecord { round: 1, secret: [1; 32], candidates, taken: Vec::new(), drawn };
    assert!(is_fair(&fair).unwrap());
    let mut swapped = fair.clone();
    swapped.drawn.swap(0, 1);
    let mut without = fair.clone();
    without.candidates.retain(|candidate| candidate.node != fair.drawn[0]);
    let mut unsorted = fair.clone();
    unsorted.candidates.swap(0, 1);
    let mut seated = fair.clone();
    seated.taken.push(candidate(3));
    seated.taken.extend(fair.drawn[..1].iter().map(|node| candidate(node.0[0])));
    let another = DrawRecord { secret: [2; 32], ..fair };
    for unfair in [swapped, without, unsorted, seated, another] {
        assert!(!is_fair(&unfair).unwrap(), "{unfair:?}");
    }
}

#[test]
fn the_announced_hash_is_that_of_the_secret() {
    let (secret, other) = (secret(1), secret(2));
    assert_ne!(secret, other);
    assert_ne!(draw_commitment(&secret), draw_commitment(&[0; 32]));
    assert_ne!(draw_commitment(&secret), secret);
}

proptest! {
    #[test]
    fn no_node_operator_or_prefix_is_drawn_twice(
        all in vec((0_u8..30, 0_u8..12, 0_u8..12, any::<bool>()), 0..40),
        seats in 0_usize..8,
        secret in any::<[u8; 32]>(),
    ) {
        let candidates: Vec<_> = all
            .iter()
            .map(|(n, operator, prefix, is_trusted)| Candidate {
                node: node(*n),
                operator: node(*operator),
                prefix: (*prefix > 3).then(|| prefix.to_string()),
                is_trusted: *is_trusted,
            })
            .collect();
        let of: BTreeMap<_, _> = candidates.iter().map(|c| (c.node, c)).collect();
        let nodes = draw(&secret, &candidates, &[], seats).unwrap().nodes;
        prop_assert!(nodes.len() <= seats);
        let mut operators = BTreeSet::new();
        let mut prefixes = BTreeSet::new();
        for node in nodes {
            prop_assert!(operators.insert(of[&node].operator));
            if let Some(prefix) = &of[&node].prefix {
                prop_assert!(prefixes.insert(prefix));
            }
        }
    }
}
