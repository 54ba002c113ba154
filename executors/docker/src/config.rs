//! What the executor is told, and its limits.

use gadus_model::{Gpu, NodeId};

use crate::gpu::GpuAccess;

/// What a [`crate::DockerExecutor`] is told.
#[derive(Clone, Debug)]
pub struct DockerConfig {
    /// The engine's socket, a path with or without `unix://`. Absent: `DOCKER_HOST` where it names
    /// one, else `/var/run/docker.sock`. Only a socket will do: the engine has to see the same
    /// files as gadus.
    pub socket: Option<String>,
    /// The network's name: a label of every container, and what keeps networks apart.
    pub network: String,
    /// This node: likewise.
    pub node: NodeId,
    /// The GPUs of this machine.
    pub gpus: Vec<Gpu>,
    /// How containers get at them.
    pub gpu_access: GpuAccess,
    /// Limits and intervals.
    pub limits: DockerLimits,
}

impl DockerConfig {
    /// The default socket and limits, and no GPUs.
    pub fn new(network: impl Into<String>, node: NodeId) -> Self {
        Self {
            socket: None,
            network: network.into(),
            node,
            gpus: Vec::new(),
            gpu_access: GpuAccess::Toolkit,
            limits: DockerLimits::default(),
        }
    }
}

/// Limits and intervals of the executor. Units come last in the names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerLimits {
    /// Processes and threads of one container.
    pub pids_max: i64,
    /// Open files of one process. More than the engine itself may have can be refused to it.
    pub open_files_max: i64,
    /// `/tmp`, and each volume an image declares: in memory, so never over half of the job's.
    pub tmp_max_bytes: u64,
    /// `/dev/shm`, likewise.
    pub shm_max_bytes: u64,
    /// CPU of a request that names none, in thousandths of a core.
    pub cpu_default_millis: u64,
    /// Memory of a request that names none.
    pub memory_default_bytes: u64,
    /// One request to the engine, answered or given up.
    pub request_ms: u64,
    /// How long an engine may be away before what ran in it counts as lost.
    pub engine_patience_ms: u64,
    /// Between two tries to reach an engine that is away.
    pub engine_retry_ms: u64,
    /// Between two looks at a running container's state, in case its end was not reported.
    pub inspect_ms: u64,
    /// How long output may keep coming once the container has ended.
    pub drain_ms: u64,
    /// Between two measurements of a job's outputs.
    pub usage_ms: u64,
    /// Between two looks at the engine's images.
    pub images_refresh_ms: u64,
    /// Images that are pulled at once.
    pub pulls_max: usize,
    /// A pull that makes no progress for so long has failed.
    pub pull_stall_ms: u64,
    /// Ended containers that wait for their removal.
    pub removals_max: usize,
    /// How long each of them waits at least, so that its job's answer does not wait for its removal.
    pub removal_pause_ms: u64,
}

impl Default for DockerLimits {
    fn default() -> Self {
        Self {
            pids_max: 512,
            open_files_max: 16_384,
            tmp_max_bytes: 256 << 20,
            shm_max_bytes: 64 << 20,
            cpu_default_millis: 500,
            memory_default_bytes: 512 << 20,
            request_ms: 120_000,
            engine_patience_ms: 30_000,
            engine_retry_ms: 200,
            inspect_ms: 10_000,
            drain_ms: 5_000,
            usage_ms: 500,
            images_refresh_ms: 30_000,
            pulls_max: 3,
            pull_stall_ms: 120_000,
            removals_max: 256,
            removal_pause_ms: 100,
        }
    }
}

/// Limits of asking registries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryLimits {
    /// How long it may take to find out an image's digest, all requests for it together.
    pub lookup_ms: u64,
    /// Images that are looked up at once; more wait.
    pub lookups_max: usize,
    /// Bytes of one answer.
    pub answer_max_bytes: usize,
    /// Redirects of one request.
    pub redirects_max: usize,
}

impl Default for RegistryLimits {
    fn default() -> Self {
        Self { lookup_ms: 15_000, lookups_max: 64, answer_max_bytes: 4 << 20, redirects_max: 5 }
    }
}
