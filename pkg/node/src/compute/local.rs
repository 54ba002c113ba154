//! A task that is run here and now, with no network and no node: to see what it comes to.

use std::path::Path;
use std::sync::Arc;

use gadus_model::message::{Award, RoundId};
use gadus_model::{
    Code, Context, Epoch, Execution, Failure, FailureKind, JobId, Manifest, Resources, Slot, Task,
};
use gadus_ports::{Content, Executor, Mount, MountSource, failure_of};
use tokio_util::sync::CancellationToken;

use super::inputs::{Brought, content_of, read};
use super::profile::stream_caps;
use super::run::{execute, import, manifest};
use crate::logbook::Logbook;

/// Runs a function whose code and inputs are all in `content`, which gets its result, hidden.
/// `scratch` is a directory of its own.
///
/// # Errors
/// `Invalid` for what is no Wasm function or lacks a block; else what stood in its way.
pub async fn run_here(
    task: &Task,
    content: &Arc<dyn Content>,
    executor: &dyn Executor,
    scratch: &Path,
) -> Result<Manifest, Failure> {
    let award = award(task);
    let brought = bring(content, task).await?;
    let caps = stream_caps(task, award.context.caps);
    let page = Logbook::default().open(award.execution.id(), &caps);
    let stop = CancellationToken::new();
    let (finished, _) = execute(executor, &award, &brought, scratch, page.clone(), &stop).await?;
    let (imported, _) = import(&**content, &award, scratch, &page, &finished).await?;
    Ok(manifest(finished.outcome, &imported))
}

async fn bring(content: &Arc<dyn Content>, task: &Task) -> Result<Brought, Failure> {
    let Code::Wasm { module, .. } = &task.code else {
        let message = "only a Wasm function can be run like this";
        return Err(Failure::new(FailureKind::Invalid, message));
    };
    let mut brought =
        Brought { module: Some(read(&**content, *module).await?), ..Brought::default() };
    for (guest, input) in &task.inputs {
        let tree = content.input(content_of(guest, input)?).await.map_err(|e| failure_of(&e))?;
        brought.mounts.push(Mount { source: MountSource::Tree(tree), guest: guest.clone() });
    }
    Ok(brought)
}

/// What a requester would have said: the task's own limits, and nothing else.
fn award(task: &Task) -> Award {
    let slot = Slot {
        job: JobId::NONE,
        version: 1,
        task: "main".to_owned(),
        partition: task.partition.index,
        replica: 0,
    };
    let memory_bytes = task.det.as_ref().map_or(0, |det| det.memory_max_bytes);
    Award {
        execution: Execution { slot, epoch: Epoch { term: 0, n: 1 } },
        round: RoundId { job: JobId::NONE, version: 1, round: 1 },
        lease_ms: 0,
        job_type: "batch".to_owned(),
        task: task.clone(),
        context: Context {
            resources: Resources { memory_bytes, ..Resources::default() },
            ..Context::default()
        },
    }
}
