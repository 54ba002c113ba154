//! When answers come to something.

use gadus_model::verdict::{Decision, Inconclusive};
use gadus_model::{Cid, Quorum};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::ballot::{Ballot, Standstill};
use super::sample::{answer, node};

const TWO_OF_THREE: Quorum = Quorum { equal: 2, of: 3 };

/// The decision over answers of nodes 1, 2, …
fn decide(quorum: Quorum, answers: &[u8]) -> Result<Cid, Standstill> {
    ballot(answers).decide(quorum)
}

fn ballot(answers: &[u8]) -> Ballot {
    let mut ballot = Ballot::default();
    for (who, what) in (1..).zip(answers) {
        assert!(ballot.vote(node(who), answer(*what)));
    }
    ballot
}

fn still(why: Inconclusive, lacking: u32) -> Result<Cid, Standstill> {
    Err(Standstill { why, lacking })
}

#[test]
fn enough_equal_answers_count_and_nothing_else_does() {
    assert_eq!(decide(Quorum::TWO, &[1, 1]), Ok(answer(1)));
    assert_eq!(decide(TWO_OF_THREE, &[1, 2, 2]), Ok(answer(2)));
    // The four ways in which there is no answer.
    assert_eq!(decide(Quorum::TWO, &[1, 2]), still(Inconclusive::Tie, 1));
    assert_eq!(decide(Quorum::TWO, &[1]), still(Inconclusive::LoneAnswer, 1));
    assert_eq!(decide(Quorum { equal: 3, of: 3 }, &[1, 1, 2]), still(Inconclusive::Short, 1));
    assert_eq!(decide(Quorum::TWO, &[]), still(Inconclusive::NoAnswer, 2));
}

#[test]
fn a_tie_of_large_groups_is_a_tie() {
    assert_eq!(decide(TWO_OF_THREE, &[1, 1, 2, 2]), still(Inconclusive::Tie, 1));
    assert_eq!(decide(TWO_OF_THREE, &[1, 1, 2, 2, 1]), Ok(answer(1)));
}

#[test]
fn votes_add_up_over_rounds_and_a_node_has_one() {
    let mut ballot = ballot(&[1, 2]);
    assert!(ballot.decide(Quorum::TWO).is_err());
    assert!(!ballot.vote(node(2), answer(1)), "it changed its mind");
    assert!(ballot.vote(node(2), answer(2)), "it says the same again");
    assert!(ballot.decide(Quorum::TWO).is_err());
    assert!(ballot.vote(node(3), answer(1)));
    assert_eq!(ballot.decide(Quorum::TWO), Ok(answer(1)));
    assert_eq!(ballot.against(answer(1)).collect::<Vec<_>>(), [node(2)]);
    assert_eq!(ballot.behind(answer(1)).collect::<Vec<_>>(), [node(1), node(3)]);
}

#[test]
fn the_referee_says_which_is_right_or_that_none_is() {
    let ballot = ballot(&[1, 2]);
    assert_eq!(ballot.refereed(answer(2)), Decision::Accepted { manifest: answer(2) });
    assert_eq!(ballot.refereed(answer(3)), Decision::Rejected { referee: answer(3) });
}

proptest! {
    /// Whatever fewer liars than the quorum say, together or each for himself: nothing false is
    /// accepted.
    #[test]
    fn fewer_liars_than_the_quorum_get_nothing_through(
        equal in 2_u32..6,
        honest in 0_usize..8,
        lies in vec(1_u8..5, 0..6),
    ) {
        let lies = &lies[..lies.len().min(equal as usize - 1)];
        let answers = [vec![0; honest], lies.to_vec()].concat();
        let quorum = Quorum { equal, of: 2 * equal - 1 };
        if let Ok(accepted) = decide(quorum, &answers) {
            prop_assert_eq!(accepted, answer(0));
        }
    }

    /// The order of the answers does not matter, and what is lacking is enough.
    #[test]
    fn what_is_lacking_is_enough(equal in 2_u32..5, answers in vec(0_u8..4, 0..8)) {
        let quorum = Quorum { equal, of: 2 * equal - 1 };
        let mut reversed = answers.clone();
        reversed.reverse();
        prop_assert_eq!(decide(quorum, &answers), decide(quorum, &reversed));
        if let Err(standstill) = decide(quorum, &answers) {
            prop_assert!(standstill.lacking > 0);
            let largest = ballot(&answers).groups().first().map_or(answer(0), |(cid, _)| *cid);
            let mut later = ballot(&answers);
            for n in 0..standstill.lacking {
                later.vote(node(100 + u8::try_from(n).unwrap()), largest);
            }
            prop_assert_eq!(later.decide(quorum), Ok(largest));
        }
    }
}
