//! Running a function again, from what is in its file alone.

use gadus_model::{Cid, PROFILE_DET_1, Task};
use gadus_node::compute::LocalRun;
use tokio_util::sync::CancellationToken;

use super::{Stop, forged, record};
use crate::failure::Failure;
use crate::workbench::Workbench;

/// Runs a task: what it comes to.
///
/// # Errors
/// `Trouble` for what does not give the same result everywhere, or cannot be run here.
pub(super) async fn replay(bench: &Workbench, task: &Cid) -> Result<Cid, Stop> {
    let task: Task = record(bench.content(), task, "the task").await?;
    if task.det.as_ref().is_none_or(|det| det.profile != PROFILE_DET_1) {
        let failure = Failure::usage("this task may come to another result each time it runs");
        return Err(failure.hint("submit it with --verify to have it run the same way").into());
    }
    let run = LocalRun::new(&task, None);
    let came_to = bench
        .run(&run, &CancellationToken::new())
        .await
        .map_err(|e| Failure::usage("failed to run the function again").because(e.message))?;
    came_to.manifest.cid().map_err(|e| forged("the answer", e.to_string()))
}
