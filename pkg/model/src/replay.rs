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

    fn replay_of(&self, sealed: &Sealed) -> Option<Replay> {
        let verdict = sealed.verdict.as_ref()?;
        let Decision::Accepted { manifest } = verdict.body.decision else { return None };
        let is_published = |e: &&ExecutionView| {
            e.execution.slot.partition == sealed.partition
                && e.state == ExecutionState::Published
                && e.receipt.as_ref().is_some_and(|r| r.body.manifest == manifest)
        };
        let e = self.executions.iter().find(is_published)?;
        let voters = voters(sealed, &verdict.body, manifest);
        let level = level(verdict.body.level, voters.len());
        Some(Replay {
            origin: Origin {
                job: self.job.id,
                execution: e.execution.clone(),
                level,
                voters,
                verdict: verdict.clone(),
            },
            node: e.node,
            claim: Claim {
                manifest: e.manifest.clone()?,
                receipt: e.receipt.clone()?,
                summary: e.summary.clone().unwrap_or_default(),
            },
        })
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
