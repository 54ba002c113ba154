//! An execution as the API shows it.

use gadus_model::manifest::ResultSummary;
use gadus_model::view::{ExecutionView, JobView};
use gadus_model::{Desired, ExecutionState as Model, Time};

use super::identity::evaluation_id;
use super::{extras, job};
use crate::types::{Execution, ExecutionState, RunOutput, SpecConfig};

/// Bacalhau's number for an execution that should run.
const DESIRED_RUNNING: u8 = 1;
/// Bacalhau's number for one that should not, or no longer.
const DESIRED_STOPPED: u8 = 2;

/// One execution of a job.
#[must_use]
pub fn execution(view: &JobView, execution: &ExecutionView) -> Execution {
    let slot = &execution.execution.slot;
    Execution {
        id: execution.execution.id().to_string(),
        namespace: view.job.namespace.clone(),
        eval_id: evaluation_id(view.job.id, slot.version, "job-register").to_string(),
        node_id: execution.node.to_string(),
        job_id: view.job.id.to_string(),
        job: Some(Box::new(job::as_planned(view))),
        job_version: u64::from(slot.version),
        desired_state: desired(execution),
        compute_state: observed(execution),
        published_result: published(execution).unwrap_or_default(),
        run_output: output(execution),
        partition_index: slot.partition,
        revision: execution.revision,
        create_time: execution.marks.awarded_at.unix_ns(),
        modify_time: modified_at(execution).unix_ns(),
        gadus: Some(Box::new(extras::extras(view, execution))),
        ..Execution::default()
    }
}

/// What is published of an execution.
#[must_use]
pub(crate) fn published(execution: &ExecutionView) -> Option<SpecConfig> {
    let manifest = execution.manifest.as_ref().filter(|_| execution.state == Model::Published)?;
    if let Some(place) = &execution.place {
        return Some(super::place(place));
    }
    Some(SpecConfig::new("ipfs").with("CID", manifest.result.to_string()))
}

fn desired(execution: &ExecutionView) -> ExecutionState {
    let (state_type, message) = match (execution.state, execution.desired) {
        (Model::Published, _) => (DESIRED_STOPPED, "execution completed"),
        (Model::Failed | Model::Lost | Model::Faulted, _) => (DESIRED_STOPPED, "execution failed"),
        (Model::Refused | Model::Rejected, _) => (DESIRED_STOPPED, "bid rejected"),
        (Model::Cancelled, _) | (_, Desired::Stopped) => (DESIRED_STOPPED, "execution stopped"),
        (
            Model::Awarded
            | Model::Granted
            | Model::Proposed
            | Model::Committed
            | Model::Revealed
            | Model::Accepted,
            _,
        ) => (DESIRED_RUNNING, ""),
    };
    ExecutionState { state_type, message: message.to_owned(), ..ExecutionState::default() }
}

fn observed(execution: &ExecutionView) -> ExecutionState {
    let words = match execution.state {
        Model::Awarded => "Awarded",
        Model::Granted => "Running",
        Model::Proposed => "Result proposed",
        Model::Committed => "Answer sealed",
        Model::Revealed => "Answer shown",
        Model::Faulted => "Answer not shown",
        Model::Accepted => "Publishing",
        Model::Published => "Completed successfully",
        Model::Refused => "Refused",
        Model::Rejected => "Rejected",
        Model::Failed => "Failed",
        Model::Lost => "Lost",
        Model::Cancelled => "Cancelled",
    };
    let message = if execution.message.is_empty() { words } else { &execution.message };
    let hint = execution.hint.iter().map(|hint| ("Hint".to_owned(), hint.clone()));
    ExecutionState {
        state_type: execution.state.number(),
        message: message.to_owned(),
        details: hint.collect(),
    }
}

/// What is shown of a result: nothing of one of several nodes' answers that was not accepted.
pub(super) fn shown(execution: &ExecutionView) -> ResultSummary {
    let is_sealed = execution.commit.is_some() && execution.marks.accepted_at.is_none();
    execution.summary.clone().filter(|_| !is_sealed).unwrap_or_default()
}

fn output(execution: &ExecutionView) -> RunOutput {
    let summary = shown(execution);
    let failed = matches!(execution.state, Model::Failed | Model::Lost | Model::Faulted);
    let error =
        if summary.error.is_empty() && failed { &execution.message } else { &summary.error };
    RunOutput {
        error_msg: error.clone(),
        stdout: summary.stdout,
        stdout_truncated: summary.stdout_truncated,
        stderr: summary.stderr,
        stderr_truncated: summary.stderr_truncated,
        exit_code: execution.manifest.as_ref().map_or(0, |m| m.outcome.exit_code()),
    }
}

/// The newest of its marks.
pub(crate) fn modified_at(execution: &ExecutionView) -> Time {
    let marks = &execution.marks;
    let optional = [
        marks.granted_at,
        marks.committed_at,
        marks.revealed_at,
        marks.accepted_at,
        marks.published_at,
        marks.ended_at,
    ];
    optional.into_iter().flatten().fold(marks.awarded_at, Time::max)
}
