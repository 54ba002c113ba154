//! What the HTTP face asks of a node, in the nouns of the model: the node's shell implements it,
//! the routes call it, and tests put a fake in its place.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::types::TrustInfo;
use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use gadus_model::view::JobView;
use gadus_model::{
    Cid, Constraint, EvaluationId, ExecutionId, Job, JobId, Lie, NodeId, NodeInfo, Place, Plan,
    Replay, Time, Verification,
};
use gadus_ports::{
    BoxRead, ByteStream, CarPart, Checked, Collected, Imported, Layout, LogChunk, Node, Origin,
    PinPage, Pinned, Resolved, StoreStat,
};

mod error;

pub use error::{ErrorCode, ServiceError};

/// A node, as its HTTP face sees it. Orchestrator calls on a node that is no requester answer
/// [`ServiceError::not_requester`].
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// Who this node is. Cheap: called for every submission.
    async fn agent(&self) -> AgentInfo;

    /// Takes a job. Its answer means that the job survives any single crash.
    ///
    /// The same idempotency key of the same client with the same document
    /// ([`crate::convert::same_document`]) answers with the job that is there already.
    ///
    /// # Errors
    /// [`ServiceError::idempotency_conflict`] for another document under a used key,
    /// `ResourceExhausted` where a limit on jobs or the queue is met, `InsufficientStorage` where
    /// the log's disk is full, `NotImplemented` for a name that the namespace has already (an
    /// update).
    async fn submit(&self, submission: Submission) -> Result<Submitted, ServiceError>;

    /// A job by its name in a namespace (`default` when none is given), its id, or a unique
    /// prefix of its id; in this order.
    ///
    /// # Errors
    /// [`ServiceError::job_not_found`], [`ServiceError::ambiguous_job`].
    async fn job(
        &self,
        reference: &str,
        namespace: Option<&str>,
    ) -> Result<Arc<JobView>, ServiceError>;

    /// A place where a result is, as somebody without credentials can read it for a while.
    async fn open_to_all(&self, place: Place) -> Place;

    /// The job when it ends, or as it is after `wait`.
    ///
    /// # Errors
    /// [`ServiceError::job_not_found`].
    async fn wait(&self, id: JobId, wait: Duration) -> Result<Arc<JobView>, ServiceError>;

    /// Some jobs.
    ///
    /// # Errors
    /// `DatastoreFailure`.
    async fn jobs(&self, query: JobsQuery) -> Result<JobsPage, ServiceError>;

    /// Cancels a job. `None` when it was stopped before.
    ///
    /// # Errors
    /// [`ServiceError::cannot_stop`] for a job that is over.
    async fn stop(&self, id: JobId, reason: String) -> Result<Option<EvaluationId>, ServiceError>;

    /// Which nodes would take a job, and why the others would not.
    ///
    /// # Errors
    /// [`ServiceError::job_not_found`].
    async fn explain(&self, target: ExplainTarget) -> Result<Explained, ServiceError>;

    /// Every node this requester knows, itself included.
    ///
    /// # Errors
    /// [`ServiceError::not_requester`].
    async fn nodes(&self) -> Result<Vec<NodeEntry>, ServiceError>;

    /// What this requester thinks of nodes.
    ///
    /// # Errors
    /// [`ServiceError::not_requester`].
    async fn trust(&self) -> Result<Vec<TrustInfo>, ServiceError>;

    /// Bans a node, or forgives it, durably.
    ///
    /// # Errors
    /// [`ServiceError::not_requester`]; `NotFound` for what is no node.
    async fn ban(&self, node: &str, is_banned: bool) -> Result<(), ServiceError>;

    /// What nodes (or one, by its id or key) signed that the verdict of a job that is over
    /// contradicts; with the jobs.
    ///
    /// # Errors
    /// [`ServiceError::not_requester`]; `NotFound` for what is no node.
    async fn lies(
        &self,
        node: Option<&str>,
        offset: usize,
        limit: usize,
    ) -> Result<LiesPage, ServiceError>;

    /// Fetches a bundle of another requester with all that is behind it, and counts its verdicts
    /// from now on as far as their voters are trusted here. All of them, with what they are worth.
    ///
    /// # Errors
    /// [`ServiceError::not_requester`]; `NotFound` where nobody has all of it, `BadRequest` where
    /// something does not hold, `Forbidden` where too few voters are trusted, `ResourceExhausted`
    /// where too many are counted.
    async fn count_verdicts(&self, root: Cid) -> Result<Vec<CountedVerdict>, ServiceError>;

    /// Bundles that are counted, by their CIDs.
    ///
    /// # Errors
    /// [`ServiceError::not_requester`].
    async fn verdicts(&self, offset: usize, limit: usize) -> Result<VerdictsPage, ServiceError>;

    /// Counts a bundle no longer.
    ///
    /// # Errors
    /// `NotFound` where it is not counted.
    async fn forget_verdicts(&self, root: Cid) -> Result<(), ServiceError>;

    /// The output of an execution; waits for one to appear when it is to follow.
    ///
    /// # Errors
    /// [`ServiceError::no_executions`] when there is none and it is not to follow; `NotFound`
    /// where the output is gone; `NetworkFailure` where its node cannot be reached.
    async fn logs(&self, request: LogsRequest) -> Result<LogStream, ServiceError>;

    /// Imports content, durably, and pins it for the user. Bytes are taken as they come.
    ///
    /// # Errors
    /// As [`ServiceError`] words a [`gadus_ports::ContentError`].
    async fn import(&self, kind: ImportKind, body: BoxRead) -> Result<Imported, ServiceError>;

    /// Makes content of what is elsewhere, durably, and pins it for the user.
    ///
    /// # Errors
    /// As [`ServiceError`] words a [`gadus_ports::SourceError`].
    async fn import_from(&self, origin: Origin) -> Result<Pinned, ServiceError>;

    /// What stands at a path under a root; missing blocks are fetched, with a bounded wait.
    ///
    /// # Errors
    /// As [`ServiceError`] words a [`gadus_ports::ContentError`].
    async fn open(&self, root: Cid, path: &str) -> Result<Node, ServiceError>;

    /// Where a path under a root leads.
    ///
    /// # Errors
    /// As [`ServiceError`] words a [`gadus_ports::ContentError`].
    async fn resolve(&self, root: Cid, path: &str, reach: Reach) -> Result<Resolved, ServiceError>;

    /// What stands at a path as a CAR (v1); missing blocks are fetched, with a bounded wait for
    /// each, and the stream breaks off at one that nobody has.
    ///
    /// # Errors
    /// As [`ServiceError`] words a [`gadus_ports::ContentError`].
    async fn car(&self, root: Cid, path: &str, part: CarPart) -> Result<ByteStream, ServiceError>;

    /// One block, fetched where it is missing, with a bounded wait.
    ///
    /// # Errors
    /// As [`ServiceError`] words a [`gadus_ports::ContentError`].
    async fn block(&self, cid: Cid) -> Result<Bytes, ServiceError>;

    /// Keeps records of ours as public blocks, for as long as there is room for what nothing
    /// pins.
    ///
    /// # Errors
    /// As [`ServiceError`] words a [`gadus_ports::ContentError`].
    async fn keep_records(&self, blocks: Vec<(Cid, Bytes)>) -> Result<(), ServiceError>;

    /// Keeps the task of a job as a public block for so long, in milliseconds; 0 means for ever.
    ///
    /// # Errors
    /// As [`ServiceError`] words a [`gadus_ports::ContentError`].
    async fn keep_task(
        &self,
        job: JobId,
        block: (Cid, Bytes),
        retention_ms: u64,
    ) -> Result<(), ServiceError>;

    /// Figures of what is kept.
    ///
    /// # Errors
    /// As [`ServiceError`] words a [`gadus_ports::ContentError`], here and below.
    async fn store_stat(&self) -> Result<StoreStat, ServiceError>;

    /// Some of what is kept.
    ///
    /// # Errors
    /// See above.
    async fn pins(&self, offset: usize, limit: usize) -> Result<PinPage, ServiceError>;

    /// Keeps a tree for people, for so long or until it is unpinned, and answers the pin and the
    /// bytes that were fetched for it.
    ///
    /// # Errors
    /// See above; `NotFound` where nobody has all of it.
    async fn pin(
        &self,
        root: Cid,
        retention_ms: Option<u64>,
    ) -> Result<(gadus_ports::Pin, u64), ServiceError>;

    /// Keeps a tree for people no longer; answers the pins that still keep it.
    ///
    /// # Errors
    /// [`ServiceError::not_pinned`], [`ServiceError::pinned_for_jobs`].
    async fn unpin(&self, root: Cid) -> Result<Vec<gadus_ports::Pin>, ServiceError>;

    /// Frees what nothing keeps.
    ///
    /// # Errors
    /// See above.
    async fn collect(&self) -> Result<Collected, ServiceError>;

    /// Reads and checks all that is stored.
    ///
    /// # Errors
    /// See above.
    async fn check(&self, repair: bool) -> Result<Checked, ServiceError>;
}

