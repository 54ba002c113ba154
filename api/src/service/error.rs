//! One neutral error for everything behind the HTTP face. `crate::error` alone knows what it is
//! in HTTP.

use std::collections::BTreeMap;
use std::fmt;

use gadus_model::{Cid, JobId};
use gadus_ports::{ContentError, PinReason, SourceError, StoreError};

/// Bacalhau's error codes, as far as we use them, and what it has no word for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The request makes no sense.
    BadRequest,
    /// The job makes no sense.
    ValidationError,
    /// It is not there.
    NotFound,
    /// Not with these headers.
    Forbidden,
    /// Not now, or not on this node.
    ServiceUnavailable,
    /// Not in this release.
    NotImplemented,
    /// A limit on how much clients may ask for is met.
    ResourceExhausted,
    /// The node's disk, or its content quota, has no room left. Ours.
    InsufficientStorage,
    /// It is taken.
    ResourceInUse,
    /// A prefix fits several jobs.
    MultipleJobsFound,
    /// The job's state does not allow it.
    ConflictJobState,
    /// It took too long.
    TimeOut,
    /// Another node cannot be reached.
    NetworkFailure,
    /// The log or the index failed.
    DatastoreFailure,
    /// A disk or a stream failed.
    IOError,
    /// A bug.
    InternalError,
}

impl ErrorCode {
    /// The word for it on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequest",
            Self::ValidationError => "ValidationError",
            Self::NotFound => "NotFound",
            Self::Forbidden => "Forbidden",
            Self::ServiceUnavailable => "ServiceUnavailable",
            Self::NotImplemented => "NotImplemented",
            Self::ResourceExhausted => "ResourceExhausted",
            Self::InsufficientStorage => "InsufficientStorage",
            Self::ResourceInUse => "ResourceInUse",
            Self::MultipleJobsFound => "MultipleJobsFound",
            Self::ConflictJobState => "ConflictJobState",
            Self::TimeOut => "TimeOut",
            Self::NetworkFailure => "NetworkFailure",
            Self::DatastoreFailure => "DatastoreFailure",
            Self::IOError => "IOError",
            Self::InternalError => "InternalError",
        }
    }
}

/// What went wrong, why, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    /// What kind.
    pub code: ErrorCode,
    /// What happened and why.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Which part of the node says so.
    pub component: &'static str,
    /// Facts for programs.
    pub details: BTreeMap<String, String>,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ServiceError {}

/// The part that answers for jobs.
const JOB_STORE: &str = "JobStore";
/// The part that answers for content.
const CONTENT: &str = "Content";

impl ServiceError {
    /// An error of the HTTP face itself, without a hint.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            component: "APIServer",
            details: BTreeMap::new(),
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same, said by another part of the node.
    #[must_use]
    pub fn of(self, component: &'static str) -> Self {
        Self { component, ..self }
    }

    /// The same with one more fact.
    #[must_use]
    pub fn with_detail(mut self, key: &str, value: impl Into<String>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// The request makes no sense.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }

    /// No job has this name or id.
    #[must_use]
    pub fn job_not_found(reference: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("job not found: {reference}"))
            .with_hint("list the jobs with `gadus job list`")
            .of(JOB_STORE)
    }

    /// A prefix fits several jobs.
    #[must_use]
    pub fn ambiguous_job(reference: &str) -> Self {
        let message = format!("multiple jobs found for id {reference}");
        Self::new(ErrorCode::MultipleJobsFound, message).with_hint("Use full job ID").of(JOB_STORE)
    }

    /// A job has no execution yet.
    #[must_use]
    pub fn no_executions(name: &str, id: JobId) -> Self {
        let message = format!("no executions found for job {name} with ID {id}, and version 0");
        Self::new(ErrorCode::NotFound, message)
            .with_hint("follow the logs to wait for one, or see `gadus job describe`")
            .of(JOB_STORE)
    }

    /// A job that is over cannot be stopped.
    #[must_use]
    pub fn cannot_stop(id: JobId, state: gadus_model::JobState) -> Self {
        let state = state.as_str();
        let message = match state {
            "Failed" => {
                format!("job {id} is in terminal state {state} and cannot transition to Stopped")
            }
            _ => format!("cannot stop job in state {state}"),
        };
        Self::new(ErrorCode::ConflictJobState, message).of(JOB_STORE)
    }

    /// Nothing keeps a tree.
    #[must_use]
    pub fn not_pinned(root: &Cid) -> Self {
        Self::new(ErrorCode::NotFound, format!("{root} is not pinned"))
            .with_hint("list what is with `gadus store pins`")
            .of(CONTENT)
    }

