//! A container's description, from a request: every fence is put up here.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig,
    Mount, MountBindOptions, MountBindOptionsPropagationEnum, MountType, ResourcesUlimits,
};
use gadus_model::{Failure, FailureKind, Network};
use gadus_ports::{ExecCode, ExecLimits, ExecRequest, MountSource};

use crate::config::DockerLimits;
use crate::gpu::{GUEST, Grant, LIBRARY_PATH};
use crate::hosts;
use crate::images::LocalImage;
use crate::scope::Scope;

/// The engine refuses to run anything in less.
const MEMORY_MIN_BYTES: u64 = 6 << 20;
/// The engine takes no less than a hundredth of a core.
const CPU_MIN_MILLIS: u64 = 10;
/// The engine's own log of a container: two files of this size at most. It is read after a restart
/// of gadus; until then output comes straight from the container.
const LOG_MIN_BYTES: u64 = 1 << 20;
const LOG_MAX_BYTES: u64 = 1 << 30;
/// A file may pass the cap on outputs by so much: that it did is what tells.
pub(crate) const FILE_SLACK_BYTES: u64 = 1 << 20;

/// The description of a request's container.
///
/// # Errors
/// `Invalid` for paths and names that no container can have; `EngineDown` for GPUs that are not here.
pub(crate) fn container(
    request: &ExecRequest,
    image: &LocalImage,
    scope: &Scope,
    limits: &DockerLimits,
    gpus: &Grant,
) -> Result<ContainerCreateBody, Failure> {
    let ExecCode::Docker { entrypoint, workdir, .. } = &request.code else {
        return Err(invalid("this is not a docker task"));
    };
    check_paths(request)?;
    check_workdir(workdir.as_deref().unwrap_or(&image.workdir))?;
    if request.args.is_empty() && entrypoint.is_none() && !image.has_command {
        return Err(invalid("the image names no program to run, and the job gives none"));
    }
    let isolated = !matches!(request.network, Network::Host);
    Ok(ContainerCreateBody {
        image: Some(image.id.clone()),
        entrypoint: entrypoint.clone(),
        cmd: (!request.args.is_empty()).then(|| request.args.clone()),
        env: Some(environment(request, image, gpus)?),
        working_dir: workdir.clone(),
        labels: Some(scope.labels(request.execution).into_iter().chain([gpus.label()]).collect()),
        // The same everywhere: a job must not see which machine it is on.
        hostname: isolated.then(|| hosts::HOSTNAME.to_owned()),
        // Its network namespace has nothing but lo either way. This way the kernel makes it as it
        // makes the others; otherwise the engine starts a program of its own to look after it.
        network_disabled: Some(request.network == Network::None),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        // An image's health check would run commands that nobody asked for.
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        }),
        stop_timeout: Some(1),
        host_config: Some(host_config(request, image, limits, gpus)?),
        ..ContainerCreateBody::default()
    })
}

fn host_config(
    request: &ExecRequest,
    image: &LocalImage,
    limits: &DockerLimits,
    gpus: &Grant,
) -> Result<HostConfig, Failure> {
    let asked = request.limits.resources;
    let memory = or_default(asked.memory_bytes, limits.memory_default_bytes).max(MEMORY_MIN_BYTES);
    let cpu = or_default(asked.cpu_millis, limits.cpu_default_millis).max(CPU_MIN_MILLIS);
    let network = match request.network {
        Network::None => "none",
        Network::Host => "host",
        Network::Bridge => "bridge",
    };
    Ok(HostConfig {
        network_mode: Some(network.to_owned()),
        readonly_rootfs: Some(true),
        tmpfs: Some(tmpfs(request, image, (memory / 2).min(limits.tmp_max_bytes))),
        shm_size: Some(signed((memory / 2).min(limits.shm_max_bytes))),
        cap_drop: Some(vec!["ALL".to_owned()]),
        // The engine's default seccomp profile stays, since none is named.
        security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
        privileged: Some(false),
        ipc_mode: Some("private".to_owned()),
        cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
        pids_limit: Some(limits.pids_max),
        memory: Some(signed(memory)),
        // The sum of memory and swap: so no swap.
        memory_swap: Some(signed(memory)),
        nano_cpus: Some(signed(cpu.saturating_mul(1_000_000))),
        ulimits: Some(ulimits(&request.limits, limits)),
        oom_score_adj: Some(500),
        init: Some(true),
        auto_remove: Some(false),
        log_config: Some(log(&request.limits)),
        mounts: Some(mounts(request, gpus)?),
        device_requests: gpus.requests(),
        devices: gpus.devices()?,
        ..HostConfig::default()
    })
}

/// `/tmp` and what the image declares as volumes, unless something is mounted there anyway. As
/// volumes they would be writable disk that no limit holds for.
fn tmpfs(request: &ExecRequest, image: &LocalImage, bytes: u64) -> HashMap<String, String> {
    let mounted: BTreeSet<&Path> = guests(request).map(Path::new).collect();
    let volumes = image.volumes.iter().map(String::as_str);
    std::iter::once("/tmp")
        .chain(volumes)
        .filter(|path| !mounted.contains(Path::new(path)))
        .map(|path| (path.to_owned(), format!("rw,exec,nosuid,nodev,mode=1777,size={bytes}")))
        .collect()
}

