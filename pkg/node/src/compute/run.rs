//! One execution, from its award to its answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gadus_model::manifest::{MANIFEST_VERSION, SUMMARY_MAX_BYTES};
use gadus_model::message::{Award, InlineBlock};
use gadus_model::receipt::RECEIPT_VERSION;
use gadus_model::{
    Claim, Class, Code, ExecutionId, Failure, FailureKind, Image, Manifest, NodeId, Outcome,
    PublisherSpec, ReceiptBody, ResultSummary, Usage,
};
use gadus_ports::{
    Content, ExecCode, ExecLimits, ExecRequest, Executor, Finished, ImportedResult, OutputDir,
    ResultTree, failure_of,
};
use tokio_util::sync::CancellationToken;

use super::inputs::{Brought, bring};
use super::profile::{seed, stream_caps};
use super::seal::seal;
use super::{Done, World};
use crate::logbook::Page;

/// The import profile of results, in every receipt.
const PROFILE: &str = "unixfs-v1-2025";

/// Fetches, prepares, runs, imports and signs.
pub(super) async fn run(
    world: &World,
    award: &Award,
    requester: NodeId,
    resumed: bool,
    stop: CancellationToken,
) -> Result<Done, Failure> {
    let id = award.execution.id();
    let executor = executor(world, award)?;
    // Of sealed work, only one of those who answer publishes.
    if !award.context.verification.is_sealed() {
        may_publish(world, &award.context.publisher)?;
    }
    if resumed && !executor.survives_restart() && award.context.class != Class::Pure {
        let message = "the node restarted while it ran, and it must not run twice";
        return Err(Failure::new(FailureKind::Interrupted, message));
    }
    if resumed && !executor.survives_restart() {
        // It starts anew, from nothing.
        remove_dir(world.scratch(id)).await.map_err(|e| io_failure(id, &e))?;
    }
    let page = world.server.logbook.open(id, &stream_caps(&award.task, award.context.caps));
    let whole = async {
        let began = Instant::now();
        let scratch = world.scratch(id);
        let warm = executor.warmth(&award.task.code).warm;
        let brought = tokio::select! {
            brought = bring(world, award, requester, warm, &scratch) => brought?,
            () = stop.cancelled() => return Err(interrupted()),
        };
        let fetch_us = us(began);
        let (finished, prepare_us) =
            execute(&*executor, award, &brought, &scratch, page.clone(), &stop).await?;
        let imported = import(&*world.content, award, &scratch, &page, &finished).await?;
        let usage = Usage {
            fetch_us,
            prepare_us: prepare_us + finished.prepare_us,
            run_us: finished.run_us,
            store_us: imported.1,
            fetched_bytes: brought.fetched_bytes,
            fuel: finished.fuel,
            memory_peak_bytes: finished.memory_peak_bytes,
        };
        let engine = world.engine_id(&*executor).await?;
        claim(world, award, &page, finished, imported.0, usage, engine)
    };
    whole.await
}

fn interrupted() -> Failure {
    Failure::new(FailureKind::Interrupted, "it was stopped")
}

/// Work whose result could go nowhere is not begun.
fn may_publish(world: &World, to: &PublisherSpec) -> Result<(), Failure> {
    match &world.publisher {
        Some(publisher) => publisher.check(to),
        None => Ok(()),
    }
}

fn executor(world: &World, award: &Award) -> Result<Arc<dyn Executor>, Failure> {
    let engine = award.task.engine();
    world.executors.get(&engine).cloned().ok_or_else(|| {
        Failure::new(FailureKind::EngineDown, format!("this node has no {engine} engine"))
    })
}

