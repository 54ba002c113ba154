//! Verdicts that hold, and each way in which one does not.

use gadus_model::verdict::{
    CloseBody, Decision, Inconclusive, Reveal, VERDICT_VERSION, VerdictBody,
};
use gadus_model::{Cid, Engine, NodeId, Quorum, Receipt, Signed, Verification, codec};

use super::super::recompute::{Flaw, Record, recompute};
use super::sample::{answer, close, execution, job, node, receipt, reveal, task};

/// A verdict with everything behind it, of which a test may break a part.
#[derive(Clone)]
struct Case {
    verdict: VerdictBody,
    closes: Vec<Signed<CloseBody>>,
    reveals: Vec<Reveal>,
    referee: Option<Receipt>,
    engine: Engine,
}

/// Whose signature it bears is checked elsewhere.
fn signed(body: CloseBody) -> Signed<CloseBody> {
    Signed { body, node: node(99), signature: vec![0; 64] }
}

fn cid<T: serde::Serialize>(value: &T) -> Cid {
    codec::cid_of_value(value).unwrap()
}

impl Case {
    fn new(rounds: &[&[(u8, u8)]], referee: Option<u8>, decision: Decision) -> Self {
        let closes = (1..).zip(rounds).map(|(n, answers)| signed(close(n, answers))).collect();
        let answers = rounds.iter().flat_map(|answers| answers.iter());
        let verdict = VerdictBody {
            v: VERDICT_VERSION,
            job: job(),
            version: 1,
            task: task(),
            level: Verification::Quorum(Quorum::TWO),
            closes: Vec::new(),
            reveals: Vec::new(),
            draws: Vec::new(),
            referee: None,
            has_trusted: false,
            decision,
        };
        let reveals = answers.map(|(who, what)| reveal(*who, *what)).collect();
        let referee = referee.map(|answered| receipt(99, answered));
        Self { verdict, closes, reveals, referee, engine: Engine::Wasm }.named()
    }

    /// Has the verdict name the records as they are.
    fn named(mut self) -> Self {
        self.verdict.closes = self.closes.iter().map(cid).collect();
        self.verdict.reveals = self.reveals.iter().map(cid).collect();
        self.verdict.reveals.sort();
        self.verdict.referee = self.referee.as_ref().map(cid);
        self
    }

    fn recompute(&self, believed: impl Fn(NodeId) -> bool) -> Result<Vec<NodeId>, Flaw> {
        let record = Record {
            verdict: &self.verdict,
            closes: &self.closes,
            reveals: &self.reveals,
            referee: self.referee.as_ref(),
            engine: self.engine,
        };
        recompute(&record, &believed)
    }

    fn flaw(&self) -> Flaw {
        self.recompute(|_| true).unwrap_err()
    }
}

fn accepted(what: u8) -> Decision {
    Decision::Accepted { manifest: answer(what) }
}

fn good() -> Case {
    Case::new(&[&[(1, 1), (2, 1)]], None, accepted(1))
}

#[test]
fn a_verdict_holds_for_who_believes_enough_of_the_nodes() {
    assert_eq!(good().recompute(|_| true), Ok(vec![node(1), node(2)]));
    let error = good().recompute(|who| who == node(1)).unwrap_err();
    let found = "inconclusive: only one node revealed an answer".to_owned();
    assert_eq!(error, Flaw::Decision { stated: "verified", found });
    assert!(good().recompute(|_| false).is_err());
}

#[test]
fn answers_add_up_over_rounds() {
    let case = Case::new(&[&[(1, 1), (2, 2)], &[(3, 1)]], None, accepted(1));
    assert_eq!(case.recompute(|_| true), Ok(vec![node(1), node(3)]));
}

#[test]
fn the_referee_decides_for_who_believes_it() {
    let case = Case::new(&[&[(1, 1), (2, 2)]], Some(2), accepted(2));
    assert_eq!(case.recompute(|_| true), Ok(vec![node(2)]));
    assert!(case.recompute(|who| who != node(99)).is_err());
    let rejected = Decision::Rejected { referee: answer(3) };
    let case = Case::new(&[&[(1, 1), (2, 2)]], Some(3), rejected);
    assert_eq!(case.recompute(|_| true), Ok(vec![]));
}

#[test]
fn a_verdict_that_nothing_came_of_holds_too() {
    let tie = Decision::Inconclusive { why: Inconclusive::Tie };
    assert_eq!(Case::new(&[&[(1, 1), (2, 2)]], None, tie).recompute(|_| true), Ok(vec![]));
}

#[test]
fn another_decision_than_the_answers_come_to_is_seen() {
    for decision in [
        accepted(2),
        Decision::Inconclusive { why: Inconclusive::Tie },
        Decision::Rejected { referee: answer(1) },
    ] {
        let case = Case::new(&[&[(1, 1), (2, 1)]], None, decision);
        assert!(matches!(case.flaw(), Flaw::Decision { .. }));
    }
}

#[test]
fn a_container_is_never_verified_and_attest_is_no_check() {
    let case = Case { engine: Engine::Docker, ..good() };
    assert_eq!(case.flaw(), Flaw::Container);
    let mut attested = good();
    attested.verdict.level = Verification::Attest;
    assert_eq!(attested.flaw(), Flaw::NoQuorum { level: Verification::Attest });
}

#[test]
fn records_that_are_left_out_or_put_in_are_missed() {
    let mut dropped = good();
    dropped.reveals.pop();
    let mut added = good();
    added.reveals.push(reveal(3, 1));
    let mut doubled = good();
    doubled.reveals.push(reveal(2, 1));
    for case in [dropped, added, doubled] {
        assert_eq!(case.flaw(), Flaw::Records { what: "answers" });
    }
    let mut unclosed = good();
    unclosed.closes.clear();
    assert_eq!(unclosed.flaw(), Flaw::Records { what: "closed sets" });
    let mut refereed = good();
    refereed.referee = Some(receipt(99, 1));
    assert!(matches!(refereed.flaw(), Flaw::Records { .. }));
}

#[test]
fn answers_that_open_nothing_do_not_count() {
    let mut late = good();
    late.reveals.push(reveal(3, 1));
    assert!(matches!(late.named().flaw(), Flaw::Unopened { node: who, .. } if who == node(3)));
    let mut changed = good();
    changed.reveals[1] = reveal(2, 2);
    assert!(matches!(changed.named().flaw(), Flaw::Unopened { node: who, .. } if who == node(2)));
    let mut twice = good();
    let mut again = reveal(2, 1);
    again.execution = execution(5);
    twice.reveals.push(again);
    assert_eq!(twice.named().flaw(), Flaw::Twice { node: node(2) });
}

#[test]
fn sets_of_other_work_or_of_one_round_twice_are_refused() {
    let mut foreign = good();
    foreign.closes[0].body.task = answer(9);
    assert_eq!(foreign.named().flaw(), Flaw::Foreign { round: 1 });
    let mut twice = good();
    twice.closes.push(signed(close(1, &[(3, 1)])));
    assert_eq!(twice.named().flaw(), Flaw::Foreign { round: 1 });
    let mut doubled = good();
    let first = doubled.closes[0].body.set[0].clone();
    doubled.closes[0].body.set.insert(0, first);
    assert_eq!(doubled.named().flaw(), Flaw::Foreign { round: 1 });
}
