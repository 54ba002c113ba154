//! Jobs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ListExecutionsResponse, ListHistoryResponse, Task, VerdictInfo, is_default};

/// A job, as it is submitted and as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Job {
    /// `j-` and a UUID; ignored when a job is submitted.
    #[serde(rename = "ID")]
    pub id: String,
    /// Unique in its namespace; the id when none is given.
    pub name: String,
    /// `default` when none is given.
    pub namespace: String,
    /// `batch`, `ops`, `service` or `daemon`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Higher first.
    pub priority: i64,
    /// Partitions; 1 when the key is missing, always 0 for ops and daemon.
    #[serde(default = "one")]
    pub count: i64,
    /// Which nodes may take it.
    pub constraints: Vec<LabelRequirement>,
    /// Free facts; keys with `bacalhau.org/` are the server's.
    pub meta: BTreeMap<String, String>,
    /// Free labels, to select jobs by.
    pub labels: BTreeMap<String, String>,
    /// Exactly one task.
    pub tasks: Vec<Task>,
    /// Ours: who must hold a result before it counts as published. `keeper` (the requester),
    /// `producer` (the node that made it), or `replicas=N` (so many nodes). When none is given:
    /// `keeper`, and `producer` for a result that is published to a bucket as well.
    #[serde(skip_serializing_if = "is_default")]
    pub durability: String,
    /// Ours: how long results are kept, in seconds; -1 means for ever. The requester's own time
    /// when none is given.
    #[serde(skip_serializing_if = "is_default")]
    pub retention: i64,
    /// Ours: how results are checked. `attest` (not at all: one node's word), `quorum=2/3` (of three
    /// nodes that do not see each other's answers two must agree), or `spot=5%` (one runs it, and
    /// of so many a trusted one runs it again). `attest` when none is given. Only Wasm functions
    /// can be checked.
    #[serde(skip_serializing_if = "is_default")]
    pub verification: String,
    /// Ours: whether it is to run even where its answer is known. Only answers that were verified are
    /// remembered.
    #[serde(skip_serializing_if = "is_default")]
    pub fresh: bool,
    /// Ours: whether nobody ran it, as all of its answers were known; ignored when a job is submitted.
    #[serde(skip_serializing_if = "is_default")]
    pub replayed: bool,
    /// Ours: what the answers came to, for each partition whose result is checked; ignored when a
    /// job is submitted.
    #[serde(skip_serializing_if = "is_default")]
    pub verdicts: Vec<VerdictInfo>,
    /// Ours: the CID of its task, which names the work; of a job of one execution, once its image is
    /// pinned. Ignored when a job is submitted.
    #[serde(rename = "TaskCID", skip_serializing_if = "is_default")]
    pub task_cid: String,
    /// Where it stands; ignored when a job is submitted.
    pub state: JobState,
    /// From 1; ignored when a job is submitted.
    pub version: u64,
    /// Grows with everything that happens to it; ignored when a job is submitted.
    pub revision: u64,
    /// Nanoseconds since the Unix epoch; ignored when a job is submitted.
    pub create_time: i64,
    /// Nanoseconds since the Unix epoch; ignored when a job is submitted.
    pub modify_time: i64,
}

fn one() -> i64 {
    1
}

/// Where a job stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobState {
    /// `Undefined`, `Pending`, `Queued`, `Running`, `Completed`, `Failed` or `Stopped`.
    pub state_type: String,
    /// Why, when that needs saying.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
    /// Facts for programs.
    #[serde(skip_serializing_if = "is_default")]
    pub details: BTreeMap<String, String>,
}

/// One requirement on a node's labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct LabelRequirement {
    /// The label.
    pub key: String,
    /// `in`, `notin`, `=`, `==`, `!=`, `exists`, `!`, `gt` or `lt`.
    pub operator: String,
    /// What it is compared with.
    #[serde(skip_serializing_if = "is_default")]
    pub values: Vec<String>,
}

/// One job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetJobResponse {
    /// The job.
    pub job: Job,
    /// With `include=history`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<ListHistoryResponse>,
    /// With `include=executions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executions: Option<ListExecutionsResponse>,
}

/// A page of jobs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListJobsResponse {
    /// Gets the next page; empty on the last.
    pub next_token: String,
    /// The jobs.
    pub items: Vec<Job>,
}
