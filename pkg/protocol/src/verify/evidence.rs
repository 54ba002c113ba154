//! Signed statements that contradict each other: who has two such can show them to anyone.

use gadus_model::lie::DecidedBy;
use gadus_model::verdict::CloseBody;
use gadus_model::{Cid, NodeId, Receipt};

use super::recompute::Record;

/// What two statements of one signer contradict each other in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// A node claims two answers to one task under one engine.
    TwoAnswers {
        /// The task.
        task: Cid,
        /// Who.
        node: NodeId,
    },
    /// A requester closed one round with two sets: one of them was shown to nodes that should not
    /// have answered, or a commitment was dropped.
    TwoSets {
        /// The task.
        task: Cid,
        /// The round.
        round: u32,
    },
}

/// Whether two receipts whose signatures are good contradict each other. Two nodes' receipts do
/// not: they show that one of them lies, and running the task again shows which.
#[must_use]
pub fn contradiction(one: &Receipt, other: &Receipt) -> Option<Contradiction> {
    let (a, b) = (&one.body, &other.body);
    let is_both = a.node == b.node && a.is_by_rules_of(b) && a.manifest != b.manifest;
    is_both.then_some(Contradiction::TwoAnswers { task: a.task, node: a.node })
}

/// Whether two closed sets that one requester signed contradict each other.
#[must_use]
pub fn contradicting_sets(one: &CloseBody, other: &CloseBody) -> Option<Contradiction> {
    let round = |close: &CloseBody| (close.job, close.version, close.task, close.round);
    (round(one) == round(other) && one.set != other.set)
        .then_some(Contradiction::TwoSets { task: one.task, round: one.round })
}

/// Why a node cannot be accused of its answer by a verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoLie {
    /// The receipt is for another task.
    #[error("what it signed is for task {0}, and the verdict is about another")]
    OtherTask(Cid),
    /// The verdict says nothing about which answer is right.
    #[error("the verdict does not say which answer is right")]
    Undecided,
    /// It gave the right answer.
    #[error("it signed {0}, which is the answer that was found right")]
    Agrees(Cid),
    /// Nobody came to the right answer under the same engine and profile.
    #[error("nobody came to another answer under its engine, {engine}, and its profile, {profile}")]
    OtherRules {
        /// The receipt's engine.
        engine: String,
        /// The receipt's profile.
        profile: String,
    },
}

/// What a node's signed answer is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// What the task comes to.
    pub accepted: Cid,
    /// By whose word.
    pub decided_by: DecidedBy,
}

/// What a verdict holds against a node that signed this receipt. That the verdict follows from its
/// records ([`super::recompute()`]) and that the signatures are good was checked before.
///
/// # Errors
/// Why it holds nothing against it.
pub fn held_against(receipt: &Receipt, record: &Record<'_>) -> Result<Held, NoLie> {
    let body = &receipt.body;
    if body.task != record.verdict.task {
        return Err(NoLie::OtherTask(body.task));
    }
    let accepted = record.verdict.decision.right_answer().ok_or(NoLie::Undecided)?;
    if body.manifest == accepted {
        return Err(NoLie::Agrees(accepted));
    }
    let revealed = record.reveals.iter().map(|reveal| &reveal.receipt);
    let mut right = revealed.chain(record.referee).filter(|r| r.body.manifest == accepted);
    if !right.any(|other| other.body.is_by_rules_of(body)) {
        let (engine, profile) = (body.engine.clone(), body.profile.clone());
        return Err(NoLie::OtherRules { engine, profile });
    }
    let decided_by = match record.referee {
        Some(_) => DecidedBy::Referee,
        None => DecidedBy::Quorum,
    };
    Ok(Held { accepted, decided_by })
}