    /// A tree is kept, but not for people: it is not theirs to give up.
    #[must_use]
    pub fn pinned_for_jobs(root: &Cid, why: &PinReason) -> Self {
        let (what, hint) = match why {
            PinReason::Input(id) => {
                (format!("an input of execution {id}"), "it is unpinned when the execution is over")
            }
            PinReason::Result(id) => (
                format!("the result of execution {id}"),
                "it is unpinned when its retention is over: see `gadus store pins`",
            ),
            PinReason::Task(id) => (
                format!("the task of job {id}"),
                "it is unpinned when its retention is over: see `gadus store pins`",
            ),
            PinReason::Verdict => (
                "a verdict of another requester".to_owned(),
                "it is unpinned by `gadus verdict forget`",
            ),
            PinReason::User => ("something of yours".to_owned(), "try again"),
        };
        Self::new(ErrorCode::ResourceInUse, format!("{root} is kept as {what}"))
            .with_hint(hint)
            .of(CONTENT)
    }

    /// A key that stands for another document.
    #[must_use]
    pub fn idempotency_conflict(key: &str, job: JobId) -> Self {
        let message = format!("idempotency key '{key}' was used for another job, {job}");
        Self::new(ErrorCode::ResourceInUse, message)
            .with_hint("use a new key for a new job")
            .with_detail("JobID", job.to_string())
            .of(JOB_STORE)
    }

    /// Something that Bacalhau has, or that the format can say, and this release has not.
    #[must_use]
    pub fn not_implemented(what: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotImplemented, format!("{what} is not supported in this release"))
            .with_hint(hint)
    }

    /// This node takes no jobs.
    #[must_use]
    pub fn not_requester() -> Self {
        Self::new(ErrorCode::ServiceUnavailable, "this node is not a requester")
            .with_hint("ask a node that was started with `gadus serve --requester`")
    }

    /// A limit is met.
    #[must_use]
    pub fn exhausted(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceExhausted, message).with_hint("try again later")
    }

    /// A bug, or a disk that failed.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InternalError, message)
    }
}

impl From<ContentError> for ServiceError {
    fn from(error: ContentError) -> Self {
        Self::of_content(&error)
    }
}

impl ServiceError {
    fn of_content(error: &ContentError) -> Self {
        let message = error.to_string();
        let (code, hint) = match error {
            ContentError::Missing { .. } => {
                (ErrorCode::NotFound, Some("add it on some node of the network with `gadus add`"))
            }
            ContentError::Unreachable { .. } => (
                ErrorCode::NotFound,
                Some("start that store, or add it on some node of the network with `gadus add`"),
            ),
            ContentError::NoSuchPath { .. } => {
                (ErrorCode::NotFound, Some("list what is there with `gadus ls CID`"))
            }
            ContentError::HashMismatch { .. }
            | ContentError::BlockTooBig { .. }
            | ContentError::Malformed { .. }
            | ContentError::UnsafeName { .. }
            | ContentError::UnsafeOutput { .. }
            | ContentError::TooMuchOutput { .. } => (ErrorCode::BadRequest, None),
            ContentError::Full { .. } => (
                ErrorCode::InsufficientStorage,
                Some(
                    "free some of the node's disk, unpin what is not needed (`gadus store pins`), or \
                     raise the limit that is named here",
                ),
            ),
            ContentError::Io { source, .. } => {
                let message = format!("{message}: {source}");
                return Self::new(ErrorCode::IOError, message).of(CONTENT);
            }
        };
        Self { hint: hint.map(str::to_owned), ..Self::new(code, message).of(CONTENT) }
    }
}

impl From<SourceError> for ServiceError {
    fn from(error: SourceError) -> Self {
        let message = error.to_string();
        let (code, hint) = match error {
            SourceError::Content { content, .. } => {
                let cause = Self::of_content(&content.0);
                return Self { message, ..cause };
            }
            SourceError::Refused { hint, .. } => (ErrorCode::ValidationError, Some(hint)),
            SourceError::Unreachable { .. } => (
                ErrorCode::NetworkFailure,
                Some(
                    "try again, or fetch it yourself and use \
                    `gadus add`"
                        .to_owned(),
                ),
            ),
            SourceError::TooLarge { .. } | SourceError::TooMany { .. } => {
                let hint = "add it in parts, or have the operator raise the limit";
                (ErrorCode::ValidationError, Some(hint.to_owned()))
            }
            SourceError::Wrong { .. } => (ErrorCode::ValidationError, None),
            SourceError::Mismatch { .. } => {
                let hint =
                    "what is there has changed, or somebody lies: find out before you use it";
                (ErrorCode::ValidationError, Some(hint.to_owned()))
            }
        };
        Self { hint, ..Self::new(code, message).of(CONTENT) }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        let (code, todo) = match &error {
            StoreError::Full { dir, .. } => {
                (ErrorCode::InsufficientStorage, format!("make room in {dir}"))
            }
            StoreError::Io { .. }
            | StoreError::Corrupt { .. }
            | StoreError::InUse { .. }
            | StoreError::Closed => {
                (ErrorCode::DatastoreFailure, "see to the node's disk".to_owned())
            }
        };
        Self::new(code, error.to_string())
            .with_hint(format!("{todo}, then start the node again"))
            .of(JOB_STORE)
    }
}
