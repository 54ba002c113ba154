//! The seam to what runs code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gadus_model::{
    Caps, Cid, Code, Det, Engine, EngineInfo, ExecutionId, Failure, Network, Outcome, Resources,
};
use tokio_util::sync::CancellationToken;

use crate::input::InputNode;

/// Runs one kind of code. All it ever sees is an [`ExecRequest`]: spelled out, no names to
/// resolve.
#[async_trait]
pub trait Executor: Send + Sync {
    /// What it runs.
    fn engine(&self) -> Engine;

    /// Whether it works now, and what it is.
    ///
    /// # Errors
    /// `EngineDown`, saying what is missing and how to get it.
    async fn probe(&self) -> Result<EngineInfo, Failure>;

    /// What is at hand for some code, from memory alone: called for every announcement.
    fn warmth(&self, code: &Code) -> Warmth;

    /// Makes code ready to run: compiles the module (whose bytes are given unless it is warm), or
    /// pulls the image. Repeating it costs next to nothing.
    ///
    /// # Errors
    /// `Invalid` for code that can never run, `ImageMissing`, `ImagePull`, `EngineDown`.
    async fn prepare(&self, code: &ExecCode, module: Option<Bytes>) -> Result<(), Failure>;

    /// Runs to the end. Called again with the same execution after a restart, it goes on with
    /// what still runs (or ended meanwhile) where [`Executor::survives_restart`], and otherwise
    /// starts anew. When `stop` is cancelled the whole process tree is gone before it returns
    /// (`Interrupted`).
    ///
    /// # Errors
    /// An environmental failure; an exit code and a trap are no errors but a [`Finished`].
    async fn run(
        &self,
        request: ExecRequest,
        sink: Arc<dyn LogSink>,
        stop: CancellationToken,
    ) -> Result<Finished, Failure>;

    /// Whether a run goes on while this process is down.
    fn survives_restart(&self) -> bool;

    /// Removes what runs or lies about for this node and network and is not in `keep`. Called at
    /// start and periodically; never touches another node's or network's.
    ///
    /// # Errors
    /// `EngineDown`.
    async fn reap(&self, keep: &BTreeSet<ExecutionId>) -> Result<Vec<ExecutionId>, Failure>;
}

/// What is at hand for some code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warmth {
    /// The compiled module, or the image.
    pub warm: bool,
    /// The digest of the image at hand, where the code is an image.
    pub image_digest: Option<String>,
}

/// Code with everything that finding it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecCode {
    /// A module and its entry.
    Wasm {
        /// The module.
        module: Cid,
        /// The exported function.
        entry: String,
    },
    /// An image.
    Docker {
        /// `sha256:…`.
        digest: String,
        /// The name to pull it by, as the user wrote it.
        reference: String,
        /// Replaces the image's own.
        entrypoint: Option<Vec<String>>,
        /// Replaces the image's own.
        workdir: Option<String>,
    },
}

/// Everything an executor needs to know of one execution.
#[derive(Clone, Debug)]
pub struct ExecRequest {
    /// Names the container and labels the run.
    pub execution: ExecutionId,
    /// What runs.
    pub code: ExecCode,
    /// Arguments after the program's name.
    pub args: Vec<String>,
    /// What a deterministic run draws all its randomness from: a function of the task alone.
    pub seed: [u8; 32],
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// Inputs, read-only.
    pub mounts: Vec<Mount>,
    /// Outputs, each an empty directory that the job can write.
    pub outputs: Vec<OutputDir>,
    /// What it may use.
    pub limits: ExecLimits,
    /// The network it may use.
    pub network: Network,
    /// A directory of its own, private to gadus, gone after the run.
    pub scratch: PathBuf,
}

/// A file or directory that the job sees, read-only.
#[derive(Clone, Debug)]
pub struct Mount {
    /// What it is here.
    pub source: MountSource,
    /// There: absolute.
    pub guest: String,
}

/// Where an input comes from.
#[derive(Clone, Debug)]
pub enum MountSource {
    /// A file or directory of the host.
    Host(PathBuf),
    /// A tree that is read where it lies. Not for containers.
    Tree(InputNode),
}

impl Mount {
    /// A file or directory of the host, at a path of the job's.
    #[must_use]
    pub fn host(host: impl Into<PathBuf>, guest: impl Into<String>) -> Self {
        Self { source: MountSource::Host(host.into()), guest: guest.into() }
    }
}

/// A directory that the job writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputDir {
    /// Its name in the result.
    pub name: String,
    /// Here. The executor makes it and sees to it that the job's user can write it.
    pub host: PathBuf,
    /// There: absolute.
    pub guest: String,
}

/// What one execution may use.
#[derive(Clone, Debug, Default)]
pub struct ExecLimits {
    /// CPU, memory, disk, GPUs.
    pub resources: Resources,
    /// Caps on outputs.
    pub caps: Caps,
    /// A Wasm task's own limits.
    pub det: Option<Det>,
    /// The program's own time; absent means none.
    pub timeout: Option<Duration>,
}

/// Where stdout and stderr go, as they come. Never blocks; keeps at most its cap and counts the
/// rest.
pub trait LogSink: Send + Sync {
    /// Takes some bytes of a stream.
    fn write(&self, stream: StdStream, bytes: &[u8]);
}

/// Which stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StdStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The result.
    pub outcome: Outcome,
    /// A trap's reason and backtrace; empty for an exit.
    pub error: String,
    /// Making the sandbox, in microseconds.
    pub prepare_us: u64,
    /// The program's own time, in microseconds.
    pub run_us: u64,
    /// Fuel burnt, where it is counted.
    pub fuel: Option<u64>,
    /// Most memory used, in bytes, where it is known.
    pub memory_peak_bytes: Option<u64>,
}
