//! What is durable: events, and the records that carry them.
//!
//! A record belongs to one stream, that of a job of an owner. `apply` of a job reads that stream
//! alone, so a job can be handed to another requester by handing over its stream.

use serde::{Deserialize, Serialize};

use crate::message::Award;
use crate::view::JobView;
use crate::{
    Claim, Execution, Failure, Job, JobId, JobState, NodeId, OwnerId, Place, Plan, Reason, Time,
};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of the format.; any but [`RECORD_VERSION`] is refused.
    #[serde(deserialize_with = "crate::codec::version::<_, RECORD_VERSION>")]
    pub v: u8,
    /// Whose stream.
    pub owner: OwnerId,
    /// Which job's stream.
    pub job: JobId,
    /// Grows along the stream; a requester counts without gaps, from 1.
    pub seq: u64,
    /// The owner's term when it was written.
    pub term: u64,
    /// When, by the writer's clock.
    pub at: Time,
    /// What happened.
    pub body: Event,
}

/// The version of [`Record`] that this code writes.
pub const RECORD_VERSION: u8 = 1;

/// What happened, to either machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// To a job, at its requester.
    Job(JobEvent),
    /// To an execution, at its compute node.
    Compute(ComputeEvent),
}

/// What happens to a job, at its requester.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEvent {
    /// Acknowledged: it survives any single crash from here on.
    Submitted {
        /// The job.
        job: Box<Job>,
        /// Drawn once, so that what is drawn from it replays.
        seed: u64,
    },
    /// A round of bidding begins.
    Announced {
        /// From 1.
        round: u32,
    },
    /// Nothing fits now.
    Queued {
        /// Why not.
        plan: Box<Plan>,
    },
    /// The image's digest, for all seats of this version.
    ImagePinned {
        /// `sha256:…`.
        digest: String,
    },
    /// A job on every match has its nodes: slot `i` is for `nodes[i]` alone.
    Placed {
        /// In the order of their partitions.
        nodes: Vec<NodeId>,
    },
    /// A seat is given. Durable before the award is sent.
    Awarded {
        /// Slot and epoch.
        execution: Execution,
        /// To whom.
        node: NodeId,
        /// Who bid, and why this node won.
        plan: Box<Plan>,
    },
    /// The node reserved for it.
    Granted {
        /// Which.
        execution: Execution,
        /// The boot that the node's answer came from.
        boot: u64,
        /// The answer's number in that boot: a Sync must be later to count against the grant.
        seq: u64,
    },
    /// The node would not have it. Costs no attempt.
    Refused {
        /// Which.
        execution: Execution,
        /// Why not.
        reason: Reason,
    },
    /// The first answer for a current epoch: it counts.
    Accepted {
        /// Which.
        execution: Execution,
        /// The answer.
        claim: Box<Claim>,
    },
    /// An answer that does not count.
    Rejected {
        /// Which.
        execution: Execution,
        /// Why not.
        why: String,
    },
    /// Every block is with the named holders.
    Published {
        /// Which.
        execution: Execution,
        /// Who.
        holders: Vec<NodeId>,
        /// Where it is besides.
        place: Option<Place>,
    },
    /// An environmental failure.
    Failed {
        /// Which.
        execution: Execution,
        /// Why.
        failure: Failure,
    },
    /// Its lease ended, or its node no longer has it.
    Lost {
        /// Which.
        execution: Execution,
        /// What was seen.
        why: String,
    },
    /// It was to stop, and has.
    Cancelled {
        /// Which.
        execution: Execution,
    },
    /// The next round waits.
    BackedOff {
        /// For this long, from this record's time.
        ms: u64,
    },
    /// The job is over. What still runs is stopped; what comes late does not count.
    Ended {
        /// `Completed`, `Failed` or `Stopped`.
        state: JobState,
        /// Why, for people; empty when it went well.
        message: String,
    },
    /// The whole stream so far, folded: replay may begin here.
    Snapshot {
        /// Everything that `apply` has made of the stream.
        job: Box<SnapshotBytes>,
    },
}

/// A machine's own encoding of a job's state; opaque to everything but the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SnapshotBytes(#[serde(with = "serde_bytes")] pub Vec<u8>);

/// What happens to an execution, at its compute node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComputeEvent {
    /// Reserved, once per slot and epoch.
    Granted {
        /// Whose award it was.
        requester: NodeId,
        /// The work.
        award: Box<Award>,
    },
    /// The work is done: the answer is in the outbox.
    Finished {
        /// Which.
        execution: Execution,
        /// The answer.
        claim: Box<Claim>,
    },
    /// The work failed: the reason is in the outbox.
    Failed {
        /// Which.
        execution: Execution,
        /// Why.
        failure: Failure,
    },
    /// The answer counts.
    Accepted {
        /// Which.
        execution: Execution,
    },
    /// Nothing more is owed.
    Released {
        /// Which.
        execution: Execution,
        /// Whether its result stays here, being published.
        keep: bool,
    },
    /// The execution's whole state, folded.
    Snapshot {
        /// Which.
        execution: Execution,
        /// Everything that `apply` has made of it.
        state: Box<SnapshotBytes>,
    },
}

/// An event of a job with its place and time: an entry of its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped {
    /// Place in the job's stream.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// The job's version.
    pub version: u32,
    /// What happened.
    pub event: JobEvent,
}

/// A job that is over, as the index keeps it.
pub type Folded = JobView;

impl JobEvent {
    /// The execution it is about, if it is about one.
    #[must_use]
    pub fn execution(&self) -> Option<&Execution> {
        match self {
            Self::Awarded { execution, .. }
            | Self::Granted { execution, .. }
            | Self::Refused { execution, .. }
            | Self::Accepted { execution, .. }
            | Self::Rejected { execution, .. }
            | Self::Published { execution, .. }
            | Self::Failed { execution, .. }
            | Self::Lost { execution, .. }
            | Self::Cancelled { execution } => Some(execution),
            Self::Submitted { .. }
            | Self::Announced { .. }
            | Self::Queued { .. }
            | Self::ImagePinned { .. }
            | Self::Placed { .. }
            | Self::BackedOff { .. }
            | Self::Ended { .. }
            | Self::Snapshot { .. } => None,
        }
    }
}