/// Output as it comes; an error ends it.
pub type LogStream = Pin<Box<dyn Stream<Item = Result<LogChunk, ServiceError>> + Send>>;

/// This node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentInfo {
    /// What it says of itself; no engines and no capacity when it is no compute node.
    pub info: NodeInfo,
    /// Whether it takes jobs from people.
    pub requester: bool,
    /// Whether it runs jobs.
    pub compute: bool,
    /// The commit it was built from; empty when unknown.
    pub commit: String,
    /// When it was built, RFC 3339; empty when unknown.
    pub built_at: String,
}

/// A job to take.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The job, checked; its id is new, its idempotency key and client are in it.
    pub job: Job,
    /// Take it even if it is no news. Matters for updates only, which are not there yet.
    pub force: bool,
}

/// A job that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The job: the submitted one, or the one its idempotency key stands for.
    pub job: JobId,
    /// What Bacalhau would call the evaluation: [`crate::convert::evaluation_id`].
    pub evaluation: EvaluationId,
    /// What the user should know, besides what the HTTP face found itself.
    pub warnings: Vec<String>,
}

/// What is to be explained.
#[derive(Clone, Debug)]
pub enum ExplainTarget {
    /// A job that is here.
    Job(JobId),
    /// A job that somebody thinks of submitting.
    Draft(Box<Job>),
}

