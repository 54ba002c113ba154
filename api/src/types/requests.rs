//! Requests and small answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Job, SpecConfig, is_default};

/// A submission.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct PutJobRequest {
    /// The job.
    pub job: Option<Job>,
    /// Take it even if it is no news.
    #[serde(skip_serializing_if = "is_default")]
    pub force: bool,
    /// The same token with the same job is the same submission; the header `Idempotency-Key`
    /// goes before it.
    #[serde(skip_serializing_if = "is_default")]
    pub idempotency_token: String,
}

/// A job that was taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct PutJobResponse {
    /// The job.
    #[serde(rename = "JobID")]
    pub job_id: String,
    /// What Bacalhau would call the evaluation.
    #[serde(rename = "EvaluationID")]
    pub evaluation_id: String,
    /// What the user should know; `null` when there is nothing.
    pub warnings: Option<Vec<String>>,
}

/// A request to stop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct StopJobRequest {
    /// Why.
    pub reason: String,
}

/// A job that stops.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct StopJobResponse {
    /// Empty when it was stopped before.
    #[serde(rename = "EvaluationID")]
    pub evaluation_id: String,
}

/// The results of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListResultsResponse {
    /// Always empty.
    pub next_token: String,
    /// One for each execution that has published.
    pub items: Vec<SpecConfig>,
}

/// What went wrong, why, and what to do next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ErrorBody {
    /// The HTTP status.
    pub status: u16,
    /// What happened and why.
    pub message: String,
    /// The request's `X-Request-ID`, when it had one.
    #[serde(rename = "RequestID")]
    pub request_id: String,
    /// What kind.
    pub code: String,
    /// Which part says so.
    pub component: String,
    /// What to do next.
    #[serde(skip_serializing_if = "is_default")]
    pub hint: String,
    /// Facts for programs.
    #[serde(skip_serializing_if = "is_default")]
    pub details: BTreeMap<String, String>,
}
