//! What one input causes.

use std::sync::Arc;

use gadus_model::event::Record;
use gadus_model::message::{Announce, Award, Envelope, RoundId};
use gadus_model::view::JobView;
use gadus_model::{Cid, Execution, JobId, NodeId, PublisherSpec, Verification};

use crate::compute::runs_once;

/// Everything one input causes: first make `events` durable, then perform `effects`.
#[must_use]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// In the order in which they go into the log.
    pub events: Vec<Record>,
    /// In the order in which they are performed.
    pub effects: Vec<Effect>,
}

/// Something to be done in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a message.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: Box<Envelope>,
    },
    /// Gossip an announcement.
    Gossip(Box<Announce>),
    /// Gossip that a round needs no more bids.
    GossipFilled(RoundId),
    /// Find the digest of a job's image, and answer with `ImageResolved`.
    ResolveImage {
        /// For this job.
        job: JobId,
        /// The image as the user named it.
        reference: String,
    },
    /// Fetch a result and hold it, pinned as the execution's, and answer with `Kept`.
    Keep {
        /// Whose result.
        execution: Execution,
        /// Its root.
        result: Cid,
        /// Who has it.
        from: NodeId,
        /// For how long, in milliseconds; 0 means for ever.
        retention_ms: u64,
    },
    /// Look up what is known of a job's work, see to it that each result is here, whole and pinned as
    /// the execution's, and answer with `Recalled`.
    Recall(Box<Lookup>),
    /// A job is over and settled: into the index with it.
    Fold(Arc<JobView>),
    /// Something happened to a job: wake who waits for it.
    Changed(JobId),
    /// Run an awarded execution, and answer with `Finished` or `Failed`.
    Start {
        /// The work.
        award: Box<Award>,
        /// Whether it may run already or have run, before a restart. What is no pure work must
        /// then not be started anew: it has failed, `Interrupted`, unless it still runs.
        resumed: bool,
    },
    /// End an execution's run, and answer with `Killed` when nothing of it runs any more.
    Kill {
        /// Which.
        execution: Execution,
    },
    /// Make a result public, and answer with `Promoted`.
    Promote {
        /// Whose result.
        execution: Execution,
        /// Its root.
        result: Cid,
        /// For how long it is kept, in milliseconds; 0 means for ever.
        retention_ms: u64,
    },
    /// Bring a public result to where its job wants it besides, and answer with `Placed`.
    Publish {
        /// Whose result.
        execution: Execution,
        /// Its root.
        result: Cid,
        /// Where to.
        to: Box<PublisherSpec>,
    },
    /// The output of sealed work may be shown to its requester: its answer was.
    Disclose {
        /// Which.
        execution: Execution,
    },
    /// Forget an execution's inputs and, unless it was promoted, its outputs.
    Forget {
        /// Which.
        execution: Execution,
        /// Whether its result stays.
        keep_result: bool,
    },
}

/// What a job asks of the memory of verified work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The job.
    pub job: JobId,
    /// How hard an answer must have been checked.
    pub level: Verification,
    /// For how long its result is kept, in milliseconds; 0 means for ever.
    pub retention_ms: u64,
    /// The tasks, and which execution the answer to each is to be.
    pub wanted: Vec<(Execution, Cid)>,
    /// Jobs of the same work that are done and not in the index yet.
    pub known: Vec<Arc<JobView>>,
}

impl Effect {
    /// Whether it tells anybody anything. What does must wait until the events before it are
    /// durable; what does not may be performed at once.
    #[must_use]
    pub fn speaks(&self) -> bool {
        match self {
            // What must not run twice must not run before it is known that it was to run.
            Self::Start { award, .. } => runs_once(&award.context),
            Self::ResolveImage { .. } | Self::Recall(_) => false,
            Self::Send { .. }
            | Self::Gossip(_)
            | Self::GossipFilled(_)
            | Self::Keep { .. }
            | Self::Fold(_)
            | Self::Changed(_)
            | Self::Kill { .. }
            | Self::Promote { .. }
            | Self::Publish { .. }
            | Self::Disclose { .. }
            | Self::Forget { .. } => true,
        }
    }
}
