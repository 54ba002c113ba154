//! A job: a task with a context, a kind and a name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Context, JobId, Task};

/// A job as the requester keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Version of this record; any but [`JOB_VERSION`] is refused.
    #[serde(deserialize_with = "crate::codec::version::<_, JOB_VERSION>")]
    pub v: u8,
    /// Its id, for all versions.
    pub id: JobId,
    /// From 1; an update makes the next.
    pub version: u32,
    /// Unique in the namespace; the id when the user gave none.
    pub name: String,
    /// `default` when the user gave none.
    pub namespace: String,
    /// What kind of work it is.
    pub kind: JobKind,
    /// Higher first, in the queue of its class.
    pub priority: i64,
    /// Tasks by label; exactly one today.
    pub tasks: BTreeMap<String, Task>,
    /// What travels beside the tasks.
    pub context: Context,
    /// The job in Bacalhau's JSON as the user wrote it, normalised; what the API shows.
    pub document: String,
    /// The client's idempotency key, if it gave one.
    pub idempotency_key: Option<String>,
}

/// The version of [`Job`] that this code writes.
pub const JOB_VERSION: u8 = 1;

impl Job {
    /// The label and the task. `None` only for a job that validation would have refused.
    #[must_use]
    pub fn task(&self) -> Option<(&str, &Task)> {
        self.tasks.iter().next().map(|(label, task)| (label.as_str(), task))
    }
}

/// A kind of job: placement × completion × restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobKind {
    /// Where it runs.
    pub placement: Placement,
    /// When it is over.
    pub completion: Completion,
    /// Whether a failed slot is filled again.
    pub restart: Restart,
}

/// Where a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// On the best `count` nodes, one partition each.
    Ranked {
        /// Partitions.
        count: u32,
    },
    /// On every node that matches now.
    EveryMatch,
}

/// When a job is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// When every slot is published.
    AllSlots,
    /// Never by itself.
    Never,
}

/// Whether a failed slot is filled again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// On another node, up to the retry policy's limit.
    Elsewhere,
    /// Not at all.
    Never,
}

/// Bacalhau's four points in the space of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobType {
    /// `n` ranked, all slots, retried elsewhere.
    Batch,
    /// Every match, all slots, not retried.
    Ops,
    /// `n` ranked, never over.
    Service,
    /// Every match, never over.
    Daemon,
}

impl JobType {
    /// Bacalhau's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Ops => "ops",
            Self::Service => "service",
            Self::Daemon => "daemon",
        }
    }

    /// The kind this type stands for; `count` matters for ranked placement only.
    #[must_use]
    pub fn kind(self, count: u32) -> JobKind {
        let ranked = Placement::Ranked { count };
        let (placement, completion, restart) = match self {
            Self::Batch => (ranked, Completion::AllSlots, Restart::Elsewhere),
            Self::Ops => (Placement::EveryMatch, Completion::AllSlots, Restart::Never),
            Self::Service => (ranked, Completion::Never, Restart::Elsewhere),
            Self::Daemon => (Placement::EveryMatch, Completion::Never, Restart::Elsewhere),
        };
        JobKind { placement, completion, restart }
    }
}

impl JobKind {
    /// Which of Bacalhau's types this is.
    #[must_use]
    pub fn job_type(&self) -> JobType {
        match (self.placement, self.completion) {
            (Placement::Ranked { .. }, Completion::AllSlots) => JobType::Batch,
            (Placement::Ranked { .. }, Completion::Never) => JobType::Service,
            (Placement::EveryMatch, Completion::AllSlots) => JobType::Ops,
            (Placement::EveryMatch, Completion::Never) => JobType::Daemon,
        }
    }
}
