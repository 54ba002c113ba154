//! A task as it is, pinned by somebody: our addition to the format. `Task` is the task itself in
//! DAG-JSON, `CID` its block.

use gadus_model::{Caps, Cid, Code, Context, DAG_CBOR, Task as Work, TaskTextError};
use serde_json::Value;

use super::docker::image_name;
use super::{EngineSpec, Params, PinnedTask};
use crate::convert::supported::Problem;
use crate::service::ServiceError;
use crate::types::{Job, Task};

/// The engine's name.
pub(in crate::convert) const KIND: &str = "task";

/// What of a job would change the task that it carries, or say something of it again.
pub(in crate::convert) fn errors(job: &Job) -> Vec<String> {
    let Some(task) = job.tasks.first().filter(|task| task.engine.is(KIND)) else {
        return Vec::new();
    };
    let given = [
        ("InputSources", !task.input_sources.is_empty(), "its inputs are in it"),
        ("ResultPaths", !task.result_paths.is_empty(), "its outputs are in it"),
        ("Env", !task.env.is_empty(), "its environment is in it"),
        ("Nonce", !task.nonce.is_empty(), "its nonce is in it"),
    ];
    let mixed = given.into_iter().filter(|(_, is_given, _)| *is_given).map(|(name, _, why)| {
        format!("{name} cannot stand beside the engine task: {why}, and its CID names the whole")
    });
    let mut errors: Vec<String> = mixed.collect();
    if job.count != 1 || !job.kind.eq_ignore_ascii_case("batch") {
        errors.push(
            "the engine task is for one execution (Type batch, Count 1): a part of a job is another \
             task"
            .to_owned(),
        );
    }
    errors
}

pub(super) fn read(task: &Task) -> Result<EngineSpec, Problem> {
    let params = Params { task, engine: KIND };
    if let Some(unknown) = task.engine.unknown(&["Task", "CID", "Image"]) {
        return Err(params.wrong(&format!("'{unknown}' is not known (use Task or CID, and Image)")));
    }
    let image = Some(params.text("Image")?.trim().to_owned()).filter(|name| !name.is_empty());
    if let Some(name) = &image {
        image_name(&params, name)?;
    }
    let named = params.text("CID")?.trim().to_owned();
    let here = task.engine.param("Task").filter(|value| **value != Value::Null);
    let pinned = match (here, named.as_str()) {
        (Some(value), "") => {
            let work = Work::from_text(value.to_string().as_bytes());
            PinnedTask::Here(Box::new(work.map_err(|e| wrong(task, &e))?))
        }
        (None, text) if !text.is_empty() => PinnedTask::Named(cid(&params, text)?),
        (Some(_), _) | (None, _) => {
            return Err(params.wrong("give either 'Task', a task in DAG-JSON, or 'CID'"));
        }
    };
    if let PinnedTask::Here(work) = &pinned {
        beside(task, work, image.as_deref())?;
    }
    Ok(EngineSpec::Pinned { task: pinned, image })
}

/// The task that a block is.
pub(in crate::convert) fn of_block(
    task: &Task,
    cid: Cid,
    image: Option<&str>,
    block: &[u8],
) -> Result<Work, ServiceError> {
    let work = Work::from_block(block).map_err(|e| match e {
        TaskTextError::Field(_) => wrong(task, &e),
        TaskTextError::TooLong { .. } | TaskTextError::NotJson(_) | TaskTextError::NotTask(_) => {
            let what = format!("invalid task engine param: 'CID': block {cid}: {e}");
            Problem::hinted(task, what, e.hint())
        }
    })?;
    beside(task, &work, image)?;
    Ok(work)
}

fn cid(params: &Params<'_>, text: &str) -> Result<Cid, Problem> {
    let bare = text.strip_prefix("ipfs://").unwrap_or(text);
    let cid: Cid =
        bare.parse().map_err(|e| params.wrong(&format!("'CID': '{text}' is no CID: {e}")))?;
    if cid.codec() != DAG_CBOR {
        let what =
            format!("'CID': {cid} is content, and a task's CID is one of DAG-CBOR (bafyrei…)");
        return Err(params.wrong(&what));
    }
    Ok(cid)
}

fn wrong(task: &Task, error: &TaskTextError) -> Problem {
    Problem::hinted(task, format!("invalid task engine param: 'Task': {error}"), error.hint())
}

/// What a job says beside a task of this kind, and must not.
fn beside(task: &Task, work: &Work, image: Option<&str>) -> Result<(), Problem> {
    let (what, hint) = match &work.code {
        Code::Wasm { .. } if !task.resources.memory.trim().is_empty() => (
            "Resources.Memory cannot stand beside a Wasm task: its own memory_max_bytes is what it \
             gets",
            "leave it out, or change det.memory_max_bytes, which makes another task of it",
        ),
        Code::Wasm { .. } if image.is_some() => {
            ("invalid task engine param: 'Image' is for containers", "leave it out")
        }
        Code::Wasm { .. } | Code::Docker { .. } => return Ok(()),
    };
    Err(Problem::hinted(task, what, hint))
}

/// The context of a task: what it may use up is its own to say, as far as it says it.
pub(in crate::convert) fn context(work: &Work, image: Option<String>, context: Context) -> Context {
    let Some(det) = &work.det else {
        return Context { image_reference: image, ..context };
    };
    let mut context = context;
    context.resources.memory_bytes = det.memory_max_bytes;
    context.caps = Caps {
        stdout_max_bytes: det.stdout_max_bytes,
        stderr_max_bytes: det.stderr_max_bytes,
        output_max_bytes: det.output_max_bytes,
        ..context.caps
    };
    context
}
