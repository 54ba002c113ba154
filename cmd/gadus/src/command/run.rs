//! `wasm run`, `docker run`, `run`.

use gadus_api::types::{SpecConfig, TaskResponse};
use gadus_model::{PROFILE_DET_1, Task};
use serde_json::Value;

use crate::cli::{DockerRunArgs, Format, RunArgs, WasmRunArgs};
use crate::document;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::inputs;
use crate::level;
use crate::session::Session;
use crate::submit::submit;
use crate::task_text;

pub(super) async fn wasm(session: &Session, args: &WasmRunArgs) -> Result<Exit, Failure> {
    let module = inputs::module(session, &args.module).await?;
    let inputs = inputs::resolve(session, &args.task.inputs).await?;
    let mut document = document::wasm(args, &module, inputs)?;
    level::choose(session, &mut document, !args.wait.id_only).await;
    if args.print_task {
        let task = session.client.draft_task(&document).await;
        let task = task.map_err(|e| Failure::call("see which task that is", &e))?;
        return print(session, args.wait.format.output, &task);
    }
    submit(session, &document, &args.wait).await
}

pub(super) async fn docker(session: &Session, args: &DockerRunArgs) -> Result<Exit, Failure> {
    let inputs = inputs::resolve(session, &args.task.inputs).await?;
    submit(session, &document::docker(args, inputs)?, &args.wait).await
}

/// Runs a task in the network, as it is.
pub(super) async fn task(session: &Session, args: &RunArgs) -> Result<Exit, Failure> {
    let (task, engine) = match task_text::cid(&args.task) {
        Some(cid) => {
            let cid = cid?;
            let task = task_text::of_network(session, &cid).await?;
            (task, SpecConfig::new("task").with("CID", cid.to_string()))
        }
        None => {
            let task = task_text::of_file(&args.task)?;
            let value = value(&task)?;
            (task, SpecConfig::new("task").with("Task", value))
        }
    };
    let cid = task.cid().map_err(|e| Failure::usage(e.to_string()))?;
    if !args.wait.id_only {
        session.printer.talk(&format!("task {cid}"));
    }
    let mut document = document::pinned(args, engine)?;
    if task.det.as_ref().is_some_and(|det| det.profile == PROFILE_DET_1) {
        level::choose(session, &mut document, !args.wait.id_only).await;
    }
    submit(session, &document, &args.wait).await
}

fn value(task: &Task) -> Result<Value, Failure> {
    let text = task.to_text().map_err(|e| Failure::usage(e.to_string()))?;
    serde_json::from_str(&text).map_err(|e| Failure::usage(e.to_string()))
}

/// A task that a node sent, as a text: it is the one that the CID beside it names.
///
/// # Errors
/// Where it is not.
pub(super) fn checked(answer: &TaskResponse) -> Result<String, Failure> {
    let what = "what the node sent";
    let task = task_text::read(what, answer.task.to_string().as_bytes())?;
    match task.cid() {
        Ok(cid) if cid.to_string() == answer.task_cid => {}
        Ok(_) | Err(_) => {
            return Err(Failure::usage(format!("{what} is another task than it says"))
                .because(format!("it names it {}", answer.task_cid))
                .hint("ask another node with --api"));
        }
    }
    task.to_text().map_err(|e| Failure::usage(e.to_string()))
}

/// Prints a task as a text, and its CID beside it.
pub(super) fn print(
    session: &Session,
    format: Format,
    answer: &TaskResponse,
) -> Result<Exit, Failure> {
    let text = checked(answer)?;
    session.printer.object(format, answer, || text)?;
    if format == Format::Table {
        session.printer.talk(&format!("task {}", answer.task_cid));
    }
    Ok(Exit::Success)
}
