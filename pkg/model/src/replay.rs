//! Answers that are known already: what a requester remembers of work that was verified, given to
//! who asks for the same work again.

use serde::{Deserialize, Serialize};

use crate::verdict::{Decision, VerdictBody};
use crate::view::{ExecutionView, JobView};
use crate::{
    Cid, Claim, Execution, ExecutionState, JobId, NodeId, Quorum, Sealed, Signed, Verification,
};

/// An answer to a task, and the verdict by which it is believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Where it is from.
    pub origin: Origin,
    /// Who came to it.
    pub node: NodeId,
    /// The answer, with the node's receipt.
    pub claim: Claim,
}

/// Where a known answer is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The job whose result was checked.
    pub job: JobId,
    /// The execution whose answer it is.
    pub execution: Execution,
    /// The hardest check that it stands up to: as was asked for, or as many as were equal.
    pub level: Verification,
    /// Whose answers were equal, the referee's among them.
    pub voters: Vec<NodeId>,
    /// The requester's word.
    pub verdict: Signed<VerdictBody>,
    /// The records behind that, a [`crate::Proof`], where another requester made it; its own
    /// a requester has in the job.
    pub proof: Option<Cid>,
}

impl Origin {
    /// The task that was run.
    #[must_use]
    pub fn task(&self) -> Cid {
        self.verdict.body.task
    }
}

impl JobView {
    /// What can be remembered of a job: of each partition whose result was verified the answer
    /// that was published. What is only remembered itself is not among it.
    pub fn replays(&self) -> impl Iterator<Item = Replay> + '_ {
        self.sealed.iter().filter_map(|sealed| self.replay_of(sealed))
    }

    /// The tasks of those, and how hard each was checked.
    pub fn known(&self) -> impl Iterator<Item = (Cid, Verification)> + '_ {
        self.sealed.iter().filter_map(|sealed| {
            let verdict = &sealed.verdict.as_ref()?.body;
            let voters = voters(sealed, verdict, self.published_of(sealed)?.0);
            Some((verdict.task, level(verdict.level, voters.len())))
        })
    }

    /// The answer of a partition that was accepted and published.
    fn published_of(&self, sealed: &Sealed) -> Option<(Cid, &ExecutionView)> {
        let manifest = sealed.accepted()?;
        let is_published = |e: &&ExecutionView| {
            e.execution.slot.partition == sealed.partition
                && e.state == ExecutionState::Published
                && e.receipt.as_ref().is_some_and(|r| r.body.manifest == manifest)
        };
        Some((manifest, self.executions.iter().find(is_published)?))
    }

    fn replay_of(&self, sealed: &Sealed) -> Option<Replay> {
        let (_, e) = self.published_of(sealed)?;
        let claim = Claim {
            manifest: e.manifest.clone()?,
            receipt: e.receipt.clone()?,
            summary: e.summary.clone().unwrap_or_default(),
        };
        sealed.replay(&e.execution, claim)
    }
}

impl Sealed {
    /// The answer that the verdict accepts.
    #[must_use]
    pub fn accepted(&self) -> Option<Cid> {
        match self.verdict.as_ref()?.body.decision {
            Decision::Accepted { manifest } => Some(manifest),
            Decision::Inconclusive { .. } | Decision::Rejected { .. } => None,
        }
    }

    /// What can be remembered of it, by an answer that was accepted; none where none was.
    #[must_use]
    pub fn replay(&self, execution: &Execution, claim: Claim) -> Option<Replay> {
        let verdict = self.verdict.as_ref()?;
        let voters = voters(self, &verdict.body, self.accepted()?);
        let origin = Origin {
            job: verdict.body.job,
            execution: execution.clone(),
            level: level(verdict.body.level, voters.len()),
            voters,
            verdict: verdict.clone(),
            proof: None,
        };
        Some(Replay { origin, node: claim.receipt.body.node, claim })
    }
}

/// Whose answers are the accepted one, each once.
fn voters(sealed: &Sealed, verdict: &VerdictBody, manifest: Cid) -> Vec<NodeId> {
    let revealed = sealed.reveals.iter().map(|reveal| &reveal.receipt);
    let referee = sealed.referee.iter().filter(|_| verdict.referee.is_some());
    let equal = revealed.chain(referee).filter(|receipt| receipt.body.manifest == manifest);
    let mut voters: Vec<NodeId> = equal.map(|receipt| receipt.body.node).collect();
    voters.sort_unstable();
    voters.dedup();
    voters
}

/// What was asked for was met; and so many equal answers are a quorum of their own.
fn level(asked: Verification, equal: usize) -> Verification {
    let equal = u32::try_from(equal).unwrap_or(u32::MAX);
    let had = Quorum::new(equal, equal).map(Verification::Quorum);
    had.ok().filter(|had| had.is_at_least(&asked)).unwrap_or(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_met_is_the_harder_of_what_was_asked_and_what_came() {
        let quorum = |equal, of| Verification::Quorum(Quorum { equal, of });
        for (asked, equal, met) in [
            (quorum(2, 2), 2, quorum(2, 2)),
            (quorum(2, 3), 3, quorum(3, 3)),
            (quorum(2, 3), 2, quorum(2, 2)),
            // The referee decided where one node answered.
            (quorum(3, 3), 2, quorum(3, 3)),
            (Verification::Spot(50), 2, quorum(2, 2)),
            (Verification::Spot(50), 1, Verification::Spot(50)),
        ] {
            assert_eq!(level(asked, equal), met, "{asked}, {equal} equal");
        }
    }
}
