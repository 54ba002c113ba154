//! Signed statements that contradict each other: who has two such can show them to anyone.

use gadus_model::verdict::CloseBody;
use gadus_model::{Cid, NodeId, Receipt};

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
    let same_work = a.node == b.node && a.task == b.task;
    // Where fuel decides, an answer is one of an engine; and another import profile gives the
    // same files another CID.
    let same_rules = a.engine == b.engine && a.profile == b.profile;
    (same_work && same_rules && a.manifest != b.manifest)
        .then_some(Contradiction::TwoAnswers { task: a.task, node: a.node })
}

/// Whether two closed sets that one requester signed contradict each other.
#[must_use]
pub fn contradicting_sets(one: &CloseBody, other: &CloseBody) -> Option<Contradiction> {
    let round = |close: &CloseBody| (close.job, close.version, close.task, close.round);
    (round(one) == round(other) && one.set != other.set)
        .then_some(Contradiction::TwoSets { task: one.task, round: one.round })
}
