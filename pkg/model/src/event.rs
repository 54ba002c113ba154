//! What is durable: events, and the records that carry them.
//!
//! A record belongs to one stream, that of a job of an owner. `apply` of a job reads that stream
//! alone, so a job can be handed to another requester by handing over its stream.

use serde::{Deserialize, Serialize};

use crate::message::Award;
use crate::replay::Replay;
use crate::sealed::Stage;
use crate::verdict::{CloseBody, CommitBody, DrawRecord, Reveal, VerdictBody};
use crate::view::JobView;
use crate::{
    Claim, Execution, Failure, Job, JobId, JobState, NodeId, OwnerId, Place, Plan, Reason,
    ResultSummary, Signed, Time,
};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of the format; any but [`RECORD_VERSION`] is refused.
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

/// What happened, and to which machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// To a job, at its requester.
    Job(JobEvent),
    /// To an execution, at its compute node.
    Compute(ComputeEvent),
    /// To what a requester thinks of nodes.
    Trust(TrustEvent),
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
    /// Sealed work: who gets seats was drawn. The awards follow.
    Drawn {
        /// Of which partition.
        partition: u32,
        /// How, to be drawn again.
        record: Box<DrawRecord>,
    },
    /// Sealed work: a node has an answer, which nobody has seen.
    Committed {
        /// Which.
        execution: Execution,
        /// The node's word.
        commit: Box<Signed<CommitBody>>,
    },
    /// Sealed work: no more commitments count in this round. Durable before anybody hears of it.
    Closed {
        /// Of which partition.
        partition: u32,
        /// The requester's word.
        close: Box<Signed<CloseBody>>,
    },
    /// Sealed work: what was committed to.
    Revealed {
        /// Which.
        execution: Execution,
        /// What opens the commitment.
        reveal: Box<Reveal>,
        /// For people.
        summary: Box<ResultSummary>,
    },
    /// Sealed work: what was committed to is not revealed.
    Faulted {
        /// Which.
        execution: Execution,
        /// What was seen.
        why: String,
    },
    /// Sealed work: more seats, for those who are called in now. Seats that were open are shut.
    Escalated {
        /// Of which partition.
        partition: u32,
        /// Who may have them.
        stage: Stage,
        /// How many.
        seats: u32,
    },
    /// Sealed work: what the answers came to.
    Judged {
        /// Of which partition.
        partition: u32,
        /// The requester's word.
        verdict: Box<Signed<VerdictBody>>,
    },
    /// Another job does the same work: it is waited for.
    Deferred {
        /// Which.
        to: JobId,
    },
    /// The answer is known, and its result is here: nobody runs anything.
    Replayed {
        /// A slot of the job, and an epoch that no try has.
        execution: Execution,
        /// What is known.
        replay: Box<Replay>,
        /// Who has every block.
        holders: Vec<NodeId>,
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
    /// Sealed work is done: the commitment is in the outbox, answer and salt are kept.
    Sealed {
        /// Which.
        execution: Execution,
        /// The answer.
        claim: Box<Claim>,
        /// What hides it.
        seal: Box<Seal>,
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

/// What hides an answer until it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// What opens the commitment: 32 random bytes.
    #[serde(with = "serde_bytes")]
    pub salt: [u8; 32],
    /// What the node says meanwhile.
    pub commit: Signed<CommitBody>,
}

/// What happens to what a requester thinks of nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustEvent {
    /// A node's seat came to its end.
    Counted {
        /// Who.
        node: NodeId,
        /// With which engine.
        engine: String,
        /// How it ended.
        seat: SeatEnd,
    },
    /// The operator forgives a node, or bans it.
    Set {
        /// Who.
        node: NodeId,
        /// Whether it is not used any more.
        is_banned: bool,
    },
    /// Everything that is thought, folded.
    Snapshot {
        /// As the machine has it.
        state: Box<SnapshotBytes>,
    },
}

/// What became of a seat in sealed work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatEnd {
    /// Its answer is the accepted one.
    Valid,
    /// It was silent after the set was closed, or opened something else.
    Silent,
    /// Its answer contradicts the accepted one.
    Wrong,
    /// There was no verdict.
    Inconclusive,
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
            | Self::Committed { execution, .. }
            | Self::Revealed { execution, .. }
            | Self::Faulted { execution, .. }
            | Self::Replayed { execution, .. }
            | Self::Cancelled { execution } => Some(execution),
            Self::Submitted { .. }
            | Self::Announced { .. }
            | Self::Queued { .. }
            | Self::ImagePinned { .. }
            | Self::Placed { .. }
            | Self::BackedOff { .. }
            | Self::Deferred { .. }
            | Self::Drawn { .. }
            | Self::Closed { .. }
            | Self::Escalated { .. }
            | Self::Judged { .. }
            | Self::Ended { .. }
            | Self::Snapshot { .. } => None,
        }
    }
}
