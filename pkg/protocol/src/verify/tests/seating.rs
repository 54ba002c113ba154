//! How many could sit together.

use gadus_model::verdict::{Candidate, DrawRecord};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::draw::{draw, is_fair};
use super::super::seatable::could_seat;
use super::sample::node;

fn candidate(n: u8, operator: u8, network: Option<u8>) -> Candidate {
    let prefix = network.map(|n| format!("203.0.{n}.0/24"));
    Candidate { node: node(n), operator: node(operator), prefix, is_trusted: false }
}

#[test]
fn an_operator_and_a_network_have_one_seat() {
    let all = [candidate(1, 1, None), candidate(2, 1, None), candidate(3, 3, None)];
    assert!(could_seat(&all, &[], 2) && !could_seat(&all, &[], 3));
    let all = [candidate(1, 1, Some(1)), candidate(2, 2, Some(1)), candidate(3, 3, None)];
    assert!(could_seat(&all, &[], 2) && !could_seat(&all, &[], 3));
    assert!(could_seat(&[], &[], 0) && !could_seat(&[], &[], 1));
}

#[test]
fn whoever_stands_in_the_way_of_two_is_left_out() {
    // The first shares its operator with one and its network with the other.
    let all = [candidate(1, 1, Some(1)), candidate(2, 1, Some(2)), candidate(3, 3, Some(1))];
    assert!(could_seat(&all, &[], 2));
}

#[test]
fn nobody_sits_beside_himself() {
    let taken = [candidate(9, 1, None), candidate(8, 8, Some(2))];
    let all = [candidate(1, 1, None), candidate(2, 2, Some(2)), candidate(3, 3, None)];
    assert!(could_seat(&all, &taken, 1) && !could_seat(&all, &taken, 2));
}

proptest! {
    #[test]
    fn whatever_was_drawn_could_sit_together(
        places in vec((0..6_u8, proptest::option::of(0..4_u8)), 0..12),
        secrets in vec(any::<u8>(), 64),
        seats in 0..5_usize,
    ) {
        let all = (1_u8..).zip(&places);
        let all = all.map(|(n, (operator, network))| candidate(n, 100 + *operator, *network));
        let mut candidates: Vec<Candidate> = all.collect();
        candidates.sort();
        let drawn = secrets.iter().map(|secret| {
            let secret = [*secret; 32];
            let nodes = draw(&secret, &candidates, &[], seats).unwrap().nodes;
            let (candidates, taken, drawn) = (candidates.clone(), Vec::new(), nodes.clone());
            let record = DrawRecord { round: 1, secret, candidates, taken, drawn };
            assert!(is_fair(&record).unwrap());
            nodes.len()
        });
        let most = drawn.max().unwrap_or(0);
        prop_assert!(could_seat(&candidates, &[], most));
    }
}
