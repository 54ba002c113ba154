//! What nodes say to one another.
//!
//! Every message is idempotent: one that is late, doubled or from the wrong node changes nothing.
//! Messages carry durations, never deadlines: clocks are not compared across nodes.

use cid::Cid;
use serde::{Deserialize, Serialize};

use crate::reason::Failure;
use crate::{
    Claim, CloseBody, Code, CommitBody, Constraint, Context, Engine, Execution, JobId, Network,
    NodeId, NodeInfo, OwnerId, Place, Reason, Resources, Signed, Task,
};

/// A message as it crosses the wire. The transport proves which peer sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Version of the message format.
    pub v: u8,
    /// The requester whose jobs it is about.
    pub owner: OwnerId,
    /// The owner's term, as the sender knows it.
    pub term: u64,
    /// The sender's boot: grows with every start of its process.
    pub boot: u64,
    /// Grows with every message of that boot.
    pub seq: u64,
    /// What is said.
    pub body: Message,
}

/// The version of [`Envelope`] that this code writes.
pub const MESSAGE_VERSION: u8 = 1;

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// An announcement to one known node.
    Ask(Announce),
    /// An offer. Reserves nothing.
    Bid(Bid),
    /// Only an asked node declines.
    Decline {
        /// Which round of which job.
        round: RoundId,
        /// Why not.
        reasons: Vec<Reason>,
    },
    /// The job needs no more bids.
    Filled {
        /// Which round of which job.
        round: RoundId,
    },
    /// The seat is yours.
    Award(Box<Award>),
    /// Reserved, durably.
    Granted {
        /// Which.
        execution: Execution,
    },
    /// Not after all; costs no attempt.
    Refused {
        /// Which.
        execution: Execution,
        /// Why not.
        reason: Reason,
    },
    /// The work is done.
    Propose {
        /// Which.
        execution: Execution,
        /// The answer, or a commitment to it.
        proposal: Box<Proposal>,
    },
    /// The answer counts: publish it.
    Accept {
        /// Which.
        execution: Execution,
    },
    /// The answer does not count: forget it.
    Reject {
        /// Which.
        execution: Execution,
        /// For the node's log.
        why: String,
    },
    /// Sealed work only: the closed set of commitments.
    Close {
        /// Which.
        execution: Execution,
        /// The requester's word for it.
        close: Box<Signed<CloseBody>>,
    },
    /// Sealed work only: what was committed to.
    Reveal {
        /// Which.
        execution: Execution,
        /// 32 bytes.
        #[serde(with = "serde_bytes")]
        salt: [u8; 32],
        /// The answer.
        claim: Box<Claim>,
    },
    /// An environmental failure.
    Failed {
        /// Which.
        execution: Execution,
        /// Why.
        failure: Failure,
    },
    /// Nothing more is owed for it: forget it.
    Release {
        /// Which.
        execution: Execution,
    },
    /// Stop it and forget it.
    Stop {
        /// Which.
        execution: Execution,
    },
    /// It does not run here.
    Stopped {
        /// Which.
        execution: Execution,
    },
    /// Everything a node holds for this owner; renews every lease it lists.
    Sync {
        /// The node, with what is free now.
        info: Box<NodeInfo>,
        /// What it holds.
        executions: Vec<(Execution, Held)>,
    },
    /// What is to become of each execution of a Sync that is not simply to go on.
    SyncReply {
        /// The Sync's own sequence number.
        of_seq: u64,
        /// Per execution listed.
        answers: Vec<(Execution, Answer)>,
    },
    /// Fetch and hold these blocks.
    Keep {
        /// For which result.
        execution: Execution,
        /// Its root.
        result: Cid,
        /// Who has it.
        from: NodeId,
        /// For how long, in milliseconds; 0 means for ever.
        retention_ms: u64,
    },
    /// Every block is held.
    Kept {
        /// For which result.
        execution: Execution,
    },
    /// The named holders have every block.
    Published {
        /// Which.
        execution: Execution,
        /// Who.
        holders: Vec<NodeId>,
        /// Where it is besides.
        place: Option<Place>,
    },
}

impl Message {
    /// Which machine it is for: a requester, or else a compute node.
    #[must_use]
    pub fn is_for_requester(&self) -> bool {
        match self {
            Self::Bid(_)
            | Self::Decline { .. }
            | Self::Granted { .. }
            | Self::Refused { .. }
            | Self::Propose { .. }
            | Self::Reveal { .. }
            | Self::Failed { .. }
            | Self::Stopped { .. }
            | Self::Sync { .. }
            | Self::Kept { .. }
            | Self::Published { .. } => true,
            Self::Ask(_)
            | Self::Filled { .. }
            | Self::Award(_)
            | Self::Accept { .. }
            | Self::Reject { .. }
            | Self::Close { .. }
            | Self::Release { .. }
            | Self::Stop { .. }
            | Self::SyncReply { .. }
            | Self::Keep { .. } => false,
        }
    }

