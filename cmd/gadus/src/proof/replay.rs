//! Running a function again, from what is in its bundle alone.

use std::path::Path;
use std::sync::Arc;

use gadus_model::{Answer, PROFILE_DET_1, Task};
use gadus_node::compute::run_here;
use gadus_ports::Content;
use gadus_wasm::{WasmConfig, WasmExecutor};

use super::{Stop, forged, record};
use crate::failure::Failure;

/// Runs an answer's task, and compares.
///
/// # Errors
/// `Forged` where it comes to another answer; `Trouble` for what does not give the same result
/// everywhere, or cannot be run here.
pub(super) async fn replay(
    content: &Arc<dyn Content>,
    answer: &Answer,
    dir: &Path,
) -> Result<(), Stop> {
    let task: Task = record(&**content, &answer.task, "the task").await?;
    if task.det.as_ref().is_none_or(|det| det.profile != PROFILE_DET_1) {
        let failure = Failure::usage("this task may come to another result each time it runs");
        return Err(failure.hint("submit it with --verify to have it run the same way").into());
    }
    let failed = |e: gadus_model::Failure| {
        Failure::usage("failed to run the function again").because(e.message)
    };
    let executor = WasmExecutor::new(WasmConfig::new(dir.join("modules"))).map_err(failed)?;
    let scratch = dir.join("scratch");
    let came_to = run_here(&task, content, &*executor, &scratch).await.map_err(failed)?;
    let came_to = came_to.cid().map_err(|e| forged("the answer", e.to_string()))?;
    if came_to != answer.manifest {
        let why = format!("run here, the task comes to {came_to} instead of {}", answer.manifest);
        return Err(forged("the answer", why));
    }
    Ok(())
}
