//! The seam to what is durable: the event log, and the index of finished jobs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use gadus_model::event::Record;
use gadus_model::view::JobView;
use gadus_model::{Cid, JobId, JobState, JobType, LieId, NodeId, Time};
use tokio::sync::oneshot;

/// An append-only log with group commit, and an index that can be rebuilt from it.
pub trait Store: Send + Sync {
    /// Takes records into the log and returns at once; the ticket is ready when they are
    /// durable. Tickets become ready in the order of their appends. After a crash the records of
    /// one call are there together or not at all.
    ///
    /// It blocks only where the queue to the disk is full: nothing could be said then anyway.
    /// Once one append has failed, all later ones fail.
    fn append(&self, records: Vec<Record>) -> Ticket;

    /// The records since the newest complete checkpoint, its snapshots first. Called once, at
    /// start.
    ///
    /// # Errors
    /// `Corrupt` for damage that is not a torn tail, `Io`.
    fn replay(&self) -> Result<Vec<Record>, StoreError>;

    /// Whether the log has grown enough for a checkpoint to be worth it.
    fn wants_checkpoint(&self) -> bool;

    /// Starts a new segment with snapshots of all that lives; later replays begin there. What was
    /// folded before is in the index, durably, before the checkpoint counts: so a job that the
    /// snapshots leave out must have been folded before this call. The ticket may be ready later
    /// than those of appends made after it.
    fn checkpoint(&self, snapshots: Vec<Record>) -> Ticket;

    /// Puts a job that is over into the index, lazily: after a crash it is made again from the
    /// log. Queries see it at once. Folding a job again replaces it. To be called after the append
    /// that ended the job; what is not durable in the log yet stays out of the index file.
    fn fold(&self, job: Arc<JobView>);

    /// A finished job.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError>;

    /// The finished job with an idempotency key.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    fn job_by_key(&self, client: &str, key: &str) -> Result<Option<JobId>, StoreError>;

    /// The newest finished job of a name.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    fn job_by_name(&self, namespace: &str, name: &str) -> Result<Option<JobId>, StoreError>;

    /// Finished jobs whose id begins with a prefix (after `j-`, hyphens included), at most `max`.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    fn jobs_by_prefix(&self, prefix: &str, max: usize) -> Result<Vec<JobId>, StoreError>;

    /// Finished jobs that verified the result of a task: the one that checked it hardest, of equal
    /// ones the newest, and perhaps some more.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    fn jobs_by_task(&self, task: &Cid) -> Result<Vec<JobId>, StoreError>;

    /// Answers that nodes (or one of them) signed and the verdict of a finished job contradicts: by
    /// node, and then by the creation of the job.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    fn lies(
        &self,
        of: Option<NodeId>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<LieId>, StoreError>;

    /// Finished jobs in the order of their creation.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    fn jobs(&self, query: &JobQuery) -> Result<Page, StoreError>;

    /// How many fsyncs the log has made: for metrics and tests.
    fn fsyncs(&self) -> u64;
}

/// Which finished jobs.
#[derive(Clone, Debug, Default)]
pub struct JobQuery {
    /// Only this namespace.
    pub namespace: Option<String>,
    /// Newest first.
    pub reverse: bool,
    /// Skip as many.
    pub offset: usize,
    /// At most as many.
    pub limit: usize,
}

/// Some jobs, as lists show them.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// In order.
    pub jobs: Vec<JobEntry>,
    /// Finished jobs in all (of the namespace).
    pub total: usize,
}

/// A job as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobEntry {
    /// Which.
    pub id: JobId,
    /// Its kind.
    pub job_type: JobType,
    /// How it ended.
    pub state: JobState,
    /// When it was submitted.
    pub created_at: Time,
    /// The view, for what else a list needs.
    pub view: Arc<JobView>,
}

impl From<Arc<JobView>> for JobEntry {
    fn from(view: Arc<JobView>) -> Self {
        Self {
            id: view.job.id,
            job_type: view.job.kind.job_type(),
            state: view.state,
            created_at: view.created_at,
            view,
        }
    }
}

/// What it takes to make the index again from the log. The protocol knows how records make a
/// job; a store only carries them.
pub trait Folder {
    /// Takes the log's next record, snapshots included, and gives the job's view if the job is
    /// over with it. A view given for a job again replaces the earlier one.
    fn apply(&mut self, record: Record) -> Option<JobView>;
}

/// Ready when what it stands for is durable.
#[derive(Debug)]
#[must_use]
pub struct Ticket(oneshot::Receiver<Result<(), StoreError>>);

/// The other end of a [`Ticket`].
#[derive(Debug)]
pub struct TicketIssuer(oneshot::Sender<Result<(), StoreError>>);

impl Ticket {
    /// A ticket and the end that makes it ready.
    pub fn new() -> (TicketIssuer, Self) {
        let (tx, rx) = oneshot::channel();
        (TicketIssuer(tx), Self(rx))
    }

    /// A ticket that is ready.
    pub fn ready() -> Self {
        let (issuer, ticket) = Self::new();
        issuer.settle(Ok(()));
        ticket
    }
}

impl TicketIssuer {
    /// Makes the ticket ready.
    pub fn settle(self, outcome: Result<(), StoreError>) {
        // Nobody waits for it any more: then nobody needs to know.
        let _ = self.0.send(outcome);
    }
}

impl Future for Ticket {
    type Output = Result<(), StoreError>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|r| r.unwrap_or(Err(StoreError::Closed)))
    }
}

/// What goes wrong with the log or the index.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk failed. The process must stop: what it said after this could be a lie.
    #[error("{doing} failed: {why}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        why: String,
    },
    /// No room left. The process must stop, as for `Io`.
    #[error(
        "{doing} failed: {why}; make room in {dir}, then start gadus again: nothing that was acknowledged is lost"
    )]
    Full {
        /// What was being done.
        doing: String,
        /// What the system said.
        why: String,
        /// Where room is needed.
        dir: String,
    },
    /// Damage that is not a torn tail.
    #[error("{file} is damaged at byte {offset}: {why}")]
    Corrupt {
        /// Which file.
        file: String,
        /// Where.
        offset: u64,
        /// What is wrong.
        why: String,
    },
    /// Another process has this data directory.
    #[error("the data directory {dir} is in use by another process")]
    InUse {
        /// Which.
        dir: String,
    },
    /// The log's thread has ended.
    #[error("the log is closed")]
    Closed,
}
