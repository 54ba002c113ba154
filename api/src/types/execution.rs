//! Executions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ExecutionExtras, Job, SpecConfig, is_default};

/// One try at running one partition of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Execution {
    /// `e-` and a UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// The job's.
    pub namespace: String,
    /// Of the submission.
    #[serde(rename = "EvalID")]
    pub eval_id: String,
    /// Always empty.
    pub name: String,
    /// Where it runs.
    #[serde(rename = "NodeID")]
    pub node_id: String,
    /// Its job.
    #[serde(rename = "JobID")]
    pub job_id: String,
    /// The job as it was planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<Box<Job>>,
    /// The job's version.
    pub job_version: u64,
    /// What was reserved, by task.
    pub allocated_resources: AllocatedResources,
    /// What is wanted of it: 0 pending, 1 running, 2 stopped.
    pub desired_state: ExecutionState,
    /// Where it stands: 5 awarded or running, 9 completed, 10 failed, 11 cancelled, 4 and 8
    /// turned down.
    pub compute_state: ExecutionState,
    /// Its result; of the empty type until it is published.
    pub published_result: SpecConfig,
    /// What it printed.
    pub run_output: RunOutput,
    /// Always empty.
    pub previous_execution: String,
    /// Always empty.
    pub next_execution: String,
    /// Always empty.
    #[serde(rename = "FollowupEvalID")]
    pub followup_eval_id: String,
    /// Which partition, from 0.
    #[serde(skip_serializing_if = "is_default")]
    pub partition_index: u32,
    /// Grows with everything that happens to it.
    pub revision: u64,
    /// Nanoseconds since the Unix epoch.
    pub create_time: i64,
    /// Nanoseconds since the Unix epoch.
    pub modify_time: i64,
    /// Ours: who bid, where the time went, the manifest and the receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gadus: Option<Box<ExecutionExtras>>,
}

/// What was reserved, by task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedResources {
    /// By the task's name.
    #[schema(value_type = Object)]
    pub tasks: BTreeMap<String, super::ResourceAmounts>,
}

/// A state by its number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ExecutionState {
    /// The number.
    pub state_type: u8,
    /// Why, when that needs saying.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
    /// Facts for programs.
    #[serde(skip_serializing_if = "is_default")]
    pub details: BTreeMap<String, String>,
}

/// What an execution printed, cut to 2 KiB each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct RunOutput {
    /// The first bytes of stdout.
    pub stdout: String,
    /// Whether there is more.
    pub stdout_truncated: bool,
    /// The first bytes of stderr; the key is lower-case, as Bacalhau has it.
    #[serde(rename = "stderr")]
    pub stderr: String,
    /// Whether there is more.
    pub stderr_truncated: bool,
    /// The program's exit code.
    pub exit_code: i32,
    /// A trap's reason, say.
    pub error_msg: String,
}

/// Executions of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListExecutionsResponse {
    /// Always empty.
    pub next_token: String,
    /// The executions.
    pub items: Vec<Execution>,
}