/// Who would take a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Each node, and why or why not.
    pub plan: Plan,
    /// Whether those that would could sit together, of work whose result is checked.
    pub is_seatable: Option<bool>,
}

/// Which jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobsQuery {
    /// Only this namespace; all when absent.
    pub namespace: Option<String>,
    /// Only jobs whose labels meet all of these.
    pub labels: Vec<Constraint>,
    /// In this order.
    pub order: JobOrder,
    /// Newest first.
    pub reverse: bool,
    /// Skip as many that match.
    pub offset: usize,
    /// At most as many; never 0.
    pub limit: usize,
}

/// The order of a list of jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JobOrder {
    /// By submission.
    #[default]
    Created,
    /// By the last event.
    Modified,
}

/// Some jobs.
#[derive(Clone, Debug, Default)]
pub struct JobsPage {
    /// In order.
    pub jobs: Vec<Arc<JobView>>,
    /// The offset of the next page, where there is one.
    pub next_offset: Option<usize>,
}

/// A verdict of another requester.
#[derive(Clone, Debug)]
pub struct CountedVerdict {
    /// The answer, and where it is from.
    pub replay: Replay,
    /// Who came to it, and whether they are trusted here.
    pub voters: Vec<(NodeId, bool)>,
    /// How hard it was checked, by the word of those who are; none where they are too few.
    pub worth: Option<Verification>,
}

impl CountedVerdict {
    /// What was run.
    #[must_use]
    pub fn task(&self) -> Cid {
        self.replay.origin.task()
    }
}

/// Some bundles that are counted.
#[derive(Clone, Debug, Default)]
pub struct VerdictsPage {
    /// Each with the tasks that it answers.
    pub bundles: Vec<(Cid, Vec<Cid>)>,
    /// The offset of the next page, where there is one.
    pub next_offset: Option<usize>,
}

/// Some lies.
#[derive(Clone, Debug, Default)]
pub struct LiesPage {
    /// In order, each with its job.
    pub lies: Vec<(Arc<JobView>, Lie)>,
    /// The offset of the next page, where there is one.
    pub next_offset: Option<usize>,
}

/// A node as its requester sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeEntry {
    /// What it last said of itself.
    pub info: NodeInfo,
    /// Whether it may work for this requester.
    pub membership: Membership,
    /// Whether it was heard of lately.
    pub connected: bool,
    /// When it was last heard of.
    pub last_heard: Option<Time>,
    /// Since when it is connected.
    pub connected_since: Option<Time>,
    /// Since when it is not.
    pub disconnected_since: Option<Time>,
    /// The last thing that went wrong with the connection; empty when nothing did.
    pub last_error: String,
}

/// Whether a node may work for a requester.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// Nobody has decided.
    Pending,
    /// It may.
    Approved,
    /// It may not.
    Rejected,
}

/// Which output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogsRequest {
    /// Of this job.
    pub job: JobId,
    /// Of this execution; else of the one that changed last and was not turned down.
    pub execution: Option<ExecutionId>,
    /// Go on until the execution ends.
    pub follow: bool,
    /// Only what comes after now.
    pub tail: bool,
}

/// How far a node goes for blocks that it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Not at all.
    Here,
    /// To its peers.
    Anywhere,
}

/// What bytes are, that are to be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// One file.
    File(Layout),
    /// A tar of a tree.
    Tar(Layout),
    /// A CAR (v1 or v2) of blocks.
    Car,
}