pub(super) async fn execute(
    executor: &dyn Executor,
    award: &Award,
    brought: &Brought,
    scratch: &Path,
    page: Arc<Page>,
    stop: &CancellationToken,
) -> Result<(Finished, u64), Failure> {
    let began = Instant::now();
    let code = exec_code(award)?;
    tokio::select! {
        prepared = executor.prepare(&code, brought.module.clone()) => prepared?,
        () = stop.cancelled() => return Err(interrupted()),
    }
    let prepare_us = us(began);
    let outputs = outputs(award, scratch);
    if !outputs.is_empty() || needs_scratch(&code) {
        let made = tokio::fs::create_dir_all(scratch).await;
        made.map_err(|e| io_failure(award.execution.id(), &e))?;
    }
    let request = ExecRequest {
        execution: award.execution.id(),
        code,
        args: award.task.args.clone(),
        seed: seed(&award.task)?,
        env: env(award),
        mounts: brought.mounts.clone(),
        outputs,
        limits: ExecLimits {
            resources: award.context.resources,
            caps: award.context.caps,
            det: award.task.det.clone(),
            timeout: award.context.timeouts.execution_ms.map(Duration::from_millis),
        },
        network: award.context.network,
        scratch: scratch.to_owned(),
    };
    let finished = executor.run(request, page, stop.clone()).await?;
    Ok((finished, prepare_us))
}

fn needs_scratch(code: &ExecCode) -> bool {
    matches!(code, ExecCode::Docker { .. })
}

fn outputs(award: &Award, scratch: &Path) -> Vec<OutputDir> {
    let outputs = award.task.outputs.iter().enumerate();
    outputs
        .map(|(n, (name, guest))| OutputDir {
            name: name.clone(),
            host: scratch.join("outputs").join(n.to_string()),
            guest: guest.clone(),
        })
        .collect()
}

fn exec_code(award: &Award) -> Result<ExecCode, Failure> {
    Ok(match &award.task.code {
        Code::Wasm { module, entry } => ExecCode::Wasm { module: *module, entry: entry.clone() },
        Code::Docker { image: Image::Digest(digest), entrypoint, workdir } => ExecCode::Docker {
            digest: digest.clone(),
            reference: award.context.image_reference.clone().unwrap_or_else(|| digest.clone()),
            entrypoint: entrypoint.clone(),
            workdir: workdir.clone(),
        },
        Code::Docker { image: Image::Reference(name), .. } => {
            let message = format!("the award's image '{name}' is not pinned");
            return Err(Failure::new(FailureKind::Invalid, message));
        }
    })
}

/// The task's own environment. A container also learns who it is, as Bacalhau's do; a Wasm
/// function learns only what its task says, since the same task must be the same work.
fn env(award: &Award) -> BTreeMap<String, String> {
    let mut env = award.task.env.clone();
    let partition = award.task.partition;
    env.insert("BACALHAU_PARTITION_INDEX".to_owned(), partition.index.to_string());
    env.insert("BACALHAU_PARTITION_COUNT".to_owned(), partition.count.to_string());
    if matches!(award.task.code, Code::Docker { .. }) {
        let execution = &award.execution;
        env.insert("BACALHAU_EXECUTION_ID".to_owned(), execution.id().to_string());
        env.insert("BACALHAU_JOB_ID".to_owned(), execution.slot.job.to_string());
        env.insert("BACALHAU_JOB_TYPE".to_owned(), award.job_type.clone());
    }
    env
}

pub(super) async fn import(
    content: &dyn Content,
    award: &Award,
    scratch: &Path,
    page: &Page,
    finished: &Finished,
) -> Result<(ImportedResult, u64), Failure> {
    let began = Instant::now();
    let (stdout, stderr, _) = page.texts();
    let outputs = outputs(award, scratch).into_iter().map(|o| (o.name, o.host)).collect();
    let tree = ResultTree {
        stdout,
        stderr,
        exit_code: finished.outcome.exit_code(),
        outputs,
        caps: award.context.caps,
    };
    let id = award.execution.id();
    let imported = content.import_result(id, tree).await.map_err(|e| failure_of(&e))?;
    Ok((imported, us(began)))
}

