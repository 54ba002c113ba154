//! A task that is run here and now, with no network and no node: to see what it comes to.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gadus_model::message::{Award, RoundId};
use gadus_model::{
    Code, Context, Epoch, Execution, Failure, FailureKind, JobId, Manifest, Resources,
    ResultSummary, Slot, Task, Timeouts,
};
use gadus_ports::{Content, Executor, LogStream, Mount, MountSource, PinReason, failure_of};
use tokio_util::sync::CancellationToken;

use super::inputs::{Brought, content_of, read};
use super::profile::stream_caps;
use super::run::{execute, import, manifest, summary};
use crate::logbook::{Logbook, Page};

/// A function that is about to run here.
pub struct LocalRun {
    award: Award,
    book: Logbook,
    page: Arc<Page>,
}

/// What a function came to.
#[derive(Clone, Debug)]
pub struct LocalAnswer {
    /// The answer.
    pub manifest: Manifest,
    /// What people are told of it.
    pub summary: ResultSummary,
}

/// Runs a function whose code and inputs are all in `content`, which gets its result. `scratch` is
/// a directory of its own.
///
/// # Errors
/// As [`LocalRun::run`].
pub async fn run_here(
    task: &Task,
    content: &Arc<dyn Content>,
    executor: &dyn Executor,
    scratch: &Path,
) -> Result<Manifest, Failure> {
    let stop = CancellationToken::new();
    let answer = LocalRun::new(task, None).run(content, executor, scratch, &stop).await?;
    Ok(answer.manifest)
}

impl LocalRun {
    /// Nothing runs yet.
    #[must_use]
    pub fn new(task: &Task, timeout: Option<Duration>) -> Self {
        let award = award(task, timeout);
        let book = Logbook::default();
        let page = book.open(award.execution.id(), &stream_caps(task, award.context.caps));
        Self { award, book, page }
    }

    /// What it prints, as it comes, to the end.
    #[must_use]
    pub fn output(&self) -> LogStream {
        self.page.clone().read(true, false)
    }

    /// Runs it.
    ///
    /// # Errors
    /// `Invalid` for what is no Wasm function or lacks a block; else what stood in its way.
    pub async fn run(
        &self,
        content: &Arc<dyn Content>,
        executor: &dyn Executor,
        scratch: &Path,
        stop: &CancellationToken,
    ) -> Result<LocalAnswer, Failure> {
        let answer = self.answer(content, executor, scratch, stop).await;
        self.book.end(self.award.execution.id());
        answer
    }

    async fn answer(
        &self,
        content: &Arc<dyn Content>,
        executor: &dyn Executor,
        scratch: &Path,
        stop: &CancellationToken,
    ) -> Result<LocalAnswer, Failure> {
        let (award, page) = (&self.award, &self.page);
        let brought = bring(content, &award.task).await?;
        let run = execute(executor, award, &brought, scratch, page.clone(), stop);
        let (finished, _) = run.await?;
        let (imported, _) = import(&**content, award, scratch, page, &finished).await?;
        let id = award.execution.id();
        let pinning = PinReason::Result(id).into();
        content.promote(id, imported.result, pinning).await.map_err(|e| failure_of(&e))?;
        let manifest = manifest(finished.outcome, &imported);
        Ok(LocalAnswer { manifest, summary: summary(page, finished.error, &imported) })
    }
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
fn award(task: &Task, timeout: Option<Duration>) -> Award {
    let slot = Slot {
        job: JobId::NONE,
        version: 1,
        task: "main".to_owned(),
        partition: task.partition.index,
        replica: 0,
    };
    let mut context = Context::default();
    if let Some(det) = &task.det {
        context.caps.stdout_max_bytes = det.stdout_max_bytes;
        context.caps.stderr_max_bytes = det.stderr_max_bytes;
        context.caps.output_max_bytes = det.output_max_bytes;
    }
    let memory_bytes = task.det.as_ref().map_or(0, |det| det.memory_max_bytes);
    let execution_ms = timeout.map(|t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX));
    Award {
        execution: Execution { slot, epoch: Epoch { term: 0, n: 1 } },
        round: RoundId { job: JobId::NONE, version: 1, round: 1 },
        lease_ms: 0,
        job_type: "batch".to_owned(),
        task: task.clone(),
        context: Context {
            resources: Resources { memory_bytes, ..Resources::default() },
            timeouts: Timeouts { execution_ms, ..Timeouts::default() },
            ..context
        },
    }
}
