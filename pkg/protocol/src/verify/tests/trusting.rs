//! Whom to trust, and what proves a lie.

use super::super::evidence::{Contradiction, contradicting_sets, contradiction};
use gadus_model::event::SeatEnd;

use super::super::standing::{Standing, TRUSTED_AFTER};
use super::sample::{close, node, receipt, task};

fn after(seats: &[SeatEnd]) -> Standing {
    seats.iter().fold(Standing::default(), |standing, seat| standing.after(*seat))
}

#[test]
fn ten_valid_results_in_a_row_make_a_node_trusted() {
    let nine = after(&[SeatEnd::Valid; 9]);
    assert!(!nine.is_trusted());
    let ten = nine.after(SeatEnd::Valid);
    assert_eq!(ten.valid, TRUSTED_AFTER);
    assert!(ten.is_trusted());
    // What came to nothing is nobody's fault.
    assert!(ten.after(SeatEnd::Inconclusive).is_trusted());
    let silent = ten.after(SeatEnd::Silent);
    assert_eq!((silent.valid, silent.faults, silent.is_trusted()), (0, 1, false));
    assert!(!silent.is_banned);
}

#[test]
fn a_wrong_answer_bans_for_good() {
    let liar = after(&[SeatEnd::Valid; 50]).after(SeatEnd::Wrong);
    assert!(liar.is_banned && !liar.is_trusted());
    let later = (0..100).fold(liar, |standing, _| standing.after(SeatEnd::Valid));
    assert!(!later.is_trusted() && !later.may_go_unchecked(1));
}

#[test]
fn the_longer_it_is_right_the_less_it_is_checked() {
    let checked =
        |standing: Standing| (0..1_000).filter(|n| !standing.may_go_unchecked(*n)).count();
    assert_eq!(checked(after(&[SeatEnd::Valid; 9])), 1_000);
    assert_eq!(checked(after(&[SeatEnd::Valid; 10])), 100);
    assert_eq!(checked(after(&[SeatEnd::Valid; 100])), 10);
}

#[test]
fn two_answers_of_one_node_contradict_each_other_and_those_of_two_do_not() {
    let lie = contradiction(&receipt(1, 1), &receipt(1, 2));
    assert_eq!(lie, Some(Contradiction::TwoAnswers { task: task(), node: node(1) }));
    assert_eq!(contradiction(&receipt(1, 1), &receipt(1, 1)), None);
    assert_eq!(contradiction(&receipt(1, 1), &receipt(2, 2)), None);
    let mut elsewhere = receipt(1, 2);
    elsewhere.body.engine = "wasmtime/2".to_owned();
    assert_eq!(contradiction(&receipt(1, 1), &elsewhere), None);
}

#[test]
fn one_round_has_one_set() {
    let (one, other) = (close(1, &[(1, 1), (2, 1)]), close(1, &[(1, 1), (3, 1)]));
    let two = Contradiction::TwoSets { task: task(), round: 1 };
    assert_eq!(contradicting_sets(&one, &other), Some(two));
    assert_eq!(contradicting_sets(&one, &one), None);
    assert_eq!(contradicting_sets(&one, &close(2, &[(3, 1)])), None);
}
