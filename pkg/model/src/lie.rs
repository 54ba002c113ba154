//! Lies: answers that their nodes have signed, and that a verdict contradicts.

use crate::verdict::{Decision, VerdictBody};
use crate::view::JobView;
use crate::{Cid, JobId, NodeId, Receipt, Sealed};

/// An answer that is not what a task comes to, with the signature of the node that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lie {
    /// Which partition of the job.
    pub partition: u32,
    /// What the node claims, signed.
    pub receipt: Receipt,
    /// What the task comes to.
    pub accepted: Cid,
    /// By whose word.
    pub decided_by: DecidedBy,
}

/// A lie as an index names it: enough to find it in its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LieId {
    /// Who lied.
    pub node: NodeId,
    /// In which job.
    pub job: JobId,
    /// In which of its partitions.
    pub partition: u32,
}

/// What says which answer is the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecidedBy {
    /// Enough equal answers.
    Quorum,
    /// Somebody whose answer decides.
    Referee,
}

impl DecidedBy {
    /// For people and programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::Referee => "referee",
        }
    }
}

impl Lie {
    /// Who lied.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.receipt.body.node
    }
}

impl Decision {
    /// What the task comes to, by a verdict that decides it, whether or not any answer was that.
    #[must_use]
    pub fn right_answer(&self) -> Option<Cid> {
        match self {
            Self::Accepted { manifest } => Some(*manifest),
            Self::Rejected { referee } => Some(*referee),
            Self::Inconclusive { .. } => None,
        }
    }
}

impl Sealed {
    /// The answers that were shown and that the verdict contradicts. A node that committed itself
    /// and never showed its answer has said nothing that anybody could hold against it.
    ///
    /// An answer is one of an engine and a profile: where nobody came to the right one under the
    /// same, there is no contradiction.
    pub fn lies(&self) -> impl Iterator<Item = Lie> + '_ {
        let verdict = self.verdict.as_ref().map(|verdict| &verdict.body);
        let judged = verdict.and_then(|body| Some((body, body.decision.right_answer()?)));
        judged.into_iter().flat_map(|(body, accepted)| self.against(body, accepted))
    }

    fn against(&self, verdict: &VerdictBody, accepted: Cid) -> impl Iterator<Item = Lie> + '_ {
        let (revealed, referee) = (self.reveals.iter().map(|r| &r.receipt), &self.referee);
        let referee = referee.as_ref().filter(|_| verdict.referee.is_some());
        let decided_by = match verdict.referee {
            Some(_) => DecidedBy::Referee,
            None => DecidedBy::Quorum,
        };
        let right = revealed.clone().chain(referee).filter(move |r| r.body.manifest == accepted);
        let is_lie = move |receipt: &&Receipt| {
            let is_by_same_rules = |other: &Receipt| other.body.is_by_rules_of(&receipt.body);
            receipt.body.manifest != accepted && right.clone().any(is_by_same_rules)
        };
        revealed.filter(is_lie).map(move |receipt| Lie {
            partition: self.partition,
            receipt: receipt.clone(),
            accepted,
            decided_by,
        })
    }
}

impl JobView {
    /// The lies that were told in a job.
    pub fn lies(&self) -> impl Iterator<Item = Lie> + '_ {
        self.sealed.iter().flat_map(Sealed::lies)
    }

    /// The same, as an index names them.
    pub fn lie_ids(&self) -> impl Iterator<Item = LieId> + '_ {
        let job = self.job.id;
        self.lies().map(move |lie| LieId { node: lie.node(), job, partition: lie.partition })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{RAW, cid_of};
    use crate::manifest::MANIFEST_VERSION;
    use crate::receipt::RECEIPT_VERSION;
    use crate::verdict::{Inconclusive, VERDICT_VERSION};
    use crate::{
        Epoch, Execution, Manifest, Outcome, ReceiptBody, Reveal, Signed, Slot, Usage, Verification,
    };

    fn cid(word: &str) -> Cid {
        cid_of(RAW, word.as_bytes())
    }

    fn receipt(node: u8, answer: &str, engine: &str) -> Receipt {
        let body = ReceiptBody {
            v: RECEIPT_VERSION,
            task: cid("task"),
            manifest: cid(answer),
            usage: Usage::default(),
            engine: engine.to_owned(),
            profile: "unixfs".to_owned(),
            node: NodeId([node; 32]),
            cause: None,
            fx: None,
        };
        Receipt { body, signature: vec![node; 64] }
    }

    fn reveal(receipt: Receipt) -> Reveal {
        let (job, task) = (JobId::NONE, "main".to_owned());
        let slot = Slot { job, version: 1, task, partition: 4, replica: 0 };
        let file = cid("file");
        let manifest = Manifest {
            v: MANIFEST_VERSION,
            outcome: Outcome::Exit(0),
            result: file,
            stdout: file,
            stderr: file,
        };
        let execution = Execution { slot, epoch: Epoch { term: 1, n: 1 } };
        Reveal { execution, salt: [0; 32], manifest, receipt }
    }

    /// Nodes 1 and 2 say `a`, 3 says `b`, 4 says `b` under another engine.
    fn judged(decision: Decision, referee: Option<Receipt>) -> Sealed {
        let body = VerdictBody {
            v: VERDICT_VERSION,
            job: JobId::NONE,
            version: 1,
            task: cid("task"),
            level: Verification::Spot(1),
            closes: Vec::new(),
            reveals: Vec::new(),
            draws: Vec::new(),
            referee: referee.as_ref().map(|_| cid("referee's receipt")),
            has_trusted: false,
            decision,
        };
        let said = [(1, "a", "e"), (2, "a", "e"), (3, "b", "e"), (4, "b", "other")];
        let receipts = said.map(|(node, answer, engine)| receipt(node, answer, engine));
        Sealed {
            reveals: receipts.into_iter().map(reveal).collect(),
            referee,
            verdict: Some(Signed { body, node: NodeId([9; 32]), signature: Vec::new() }),
            ..Sealed::new(4, 4)
        }
    }

    fn liars(sealed: &Sealed) -> Vec<u8> {
        sealed.lies().map(|lie| lie.node().0[0]).collect()
    }

    #[test]
    fn what_the_verdict_contradicts_under_the_same_rules_is_a_lie() {
        let sealed = judged(Decision::Accepted { manifest: cid("a") }, None);
        assert_eq!(liars(&sealed), [3], "another engine may come to something else");
        let lie = sealed.lies().next().unwrap();
        assert_eq!((lie.partition, lie.accepted), (4, cid("a")));
        assert_eq!((lie.receipt.body.manifest, lie.decided_by), (cid("b"), DecidedBy::Quorum));
    }

    #[test]
    fn a_referee_may_contradict_all() {
        let referee = receipt(9, "c", "e");
        let sealed = judged(Decision::Rejected { referee: cid("c") }, Some(referee));
        assert_eq!(liars(&sealed), [1, 2, 3]);
        assert!(sealed.lies().all(|lie| lie.decided_by == DecidedBy::Referee));
    }

    #[test]
    fn where_nothing_was_decided_nobody_lied() {
        let sealed = judged(Decision::Inconclusive { why: Inconclusive::Tie }, None);
        assert!(liars(&sealed).is_empty());
        let open = Sealed { verdict: None, ..sealed };
        assert!(liars(&open).is_empty());
    }
}
