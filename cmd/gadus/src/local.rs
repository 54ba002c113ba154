//! A task that is run in this process: no network, no node, and nothing that is left of it.

use std::path::Path;

use futures::StreamExt;
use gadus_model::{Cid, Code, Input, Task};
use gadus_node::compute::{LocalAnswer, LocalRun};
use gadus_ports::{Content, StdStream};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::cli::{Format, RunArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::interrupted;
use crate::printer::Printer;
use crate::proof::outcome;
use crate::workbench::Workbench;

mod bring;
mod out;

/// What a task came to here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Came {
    #[serde(rename = "TaskCID")]
    task_cid: String,
    #[serde(rename = "ManifestCID")]
    manifest_cid: String,
    #[serde(rename = "ResultCID")]
    result_cid: String,
    /// `exit 0`, `trap: unreachable`, `out of fuel`.
    outcome: String,
    exit_code: i32,
    /// Whether every machine comes to the same.
    is_deterministic: bool,
}

/// Runs a task here, and ends as it ends.
///
/// # Errors
/// For what cannot be read, or is not here; `JobFailed` where something stood in its way.
pub(crate) async fn run(printer: &Printer, args: &RunArgs) -> Result<Exit, Failure> {
    let bench = Workbench::open("run")?;
    if let Some(out) = &args.here.out {
        out::is_free(out)?;
    }
    for path in &args.here.with {
        bring::more(&bench, path).await?;
    }
    let task = bring::task(&bench, &args.task).await?;
    let cid = task.cid().map_err(|e| Failure::usage(e.to_string()))?;
    printer.talk(&format!("task {cid}"));
    is_function(&task)?;
    is_whole(&bench, &task, &cid)?;
    let timeout = args.needs.timeout.map(|seconds| seconds.duration());
    let run = LocalRun::new(&task, timeout);
    let shows = args.wait.format.output == Format::Table;
    let answer = watch(&bench, printer, &run, shows).await?;
    let written = match &args.here.out {
        Some(dir) => out::write(&bench, answer.manifest.result, dir).await,
        None => Ok(()),
    };
    // What it came to is told all the same: it may have taken long.
    let exit = tell(printer, args.wait.format.output, &task, &cid, &answer)?;
    written.map(|()| exit)
}

fn is_function(task: &Task) -> Result<(), Failure> {
    match &task.code {
        Code::Wasm { .. } => Ok(()),
        Code::Docker { .. } => Err(Failure::usage("a container cannot be run with --local")
            .because("it needs an engine, and a node that looks after it")
            .hint("run it in a network, `gadus run` without --local; `gadus devstack` makes one")),
    }
}

/// Names all that the task needs and nobody brought.
fn is_whole(bench: &Workbench, task: &Task, cid: &Cid) -> Result<(), Failure> {
    let code = match &task.code {
        Code::Wasm { module, .. } => Some(("its code".to_owned(), *module)),
        Code::Docker { .. } => None,
    };
    let inputs = task.inputs.iter().filter_map(|(path, input)| match input {
        Input::Cid(cid) => Some((format!("the input {path}"), *cid)),
        Input::Await(_) => None,
    });
    let missing: Vec<_> =
        code.into_iter().chain(inputs).filter(|(_, cid)| !bench.content().has(cid)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let failure = Failure::usage("what the task names is not here");
    let failure = missing
        .iter()
        .fold(failure, |failure, (what, cid)| failure.because(format!("{what} is {cid}")));
    Err(failure.hint(format!(
        "bring it with --with PATH (a file, a directory or a CAR); where there is a network, \
         `gadus export {cid} > task.car` has the task and all it names"
    )))
}

/// Runs, and shows what it prints as it comes.
async fn watch(
    bench: &Workbench,
    printer: &Printer,
    run: &LocalRun,
    shows: bool,
) -> Result<LocalAnswer, Failure> {
    let stop = CancellationToken::new();
    let showing = async {
        let shown = if shows { show(printer, run).await } else { Ok(()) };
        if shown.is_err() {
            // Whoever read it has gone: what it would print from here on is for nobody.
            stop.cancel();
        }
        shown
    };
    let running = async { tokio::join!(bench.run(run, &stop), showing) };
    let mut running = std::pin::pin!(running);
    let (answer, shown) = tokio::select! {
        biased;
        both = &mut running => both,
        Ok(()) = interrupted() => {
            stop.cancel();
            // The program is ended before its directory is removed.
            let _ = running.await;
            return Err(Failure::new(Exit::Interrupted, "it was interrupted")
                .because("nothing of it is left"));
        }
    };
    shown?;
    answer.map_err(|trouble| {
        let failure = Failure::new(Exit::JobFailed, "the task came to no result here");
        let failure = failure.because(&trouble.message);
        match trouble.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

async fn show(printer: &Printer, run: &LocalRun) -> Result<(), Failure> {
    let mut output = run.output();
    while let Some(chunk) = output.next().await {
        match chunk.stream {
            StdStream::Stdout => printer.bytes(&chunk.bytes)?,
            StdStream::Stderr => printer.error_bytes(&chunk.bytes),
        }
    }
    Ok(())
}

fn tell(
    printer: &Printer,
    format: Format,
    task: &Task,
    cid: &Cid,
    answer: &LocalAnswer,
) -> Result<Exit, Failure> {
    let manifest = &answer.manifest;
    let named = manifest.cid().map_err(|e| Failure::usage(e.to_string()))?;
    let code = manifest.outcome.exit_code();
    let came = Came {
        task_cid: cid.to_string(),
        manifest_cid: named.to_string(),
        result_cid: manifest.result.to_string(),
        outcome: outcome(&manifest.outcome),
        exit_code: code,
        is_deterministic: task
            .det
            .as_ref()
            .is_some_and(|det| det.profile == gadus_model::PROFILE_DET_1),
    };
    for warning in &answer.summary.warnings {
        printer.warn(warning);
    }
    if !answer.summary.error.is_empty() {
        printer.talk(&crate::render::plain(&answer.summary.error));
    }
    if code != 0 {
        printer.talk(&format!("exit code: {code}"));
    }
    printer.talk(&format!("manifest {}", came.manifest_cid));
    printer.talk(&format!("result {}", came.result_cid));
    printer.object(format, &came, String::new)?;
    Ok(Exit::of_job(code))
}

/// The path of a file, for messages.
fn shown(path: &Path) -> String {
    match path.as_os_str() == "-" {
        true => "stdin".to_owned(),
        false => path.display().to_string(),
    }
}
