//! What one input causes.

use std::sync::Arc;

use gadus_model::event::Record;
use gadus_model::message::{Announce, Award, Envelope, RoundId};
use gadus_model::view::JobView;
use gadus_model::{Cid, Execution, JobId, NodeId, PublisherSpec};

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

impl Effect {
    /// Whether it tells anybody anything. What does must wait until the events before it are
    /// durable; what does not may be performed at once.
    #[must_use]
    pub fn speaks(&self) -> bool {
        match self {
            // What must not run twice must not run before it is known that it was to run.
            Self::Start { award, .. } => runs_once(&award.context),
            Self::ResolveImage { .. } => false,
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
