//! What a verdict holds against a node that signed another answer.

use gadus_model::lie::DecidedBy;
use gadus_model::verdict::{Decision, Inconclusive, VERDICT_VERSION, VerdictBody};
use gadus_model::{Engine, Receipt, Verification};

use super::super::evidence::{Held, NoLie, held_against};
use super::super::recompute::Record;
use super::sample::{answer, job, receipt, reveal, task};

/// What the verdict holds against a receipt: nodes 1 and 2 answered 1, node 3 answered 2.
fn held(receipt: &Receipt, decision: Decision, referee: Option<&Receipt>) -> Result<Held, NoLie> {
    let verdict = VerdictBody {
        v: VERDICT_VERSION,
        job: job(),
        version: 1,
        task: task(),
        level: Verification::Spot(1),
        closes: Vec::new(),
        reveals: Vec::new(),
        draws: Vec::new(),
        referee: None,
        has_trusted: false,
        decision,
    };
    let reveals = [reveal(1, 1), reveal(2, 1), reveal(3, 2)];
    let (closes, engine) = (&[][..], Engine::Wasm);
    held_against(receipt, &Record { verdict: &verdict, closes, reveals: &reveals, referee, engine })
}

fn accepted() -> Decision {
    Decision::Accepted { manifest: answer(1) }
}

#[test]
fn another_answer_than_the_right_one_is_held_against_whom_signed_it() {
    let by_quorum = Held { accepted: answer(1), decided_by: DecidedBy::Quorum };
    assert_eq!(held(&receipt(3, 2), accepted(), None), Ok(by_quorum));
    let referee = receipt(99, 5);
    let rejected = Decision::Rejected { referee: answer(5) };
    let by_referee = Held { accepted: answer(5), decided_by: DecidedBy::Referee };
    assert_eq!(held(&receipt(1, 1), rejected, Some(&referee)), Ok(by_referee));
}

#[test]
fn nothing_is_held_against_who_agrees_or_worked_by_other_rules() {
    assert_eq!(held(&receipt(1, 1), accepted(), None), Err(NoLie::Agrees(answer(1))));
    let undecided = Decision::Inconclusive { why: Inconclusive::Tie };
    assert_eq!(held(&receipt(3, 2), undecided, None), Err(NoLie::Undecided));
    let mut other = receipt(3, 2);
    other.body.task = answer(9);
    assert!(matches!(held(&other, accepted(), None), Err(NoLie::OtherTask(_))));
    let mut other = receipt(3, 2);
    other.body.engine = "wasmtime/2".to_owned();
    assert!(matches!(held(&other, accepted(), None), Err(NoLie::OtherRules { .. })));
}