    /// The name of its kind, for logs, coverage and fault plans.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ask(_) => "ask",
            Self::Bid(_) => "bid",
            Self::Decline { .. } => "decline",
            Self::Filled { .. } => "filled",
            Self::Award(_) => "award",
            Self::Granted { .. } => "granted",
            Self::Refused { .. } => "refused",
            Self::Propose { .. } => "propose",
            Self::Accept { .. } => "accept",
            Self::Reject { .. } => "reject",
            Self::Close { .. } => "close",
            Self::Reveal { .. } => "reveal",
            Self::Failed { .. } => "failed",
            Self::Release { .. } => "release",
            Self::Stop { .. } => "stop",
            Self::Stopped { .. } => "stopped",
            Self::Sync { .. } => "sync",
            Self::SyncReply { .. } => "sync_reply",
            Self::Keep { .. } => "keep",
            Self::Kept { .. } => "kept",
            Self::Published { .. } => "published",
        }
    }
}

/// Which round of bidding for which job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoundId {
    /// The job.
    pub job: JobId,
    /// Its version.
    pub version: u32,
    /// From 1; each re-announcement is the next.
    pub round: u32,
}

/// Who wants it? Small and signed; never a body, never whether the work is checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announce {
    /// Which round of which job.
    pub round: RoundId,
    /// What it takes to run it.
    pub requirements: Requirements,
    /// What runs: a module's CID, or an image's reference or digest.
    pub code: Code,
    /// Up to eight of the largest inputs, with their bytes (0 where unknown).
    pub inputs: Vec<(Cid, u64)>,
    /// Seats to fill.
    pub want: u32,
    /// How long bids are gathered.
    pub window_ms: u64,
    /// How many nodes the requester thinks there are.
    pub nodes_hint: u32,
    /// SHA2-256 of a secret that a later draw of seats mixes in; there for every job.
    #[serde(with = "serde_bytes")]
    pub draw_commitment: [u8; 32],
}

/// The most inputs that an announcement lists.
pub const ANNOUNCE_INPUTS_MAX: usize = 8;

/// What a node must have to run a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirements {
    /// The engine.
    pub engine: Engine,
    /// What one execution reserves.
    pub resources: Resources,
    /// On the node's labels.
    pub constraints: Vec<Constraint>,
    /// The network the job may use.
    pub network: Network,
    /// What it must be able to bring results to, by Bacalhau's name; absent for a result that
    /// only nodes hold.
    pub publishes_to: Option<String>,
}

/// What is gossiped: who wants work done, and who no longer does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gossip {
    /// Version of the format; unknown ones are relayed and ignored.
    pub v: u8,
    /// Whose jobs.
    pub owner: OwnerId,
    /// The owner's term.
    pub term: u64,
    /// Everything that was pending.
    pub announcements: Vec<Announce>,
    /// Rounds that need no more bids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filled: Vec<RoundId>,
}

/// An offer: facts, no promise. Lives for `bid_ttl_ms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bid {
    /// Which round of which job.
    pub round: RoundId,
    /// How well it fits, 0 to 1000.
    pub fit_permille: u16,
    /// Seats it could take.
    pub seats: u32,
    /// Bytes of its inputs that it would have to fetch. (Whether it lacks the code, the next two say.)
    pub bytes_missing: u64,
    /// Whether the compiled module is at hand.
    pub module_warm: bool,
    /// The digest of the image it has.
    pub image_digest: Option<String>,
    /// In the operator's unit; 0 is free.
    pub price: u64,
}

/// The seat is yours; names a live bid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Award {
    /// Which execution it would be.
    pub execution: Execution,
    /// The round whose bid it answers.
    pub round: RoundId,
    /// The lease, in milliseconds.
    pub lease_ms: u64,
    /// Bacalhau's word for the job's kind, for the environment.
    pub job_type: String,
    /// The work, image pinned.
    pub task: Task,
    /// What travels beside it.
    pub context: Context,
}

/// An answer, or a commitment to one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proposal {
    /// The answer.
    Open(Box<OpenProposal>),
    /// A commitment to it; see [`crate::Opening`].
    Sealed(Box<Signed<CommitBody>>),
}

/// An open answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenProposal {
    /// The answer, as its node claims it.
    pub claim: Claim,
    /// Blocks of the result, where they are few and small; spares the keeper a fetch.
    pub blocks: Vec<InlineBlock>,
}

/// A block that travels with a message. Its CID is checked against its bytes on arrival.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InlineBlock {
    /// Its name.
    pub cid: Cid,
    /// Its bytes.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// The most bytes of inline blocks in one proposal.
pub const INLINE_BYTES_MAX: usize = 32 << 10;

/// What a compute node holds of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// It runs, or is about to.
    Running,
    /// An answer waits to be accepted.
    Proposed,
    /// The answer is accepted and published by this node.
    Published,
    /// A failure waits to be heard.
    Failed,
}

/// What is to become of an execution that a Sync listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is current: go on.
    Run,
    /// It is not: stop it.
    Stop,
    /// Nothing more is owed: forget it.
    Release,
}
