//! What is said when several nodes answer the same task: commitments, the closed set of them,
//! what was revealed, and the verdict. Each is a signed record of its own: whoever has them can
//! come to the verdict again, or show who broke the rules.
//!
//! The order of things is that of `protocol::verify`.

use cid::Cid;
use serde::{Deserialize, Serialize};

use crate::codec::{self, CodecError};
use crate::signed::Statement;
use crate::{Execution, JobId, Manifest, NodeId, Receipt, Verification};

/// The version of all records here.
pub const VERDICT_VERSION: u8 = 1;

/// Domains that keep a signature of one kind of statement from being shown as one of another.
pub mod domain {
    /// Of commitments, hashed.
    pub const OPENING: &[u8] = b"gadus/opening/1";
    /// Of commitments, signed.
    pub const COMMIT: &[u8] = b"gadus/commit/1";
    /// Of closed sets.
    pub const CLOSE: &[u8] = b"gadus/close/1";
    /// Of verdicts.
    pub const VERDICT: &[u8] = b"gadus/verdict/1";
}

/// What a commitment hides until it is opened: everything that it binds an answer to. The node and
/// the execution are in it, so that nobody can commit to another's answer by repeating it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The task.
    pub task: Cid,
    /// The execution, and with it the job.
    pub execution: Execution,
    /// Who answers.
    pub node: NodeId,
    /// 32 random bytes: without them an answer of few possibilities could be guessed.
    #[serde(with = "serde_bytes")]
    pub salt: [u8; 32],
    /// The answer.
    pub manifest: Cid,
}

impl Opening {
    /// The commitment: `SHA2-256("gadus/opening/1" | 0x00 | DAG-CBOR(self))`.
    ///
    /// # Errors
    /// Never in practice: every field has a DAG-CBOR form.
    pub fn commitment(&self) -> Result<[u8; 32], CodecError> {
        Ok(codec::sha256(&[domain::OPENING, &[0], &codec::encode(self)?]))
    }
}

/// A node's statement that it has an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitBody {
    /// The task.
    pub task: Cid,
    /// The execution.
    pub execution: Execution,
    /// See [`Opening::commitment`].
    #[serde(with = "serde_bytes")]
    pub commitment: [u8; 32],
}

impl Statement for CommitBody {
    const DOMAIN: &'static [u8] = domain::COMMIT;
}

impl Statement for CloseBody {
    const DOMAIN: &'static [u8] = domain::CLOSE;
}

impl Statement for VerdictBody {
    const DOMAIN: &'static [u8] = domain::VERDICT;
}

/// One commitment of a closed set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committed {
    /// Whose.
    pub node: NodeId,
    /// For which execution.
    pub execution: Execution,
    /// See [`Opening::commitment`].
    #[serde(with = "serde_bytes")]
    pub commitment: [u8; 32],
}

/// The requester's statement that these, and no others, are the commitments of a round. Two
/// different ones for one round are evidence against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseBody {
    /// Version of this record; any but [`VERDICT_VERSION`] is refused.
    #[serde(deserialize_with = "codec::version::<_, VERDICT_VERSION>")]
    pub v: u8,
    /// The job.
    pub job: JobId,
    /// Its version.
    pub version: u32,
    /// The task that was run; it names the partition.
    pub task: Cid,
    /// From 1.
    pub round: u32,
    /// Sorted by node; one for each.
    pub set: Vec<Committed>,
}

impl CloseBody {
    /// Whether it is in its one form: a node that is there twice would make the set look larger
    /// than it is.
    #[must_use]
    pub fn is_in_form(&self) -> bool {
        self.set.is_sorted_by(|a, b| a.node < b.node)
    }

    /// What a node committed to for an execution.
    #[must_use]
    pub fn committed(&self, node: NodeId, execution: &Execution) -> Option<&Committed> {
        self.set.iter().find(|one| one.node == node && one.execution == *execution)
    }
}

/// An answer with what opens its commitment. The receipt is the node's own signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reveal {
    /// For which execution.
    pub execution: Execution,
    /// What opens the commitment.
    #[serde(with = "serde_bytes")]
    pub salt: [u8; 32],
    /// The answer.
    pub manifest: Manifest,
    /// The node's claim to it.
    pub receipt: Receipt,
}

/// How the seats of a job were drawn, so that anyone can draw them again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawRecord {
    /// The round of bidding that it was drawn in.
    pub round: u32,
    /// The secret whose hash was in the announcement.
    #[serde(with = "serde_bytes")]
    pub secret: [u8; 32],
    /// Who could have been drawn, sorted by node.
    pub candidates: Vec<Candidate>,
    /// Who had a seat already.
    pub taken: Vec<Candidate>,
    /// Who was, in the order of the draw.
    pub drawn: Vec<NodeId>,
}

/// Who bid in time and may be drawn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The node.
    pub node: NodeId,
    /// Who operates it: the node's own key where nothing else is known.
    pub operator: NodeId,
    /// The network that it is reached in, such as `203.0.113.0/24`; absent on loopback.
    pub prefix: Option<String>,
    /// Whether the requester trusts it.
    pub is_trusted: bool,
}

/// What the answers came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Decision {
    /// Enough answers are equal, and no other group is as large; or the referee says the same as
    /// one of them.
    Accepted {
        /// The answer.
        manifest: Cid,
    },
    /// There was no quorum, and no referee in time.
    Inconclusive {
        /// Why not.
        why: Inconclusive,
    },
    /// The referee contradicts every answer.
    Rejected {
        /// What the referee came to.
        referee: Cid,
    },
}

/// Why answers decide nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inconclusive {
    /// Nobody answered.
    NoAnswer,
    /// One did, and nobody else.
    LoneAnswer,
    /// The largest group is too small.
    Short,
    /// Two groups are the largest.
    Tie,
}

/// The requester's judgement over a task's answers. It is its word for how the answers came about;
/// that they agree is everybody's to check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictBody {
    /// Version of this record; any but [`VERDICT_VERSION`] is refused.
    #[serde(deserialize_with = "codec::version::<_, VERDICT_VERSION>")]
    pub v: u8,
    /// The job.
    pub job: JobId,
    /// Its version.
    pub version: u32,
    /// The task that was run.
    pub task: Cid,
    /// How it was to be checked.
    pub level: Verification,
    /// The closed sets with their signatures, by CIDs, in the order of their rounds.
    pub closes: Vec<Cid>,
    /// What was revealed, by CIDs, sorted.
    pub reveals: Vec<Cid>,
    /// The draws, by their CIDs, in the order of their rounds.
    pub draws: Vec<Cid>,
    /// The referee's receipt, by its CID.
    pub referee: Option<Cid>,
    /// Whether any of the answers that were counted is of a node that the requester trusts.
    pub has_trusted: bool,
    /// What follows.
    pub decision: Decision,
}

impl Decision {
    /// A word for people, which no docker result ever has: `verified`, `inconclusive` or
    /// `rejected`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "verified",
            Self::Inconclusive { .. } => "inconclusive",
            Self::Rejected { .. } => "rejected",
        }
    }
}

impl Inconclusive {
    /// For people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoAnswer => "no node revealed an answer",
            Self::LoneAnswer => "only one node revealed an answer",
            Self::Short => "too few answers are equal",
            Self::Tie => "two different answers have equally many nodes behind them",
        }
    }
}
