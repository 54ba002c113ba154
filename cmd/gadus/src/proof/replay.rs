//! Running a function again, from what is in its file alone.

use std::time::Duration;

use gadus_model::{Cid, PROFILE_DET_1, Task};
use gadus_node::compute::LocalRun;
use gadus_proof::record;
use tokio_util::sync::CancellationToken;

use super::{Stop, forged};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::interrupted;
use crate::workbench::Workbench;

/// How functions are run again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replay {
    /// How long each may take; none for as long as it takes.
    pub(crate) timeout: Option<Duration>,
}

impl Replay {
    /// Runs a task, and compares what it comes to with what it should, by an engine that counted its
    /// fuel.
    ///
    /// # Errors
    /// `Forged`, by `differs`, where another answer comes out; `Trouble` where that may be because
    /// another engine runs here, and as [`replay`].
    pub(super) async fn expect(
        self,
        bench: &Workbench,
        task: &Cid,
        (answer, engine): (Cid, &str),
        differs: impl FnOnce(Cid) -> Stop,
    ) -> Result<(), Stop> {
        let came_to = replay(bench, task, self.timeout).await?;
        if came_to == answer {
            return Ok(());
        }
        let here = bench.engine().await?;
        if here == engine {
            return Err(differs(came_to));
        }
        let failure = Failure::new(Exit::Unverified, "it cannot be told here who is right");
        Err(failure
            .because(format!("run here, the task comes to {came_to} instead of {answer}"))
            .because(format!("that answer is by engine {engine}, and here is {here}"))
            .because("where fuel decides, only answers of one engine can be compared")
            .hint("check it with a gadus of the version that the receipts are from")
            .into())
    }
}

/// Runs a task: what it comes to.
///
/// # Errors
/// `Trouble` for what does not give the same result everywhere, or cannot be run here.
async fn replay(bench: &Workbench, task: &Cid, timeout: Option<Duration>) -> Result<Cid, Stop> {
    let task: Task = record(bench.content(), task, "the task").await?;
    if task.det.as_ref().is_none_or(|det| det.profile != PROFILE_DET_1) {
        let failure = Failure::usage("this task may come to another result each time it runs");
        return Err(failure.hint("submit it with --verify to have it run the same way").into());
    }
    let (run, stop) = (LocalRun::new(&task, timeout), CancellationToken::new());
    let mut running = std::pin::pin!(bench.run(&run, &stop));
    let came_to = tokio::select! {
        came_to = &mut running => came_to,
        Ok(()) = interrupted() => {
            stop.cancel();
            // The function is ended before its directory is removed.
            let _ = running.await;
            return Err(Failure::new(Exit::Interrupted, "it was interrupted").into());
        }
    };
    let came_to = came_to
        .map_err(|e| Failure::usage("failed to run the function again").because(e.message))?;
    came_to.manifest.cid().map_err(|e| forged("the answer", e.to_string()))
}
