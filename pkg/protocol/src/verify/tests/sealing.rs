//! Commitments.

use std::collections::BTreeSet;

use gadus_model::verdict::{Committed, Opening};

use super::super::seal::{NotRevealed, may_reveal, open};
use super::sample::{answer, close, committed, execution, manifest, node, receipt, reveal, task};

#[test]
fn a_commitment_depends_on_all_that_it_binds() {
    let opening = Opening {
        task: task(),
        execution: execution(1),
        node: node(1),
        salt: [1; 32],
        manifest: answer(1),
    };
    let all = [
        opening.clone(),
        Opening { task: answer(9), ..opening.clone() },
        Opening { execution: execution(2), ..opening.clone() },
        Opening { node: node(2), ..opening.clone() },
        Opening { salt: [2; 32], ..opening.clone() },
        Opening { manifest: answer(2), ..opening },
    ];
    let commitments: BTreeSet<_> = all.iter().map(|one| one.commitment().unwrap()).collect();
    assert_eq!(commitments.len(), all.len());
}

#[test]
fn a_node_reveals_where_enough_are_bound_and_it_is_one_of_them() {
    let set = close(1, &[(1, 1), (2, 1)]);
    assert_eq!(may_reveal(&set, &committed(1, 1), &task(), 2), Ok(()));
    let few = NotRevealed::TooFew { has: 2, needs: 3 };
    assert_eq!(may_reveal(&set, &committed(1, 1), &task(), 3), Err(few));
    assert_eq!(may_reveal(&set, &committed(3, 1), &task(), 2), Err(NotRevealed::NotInSet));
    // Its name with another commitment.
    assert_eq!(may_reveal(&set, &committed(1, 2), &task(), 2), Err(NotRevealed::NotInSet));
    assert_eq!(may_reveal(&set, &committed(1, 1), &answer(9), 2), Err(NotRevealed::Foreign));
    let mut doubled = set.clone();
    doubled.set.push(committed(2, 1));
    assert_eq!(may_reveal(&doubled, &committed(1, 1), &task(), 2), Err(NotRevealed::Foreign));
    let mut of_another_version = set;
    of_another_version.version = 2;
    let refused = may_reveal(&of_another_version, &committed(1, 1), &task(), 2);
    assert_eq!(refused, Err(NotRevealed::Foreign));
}

#[test]
fn an_answer_opens_its_own_commitment_alone() {
    let set = close(1, &[(1, 1), (2, 1)]);
    assert_eq!(open(&set, node(1), &reveal(1, 1)), Ok(answer(1)));
    let another = open(&set, node(1), &reveal(1, 2)).unwrap_err();
    assert!(another.contains("another answer"), "{another}");
    let mut salted = reveal(1, 1);
    salted.salt = [9; 32];
    assert!(open(&set, node(1), &salted).unwrap_err().contains("another answer"));
    assert!(open(&set, node(3), &reveal(3, 1)).unwrap_err().contains("no commitment"));
    // A receipt that is another node's, or for another answer.
    let mut borrowed = reveal(1, 1);
    borrowed.receipt = receipt(2, 1);
    assert!(open(&set, node(1), &borrowed).unwrap_err().contains("receipt"));
    let mut unlike = reveal(1, 1);
    unlike.receipt = receipt(1, 2);
    assert!(open(&set, node(1), &unlike).unwrap_err().contains("receipt"));
}

#[test]
fn who_copies_a_commitment_can_never_open_it() {
    // Node 2 commits to what node 1 committed to, and repeats what node 1 revealed.
    let copied = Committed { node: node(2), execution: execution(2), ..committed(1, 1) };
    let mut set = close(1, &[(1, 1)]);
    set.set.push(copied);
    let mut repeated = reveal(2, 1);
    repeated.salt = [1; 32];
    repeated.manifest = manifest(1);
    assert!(open(&set, node(2), &repeated).unwrap_err().contains("another answer"));
    assert_eq!(open(&set, node(1), &reveal(1, 1)), Ok(answer(1)));
}
