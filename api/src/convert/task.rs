//! The task and the context of a checked document.

use std::collections::BTreeMap;

use gadus_model::task::TASK_VERSION;
use gadus_model::{
    Caps, Cid, Class, Code, Constraint, Context, Det, Image, Input, Network, Operator,
    PROFILE_DET_1, PROFILE_WASI_1, Partition, Resources, Task, Timeouts,
};

use super::engine::{EngineSpec, ModuleRef, PinnedTask, pinned};
use crate::quantity::{parse_bytes, parse_cpu_millis};
use crate::service::ServiceError;
use crate::types::{LabelRequirement, ResourcesConfig, Task as Document, TimeoutConfig};

/// What may change the result. `cids` are those of the inputs, in order.
pub(super) fn task(
    document: &Document,
    engine: EngineSpec,
    cids: &[Cid],
    context: &Context,
) -> Result<Task, ServiceError> {
    let mut inputs: BTreeMap<String, Input> = document
        .input_sources
        .iter()
        .zip(cids)
        .map(|(input, cid)| (clean_path(&input.target), Input::Cid(*cid)))
        .collect();
    let outputs = document
        .result_paths
        .iter()
        .map(|result| (result.name.clone(), clean_path(&result.path)))
        .collect();
    let mut env = BTreeMap::new();
    let (code, args, det) = match engine {
        EngineSpec::Docker { image, entrypoint, workdir, args, env: base } => {
            env = base;
            (Code::Docker { image: Image::Reference(image), entrypoint, workdir }, args, None)
        }
        EngineSpec::Pinned { task: PinnedTask::Here(task), .. } => return Ok(*task),
        EngineSpec::Pinned { task: PinnedTask::Named(cid), .. } => {
            return Err(ServiceError::internal(format!("the task {cid} was not brought")));
        }
        EngineSpec::Wasm { module, entry, args } => {
            let module = module_cid(document, &module, cids, &mut inputs);
            (Code::Wasm { module, entry }, args, Some(det(context)))
        }
    };
    env.extend(document.env.clone());
    Ok(Task {
        v: TASK_VERSION,
        code,
        args,
        env,
        inputs,
        outputs,
        partition: Partition::default(),
        nonce: document.nonce.clone().into_bytes(),
        det,
    })
}

/// The module's CID. The input that it came as is taken out of the mounts: it is code.
fn module_cid(
    document: &Document,
    module: &ModuleRef,
    cids: &[Cid],
    inputs: &mut BTreeMap<String, Input>,
) -> Cid {
    match module {
        ModuleRef::Cid(cid) => *cid,
        ModuleRef::Input(index) => {
            if let Some(input) = document.input_sources.get(*index) {
                inputs.remove(&clean_path(&input.target));
            }
            cids.get(*index).copied().unwrap_or_default()
        }
    }
}

fn det(context: &Context) -> Det {
    // Only what is the same everywhere can be compared.
    let profile = match context.verification.is_sealed() {
        true => PROFILE_DET_1,
        false => PROFILE_WASI_1,
    };
    Det {
        profile: profile.to_owned(),
        memory_max_bytes: context.resources.memory_bytes,
        stdout_max_bytes: context.caps.stdout_max_bytes,
        stderr_max_bytes: context.caps.stderr_max_bytes,
        output_max_bytes: context.caps.output_max_bytes,
        ..Det::default()
    }
}

/// What travels beside the task.
pub(super) fn context(
    document: &Document,
    engine: &EngineSpec,
    constraints: &[LabelRequirement],
    labels: BTreeMap<String, String>,
    client: String,
) -> Context {
    let resources = resources(&document.resources);
    let network = match document.network.kind.as_str() {
        "Host" | "Full" => Network::Host,
        "Bridge" => Network::Bridge,
        _ => Network::None,
    };
    let image_reference = match engine {
        EngineSpec::Docker { image, .. } => Some(image.clone()),
        EngineSpec::Wasm { .. } | EngineSpec::Pinned { .. } => None,
    };
    let context = Context {
        resources,
        timeouts: timeouts(&document.timeouts),
        // A job that can reach the world is not started twice while the first may still run.
        class: if network == Network::None { Class::Pure } else { Class::Query },
        labels,
        constraints: constraints.iter().map(constraint).collect(),
        client,
        network,
        caps: caps(&resources),
        image_reference,
        ..Context::default()
    };
    match engine {
        EngineSpec::Pinned { task: PinnedTask::Here(task), image } => {
            pinned::context(task, image.clone(), context)
        }
        EngineSpec::Pinned { .. } | EngineSpec::Docker { .. } | EngineSpec::Wasm { .. } => context,
    }
}

/// A job that asks for disk gets no more than that for its outputs.
fn caps(resources: &Resources) -> Caps {
    let caps = Caps::default();
    match resources.disk_bytes {
        0 => caps,
        disk => Caps { output_max_bytes: caps.output_max_bytes.min(disk), ..caps },
    }
}

fn constraint(requirement: &LabelRequirement) -> Constraint {
    Constraint {
        key: requirement.key.clone(),
        operator: Operator::parse(&requirement.operator).unwrap_or(Operator::In),
        values: requirement.values.clone(),
    }
}

fn resources(config: &ResourcesConfig) -> Resources {
    Resources {
        cpu_millis: parse_cpu_millis(&config.cpu).unwrap_or_default(),
        memory_bytes: parse_bytes(&config.memory).unwrap_or_default(),
        disk_bytes: parse_bytes(&config.disk).unwrap_or_default(),
        gpus: config.gpu.parse().unwrap_or_default(),
    }
}

fn timeouts(config: &TimeoutConfig) -> Timeouts {
    let ms = |seconds: i64| {
        u64::try_from(seconds).ok().filter(|s| *s > 0).map(|s| s.saturating_mul(1000))
    };
    Timeouts {
        execution_ms: ms(config.execution_timeout),
        queue_ms: ms(config.queue_timeout),
        total_ms: ms(config.total_timeout),
    }
}

/// Without doubled or trailing slashes.
fn clean_path(path: &str) -> String {
    path.split('/')
        .filter(|name| !name.is_empty())
        .fold(String::new(), |path, name| path + "/" + name)
}