fn ulimits(asked: &ExecLimits, limits: &DockerLimits) -> Vec<ResourcesUlimits> {
    let ulimit = |name: &str, max: i64| ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(max),
        hard: Some(max),
    };
    let file = output_max_bytes(asked).saturating_add(FILE_SLACK_BYTES);
    vec![
        ulimit("nofile", limits.open_files_max),
        ulimit("core", 0),
        // The one fence around an output directory that the kernel itself keeps up.
        ulimit("fsize", signed(file)),
    ]
}

fn log(asked: &ExecLimits) -> HostConfigLogConfig {
    let kept = asked.caps.stdout_max_bytes.saturating_add(asked.caps.stderr_max_bytes);
    let options = [
        ("max-size", kept.clamp(LOG_MIN_BYTES, LOG_MAX_BYTES).to_string()),
        ("max-file", "2".to_owned()),
        ("compress", "false".to_owned()),
    ];
    HostConfigLogConfig {
        // It keeps bytes as they are; json-file replaces what is not UTF-8.
        typ: Some("local".to_owned()),
        config: Some(options.map(|(key, value)| (key.to_owned(), value)).into()),
    }
}

fn mounts(request: &ExecRequest, gpus: &Grant) -> Result<Vec<Mount>, Failure> {
    let bind = |host: &Path, guest: &str, read_only: bool| Mount {
        typ: Some(MountType::BIND),
        source: Some(host.to_string_lossy().into_owned()),
        target: Some(guest.to_owned()),
        read_only: Some(read_only),
        bind_options: Some(MountBindOptions {
            propagation: Some(MountBindOptionsPropagationEnum::RPRIVATE),
            ..MountBindOptions::default()
        }),
        ..Mount::default()
    };
    let mut all = Vec::new();
    for mount in &request.mounts {
        match &mount.source {
            MountSource::Host(host) => all.push(bind(host, &mount.guest, true)),
            MountSource::Tree(_) => {
                return Err(invalid("the input of a container must be written out before"));
            }
        }
    }
    let outputs = request.outputs.iter().map(|o| bind(&o.host, &o.guest, false));
    let hosts =
        needs_hosts(request).then(|| bind(&hosts::file(&request.scratch), hosts::GUEST, true));
    all.extend(outputs.chain(hosts));
    all.extend(gpus.files().map(|(host, guest)| bind(host, guest, true)));
    Ok(all)
}

/// Whether gadus gives it a hosts file: the engine does where there is a network, and what the job
/// mounts there or above comes first.
pub(crate) fn needs_hosts(request: &ExecRequest) -> bool {
    request.network == Network::None
        && !guests(request).any(|guest| Path::new(hosts::GUEST).starts_with(guest))
}

fn environment(
    request: &ExecRequest,
    image: &LocalImage,
    gpus: &Grant,
) -> Result<Vec<String>, Failure> {
    let mut env = request.env.clone();
    let path = env.get(LIBRARY_PATH).or(image.library_path.as_ref()).cloned();
    let set = gpus.variables(path.as_deref());
    env.extend(set.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let pair = |(name, value): (&String, &String)| {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            let name = name.escape_debug();
            return Err(invalid(format!(
                "'{name}' cannot be in an environment: names have no '=' and no NUL"
            )));
        }
        Ok(format!("{name}={value}"))
    };
    env.iter().map(pair).collect()
}

fn check_paths(request: &ExecRequest) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    let has_gpus = request.limits.resources.gpus > 0;
    for guest in guests(request) {
        let at = Path::new(guest);
        let refuse =
            |why: &str| Err(invalid(format!("nothing can be mounted at '{guest}': {why}")));
        if !guest.starts_with('/') || guest.contains('\0') {
            return refuse("it is not an absolute path");
        } else if guest.split('/').any(|part| matches!(part, "." | "..")) {
            return refuse("it has '.' or '..' in it");
        } else if at == Path::new("/") {
            return refuse("it is the root");
        } else if is_kernels(guest) {
            return refuse("that is the kernel's");
        } else if has_gpus && (at.starts_with(GUEST) || Path::new(GUEST).starts_with(at)) {
            return refuse("the GPUs' driver is there");
        } else if !seen.insert(at) {
            return refuse("two things would be");
        }
    }
    Ok(())
}

/// A working directory that is an open file of the container runtime has led out of containers
/// (CVE-2024-21626), so images may not name one either.
fn check_workdir(workdir: &str) -> Result<(), Failure> {
    let climbs = workdir.split('/').any(|part| part == "..");
    if !workdir.is_empty() && (!workdir.starts_with('/') || climbs || is_kernels(workdir)) {
        let why = "it has to be an absolute path outside of /proc, /sys and /dev, without '..'";
        return Err(invalid(format!("'{workdir}' cannot be the working directory: {why}")));
    }
    Ok(())
}

fn is_kernels(path: &str) -> bool {
    ["/proc", "/sys", "/dev"].iter().any(|dir| Path::new(path).starts_with(dir))
}

fn guests(request: &ExecRequest) -> impl Iterator<Item = &str> {
    let inputs = request.mounts.iter().map(|m| m.guest.as_str());
    inputs.chain(request.outputs.iter().map(|o| o.guest.as_str()))
}

/// What outputs may come to: the job's cap, and no more than the disk it reserved.
pub(crate) fn output_max_bytes(asked: &ExecLimits) -> u64 {
    asked.caps.output_max_bytes.min(or_default(asked.resources.disk_bytes, u64::MAX))
}

fn or_default(asked: u64, default: u64) -> u64 {
    if asked == 0 { default } else { asked }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn invalid(why: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Invalid, why)
}

#[cfg(test)]
mod tests;
