//! What happened to a job.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::is_default;

/// One thing that happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobHistory {
    /// Its place, from 1.
    pub seq_num: u64,
    /// `JobLevel` or `ExecutionLevel`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The job.
    #[serde(rename = "JobID")]
    pub job_id: String,
    /// The job's version.
    pub job_version: u64,
    /// The execution it happened to.
    #[serde(rename = "ExecutionID", skip_serializing_if = "is_default")]
    pub execution_id: String,
    /// What.
    pub event: HistoryEvent,
    /// When, RFC 3339.
    pub time: String,
}

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct HistoryEvent {
    /// In words.
    pub message: String,
    /// `Submission`, `State Update`, `Scheduling`, `Queueing`, `Execution`, `Exec Timeout`,
    /// `Job Timeout` or `Publishing Results`.
    pub topic: String,
    /// When, RFC 3339.
    pub timestamp: String,
    /// Facts for programs.
    #[serde(skip_serializing_if = "is_default")]
    pub details: BTreeMap<String, String>,
}

/// A page of a job's history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListHistoryResponse {
    /// Gets what comes after this page; there until the job is over and all is read.
    pub next_token: String,
    /// What happened, oldest first.
    pub items: Vec<JobHistory>,
}