fn claim(
    world: &World,
    award: &Award,
    page: &Page,
    finished: Finished,
    imported: ImportedResult,
    usage: Usage,
    engine: String,
) -> Result<Done, Failure> {
    let internal = |e: &dyn std::fmt::Display| Failure::new(FailureKind::Internal, e.to_string());
    let manifest = manifest(finished.outcome, &imported);
    let body = ReceiptBody {
        v: RECEIPT_VERSION,
        task: award.task.cid().map_err(|e| internal(&e))?,
        manifest: manifest.cid().map_err(|e| internal(&e))?,
        usage,
        engine,
        profile: PROFILE.to_owned(),
        node: world.node,
        cause: None,
        fx: None,
    };
    let receipt = gadus_auth::sign_receipt(&world.key, body).map_err(|e| internal(&e))?;
    let summary = summary(page, finished.error, &imported);
    let claim = Box::new(Claim { manifest, receipt, summary });
    let inline = imported.inline.into_iter();
    let blocks = inline.map(|(cid, b)| InlineBlock { cid, bytes: b.to_vec() }).collect();
    let sealed = award.context.verification.is_sealed();
    let seal = sealed.then(|| seal(&world.key, &award.execution, &claim)).transpose();
    let seal = seal.map_err(|e| internal(&e))?.map(Box::new);
    Ok(Done { claim, blocks, seal })
}

/// The answer that is voted on.
pub(super) fn manifest(outcome: Outcome, imported: &ImportedResult) -> Manifest {
    Manifest {
        v: MANIFEST_VERSION,
        outcome,
        result: imported.result,
        stdout: imported.stdout,
        stderr: imported.stderr,
    }
}

pub(super) fn summary(page: &Page, error: String, imported: &ImportedResult) -> ResultSummary {
    let (stdout, stderr, dropped) = page.texts();
    let head = |bytes: &[u8]| {
        let head = &bytes[..bytes.len().min(SUMMARY_MAX_BYTES)];
        (String::from_utf8_lossy(head).into_owned(), bytes.len() > SUMMARY_MAX_BYTES)
    };
    let ((stdout, stdout_truncated), (stderr, stderr_truncated)) = (head(&stdout), head(&stderr));
    let mut warnings = imported.warnings.clone();
    if dropped > 0 {
        warnings.push(format!("{dropped} bytes of output beyond the job's caps were dropped"));
    }
    ResultSummary {
        stdout,
        stdout_truncated,
        stderr,
        stderr_truncated,
        error,
        warnings,
        result_bytes: imported.bytes,
    }
}

fn us(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

pub(super) fn io_failure(id: ExecutionId, error: &std::io::Error) -> Failure {
    let full =
        matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
    let kind = if full { FailureKind::DiskFull } else { FailureKind::Internal };
    Failure::new(kind, format!("the run directory of {id} cannot be prepared: {error}"))
}

/// Removes a directory and all under it, read-only parts included; none is fine.
pub(crate) async fn remove_dir(dir: PathBuf) -> std::io::Result<()> {
    let gone = |e: &std::io::Error| e.kind() == std::io::ErrorKind::NotFound;
    match tokio::fs::remove_dir_all(&dir).await {
        Ok(()) => Ok(()),
        Err(e) if gone(&e) => Ok(()),
        Err(_) => {
            let removed = tokio::task::spawn_blocking(move || remove_stubborn(&dir)).await;
            removed.map_err(std::io::Error::other)?
        }
    }
}

/// Inputs are written read-only, and who is not root cannot remove from a read-only directory.
fn remove_stubborn(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let writable =
        |dir: &Path| std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700));
    let mut stack = vec![dir.to_owned()];
    while let Some(dir) = stack.pop() {
        if dir.symlink_metadata().is_ok_and(|m| m.is_dir()) {
            writable(&dir)?;
            let entries = std::fs::read_dir(&dir)?.filter_map(Result::ok);
            let dirs = entries.filter(|e| e.file_type().is_ok_and(|t| t.is_dir()));
            stack.extend(dirs.map(|e| e.path()));
        }
    }
    match std::fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
        Ok(()) | Err(_) => Ok(()),
    }
}
