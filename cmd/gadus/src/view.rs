//! What the API's objects mean, where the CLI has to decide by them.

use gadus_api::types::{Execution, GetJobResponse};

/// Whether a job is over.
pub(crate) fn is_over(job: &GetJobResponse) -> bool {
    matches!(job.job.state.state_type.as_str(), "Completed" | "Failed" | "Stopped")
}

/// Whether an execution's result is there to be read.
pub(crate) fn is_published(execution: &Execution) -> bool {
    execution.compute_state.state_type == 9
}

/// The results of a job, by partition: of equal answers one.
pub(crate) fn published(job: &GetJobResponse) -> Vec<&Execution> {
    let executions = job.executions.iter().flat_map(|list| &list.items);
    let mut published: Vec<&Execution> = executions.filter(|e| is_published(e)).collect();
    published.sort_by_key(|e| (e.partition_index, e.create_time));
    if !job.job.verdicts.is_empty() {
        published.dedup_by_key(|e| e.partition_index);
    }
    published
}

/// Whether an execution ended without a result.
pub(crate) fn has_failed(execution: &Execution) -> bool {
    matches!(execution.compute_state.state_type, 10 | 11)
}

/// Whether a node works, or has worked, on it: bids and what was turned down do not count.
pub(crate) fn has_begun(execution: &Execution) -> bool {
    match &execution.gadus {
        Some(extras) => !matches!(extras.state.as_str(), "awarded" | "refused" | "rejected" | ""),
        None => matches!(execution.compute_state.state_type, 5 | 9 | 10 | 11),
    }
}

/// The CID of a published result.
pub(crate) fn result_cid(execution: &Execution) -> Option<String> {
    let published = execution.published_result.param("CID").and_then(|cid| cid.as_str());
    let claimed = || {
        let manifest = execution.gadus.as_ref()?.manifest.as_ref()?;
        is_published(execution).then_some(manifest.result.as_str())
    };
    published.or_else(claimed).filter(|cid| !cid.is_empty()).map(str::to_owned)
}
