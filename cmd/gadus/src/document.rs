//! Job documents in Bacalhau's format, made from flags.
//!
//! What flags say is read here without touching the world; [`Source::Local`] and paths below a
//! CID are turned into CIDs by [`crate::inputs`] before a document is made.

use gadus_api::convert::parse_selector;
use gadus_api::types::{
    InputSource, Job, LabelRequirement, NetworkConfig, ResourcesConfig, ResultPath, SpecConfig,
    Task, TimeoutConfig,
};
use serde_json::{Value, json};

use crate::cli::{
    DockerRunArgs, JobFlags, NeedsFlags, RunArgs, SpreadFlags, Target, TaskFlags, WasmRunArgs,
};
use crate::failure::Failure;

mod input;
mod pairs;
mod seconds;

pub(crate) use input::{InputArg, Source};
pub(crate) use pairs::{EnvVar, LabelArg, PublisherArg, ResultArg};
pub(crate) use seconds::{Seconds, Term};

/// The document of `wasm run`, with its module and inputs as they are to be submitted.
pub(crate) fn wasm(
    args: &WasmRunArgs,
    module: &str,
    inputs: Vec<InputSource>,
) -> Result<Value, Failure> {
    let engine = SpecConfig::new("wasm")
        .with("EntryModule", module)
        .with("Entrypoint", args.entry_point.as_str())
        .with("Parameters", args.args.clone());
    document(&args.job, &args.spread, task(&args.task, engine, inputs))
}

/// The document of `run`: a task as it is, named by its CID.
pub(crate) fn pinned(args: &RunArgs, task: SpecConfig) -> Result<Value, Failure> {
    let engine = match &args.image_from {
        Some(name) => task.with("Image", name.as_str()),
        None => task,
    };
    let spread = SpreadFlags { count: 1, target: Target::Any };
    let name = "main".to_owned();
    document(&args.job, &spread, Task { name, engine, ..needs(&args.needs) })
}

/// The document of `docker run`, with its inputs as they are to be submitted.
pub(crate) fn docker(args: &DockerRunArgs, inputs: Vec<InputSource>) -> Result<Value, Failure> {
    let mut engine = SpecConfig::new("docker").with("Image", args.image.as_str());
    if !args.entrypoint.is_empty() {
        engine = engine.with("Entrypoint", args.entrypoint.clone());
    }
    if !args.command.is_empty() {
        engine = engine.with("Parameters", args.command.clone());
    }
    if let Some(workdir) = &args.workdir {
        engine = engine.with("WorkingDirectory", workdir.as_str());
    }
    document(&args.job, &args.spread, task(&args.task, engine, inputs))
}

fn task(flags: &TaskFlags, engine: SpecConfig, inputs: Vec<InputSource>) -> Task {
    let result = |ResultArg { name, path }: &ResultArg| ResultPath {
        name: name.clone(),
        path: path.clone(),
    };
    Task {
        name: flags.task_name.clone(),
        engine,
        env: flags.env.iter().map(|var| (var.name.clone(), var.value.clone())).collect(),
        nonce: flags.nonce.clone().unwrap_or_default(),
        input_sources: inputs,
        result_paths: flags.results.iter().map(result).collect(),
        ..needs(&flags.needs)
    }
}

/// A task of which nothing is said but what it needs.
fn needs(flags: &NeedsFlags) -> Task {
    let text = |given: &Option<String>| given.clone().unwrap_or_default();
    let seconds = |given: Option<Seconds>| given.map_or(0, Seconds::whole);
    Task {
        publisher: flags.publisher.as_ref().map(PublisherArg::spec).unwrap_or_default(),
        resources: ResourcesConfig {
            cpu: text(&flags.cpu),
            memory: text(&flags.memory),
            disk: text(&flags.disk),
            gpu: text(&flags.gpu),
        },
        network: NetworkConfig {
            kind: text(&flags.network),
            domains: flags.domains.clone(),
            ports: vec![],
        },
        // Bacalhau's --timeout is the whole job's as well.
        timeouts: TimeoutConfig {
            execution_timeout: 0,
            queue_timeout: seconds(flags.queue_timeout),
            total_timeout: seconds(flags.timeout),
        },
        ..Task::default()
    }
}

fn document(flags: &JobFlags, spread: &SpreadFlags, task: Task) -> Result<Value, Failure> {
    let constraints = flags
        .constraints
        .iter()
        .map(|text| requirements(text))
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    let job = Job {
        name: flags.name.clone().unwrap_or_default(),
        namespace: flags.namespace.clone().unwrap_or_default(),
        kind: match spread.target {
            Target::Any => "batch".to_owned(),
            Target::All => "ops".to_owned(),
        },
        priority: flags.priority,
        count: match spread.target {
            Target::Any => i64::from(spread.count),
            Target::All => 0,
        },
        constraints,
        durability: flags.durability.clone().unwrap_or_default(),
        verification: flags.verify.map(|verify| verify.to_string()).unwrap_or_default(),
        fresh: flags.fresh,
        retention: flags.retention.map_or(0, Term::whole),
        labels: flags.labels.iter().map(|l| (l.key.clone(), l.value.clone())).collect(),
        tasks: vec![task],
        ..Job::default()
    };
    Ok(submittable(&job))
}

/// The constraints of one `--constraint`.
fn requirements(text: &str) -> Result<Vec<LabelRequirement>, Failure> {
    let parsed = parse_selector(text).map_err(|error| {
        let failure = Failure::usage(format!("--constraint '{text}' makes no sense"))
            .because(error.to_string());
        match error.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    let operator = |operator| match operator {
        gadus_model::Operator::In => "in",
        gadus_model::Operator::NotIn => "notin",
        gadus_model::Operator::Exists => "exists",
        gadus_model::Operator::DoesNotExist => "!",
        gadus_model::Operator::Gt => "gt",
        gadus_model::Operator::Lt => "lt",
    };
    Ok(parsed
        .into_iter()
        .map(|c| LabelRequirement {
            key: c.key,
            operator: operator(c.operator).to_owned(),
            values: c.values,
        })
        .collect())
}

/// A job without what only the server says, and without what is empty.
fn submittable(job: &Job) -> Value {
    let mut value = json!(job);
    if let Value::Object(job) = &mut value {
        for key in ["ID", "State", "Version", "Revision", "CreateTime", "ModifyTime"] {
            job.shift_remove(key);
        }
        drop_empty(job);
        for task in job.get_mut("Tasks").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Value::Object(task) = task {
                drop_empty(task);
            }
        }
    }
    value
}

fn drop_empty(map: &mut serde_json::Map<String, Value>) {
    map.retain(|_, value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => {
            fields.get("Type").is_none_or(|kind| kind != "") && !fields.is_empty()
        }
        Value::Bool(_) | Value::Number(_) => true,
    });
}

/// An input by its content.
pub(crate) fn ipfs_input(cid: &str, target: &str) -> InputSource {
    InputSource {
        source: SpecConfig::new("ipfs").with("CID", cid),
        alias: String::new(),
        target: target.to_owned(),
    }
}

#[cfg(test)]
mod tests;
