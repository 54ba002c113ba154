//! The tasks of a job: what its executions run, pinned.

use gadus_model::event::JobEvent;
use gadus_model::view::JobView;
use gadus_model::{Cid, Partition, Placement, Task};
use serde_json::Value;

use crate::service::{ErrorCode, ServiceError};
use crate::types::TaskResponse;

/// The task of a partition, its image as far as it is pinned; none where the job has no such part.
pub(super) fn of_partition(view: &JobView, index: u32) -> Option<Task> {
    let (_, task) = view.job.task()?;
    let count = partitions(view).max(1);
    let task = task.for_partition(Partition { index, count });
    let task = match image(view) {
        Some(digest) => task.pinned(digest),
        None => task,
    };
    (index < count).then_some(task)
}

/// The task of a partition, which a receipt names.
///
/// # Errors
/// `Internal` where the job's record has another.
pub(super) fn task_named(view: &JobView, index: u32, cid: &Cid) -> Result<Task, ServiceError> {
    let task = of_partition(view, index);
    task.filter(|task| task.cid().is_ok_and(|is| is == *cid)).ok_or_else(|| {
        let id = view.job.id;
        ServiceError::internal(format!("the task {cid} of {id} is not in the job's record"))
    })
}

/// The CID of the task of a job that has one alone, once it is pinned.
pub(super) fn only_cid(view: &JobView) -> Option<Cid> {
    let is_one = matches!(view.job.kind.placement, Placement::Ranked { count: 1 });
    is_one.then(|| of_partition(view, 0)?.cid().ok()).flatten()
}

/// The task of one partition of a job, which has to be named where there are several.
///
/// # Errors
/// `BadRequest` for a partition that is missing or not there; `ValidationError` for a task that
/// has no name yet.
pub fn pinned_task(view: &JobView, partition: Option<u32>) -> Result<Task, ServiceError> {
    let count = partitions(view);
    let index = match partition {
        Some(index) => index,
        None if count <= 1 => 0,
        None => {
            let message = format!("job {} has {count} partitions, each a task", view.job.id);
            return Err(ServiceError::bad_request(message)
                .with_hint("name one of them: --partition N, from 0"));
        }
    };
    of_partition(view, index).ok_or_else(|| {
        let message = format!("job {} has no partition {index}", view.job.id);
        ServiceError::bad_request(message)
            .with_hint(format!("its partitions are 0 to {}", count.saturating_sub(1)))
    })
}

/// A task as the API shows it: its CID, its block, and itself in DAG-JSON.
///
/// # Errors
/// `ValidationError` for a task that has no name, such as one whose image is not pinned.
pub fn task_text(task: &Task) -> Result<(TaskResponse, Cid, Vec<u8>), ServiceError> {
    let unnamed = |e: gadus_model::TaskTextError| {
        let what = format!("the task has no name yet: {e}");
        ServiceError::new(ErrorCode::ValidationError, what).with_hint(e.hint())
    };
    let (text, block) = (task.to_text().map_err(unnamed)?, task.to_block().map_err(unnamed)?);
    let cid = task.cid().map_err(|e| ServiceError::internal(e.to_string()))?;
    let task: Value = serde_json::from_str(&text)
        .map_err(|e| ServiceError::internal(format!("a task's text is no JSON: {e}")))?;
    Ok((TaskResponse { task_cid: cid.to_string(), task }, cid, block))
}

fn partitions(view: &JobView) -> u32 {
    let placed = |event: &JobEvent| {
        let JobEvent::Placed { nodes } = event else { return None };
        u32::try_from(nodes.len()).ok()
    };
    match view.job.kind.placement {
        Placement::Ranked { count } => count,
        Placement::EveryMatch => {
            view.history.iter().find_map(|entry| placed(&entry.event)).unwrap_or(1)
        }
    }
}

fn image(view: &JobView) -> Option<&str> {
    view.history.iter().find_map(|entry| {
        let JobEvent::ImagePinned { digest } = &entry.event else { return None };
        Some(digest.as_str())
    })
}
