//! A task: everything that may change a result, and nothing else.
//!
//! The DAG-CBOR CID of a pinned task names the work. The same task anywhere is the same work, so
//! where to fetch from, how long it may take and who pays live in [`crate::Context`].

use std::collections::BTreeMap;

use cid::Cid;
use serde::{Deserialize, Serialize};

use crate::Engine;
use crate::codec::{self, CodecError};

mod check;
mod text;

pub use check::TaskFault;
pub use text::{TASK_BYTES_MAX, TaskTextError};

/// The work itself. See the module's docs for what belongs here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Version of this record; any but [`TASK_VERSION`] is refused.
    #[serde(deserialize_with = "codec::version::<_, TASK_VERSION>")]
    pub v: u8,
    /// What runs.
    pub code: Code,
    /// Arguments after the program's name.
    pub args: Vec<String>,
    /// Environment, by name.
    #[serde(deserialize_with = "codec::map_without_doubles")]
    pub env: BTreeMap<String, String>,
    /// Inputs, by the absolute path the job sees them at.
    #[serde(deserialize_with = "codec::map_without_doubles")]
    pub inputs: BTreeMap<String, Input>,
    /// Outputs: name in the result → absolute path the job writes to.
    #[serde(deserialize_with = "codec::map_without_doubles")]
    pub outputs: BTreeMap<String, String>,
    /// Which part of how many.
    pub partition: Partition,
    /// Makes equal work distinct on purpose; empty means that it may be remembered.
    #[serde(with = "serde_bytes")]
    pub nonce: Vec<u8>,
    /// Limits that can change the outcome of a Wasm task; absent for docker.
    pub det: Option<Det>,
}

/// The version of [`Task`] that this code writes.
pub const TASK_VERSION: u8 = 1;

/// What runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Code {
    /// A WebAssembly module and the function to call.
    Wasm {
        /// The module's bytes.
        module: Cid,
        /// The exported function, `_start` for a command.
        entry: String,
    },
    /// A container image.
    Docker {
        /// Which image.
        image: Image,
        /// Replaces the image's own entry point.
        entrypoint: Option<Vec<String>>,
        /// Replaces the image's own working directory.
        workdir: Option<String>,
    },
}

/// A container image, before and after pinning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Image {
    /// As the user wrote it. A task with this has no CID yet.
    Reference(String),
    /// `sha256:…`: a registry's manifest digest, else the engine's image id.
    Digest(String),
}

/// One input of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A file or directory, by content.
    Cid(Cid),
    /// What another task makes. Not accepted yet.
    Await(Await),
}

/// A promise of another task's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Await {
    /// The awaited task.
    pub task: Cid,
    /// Which outcome counts.
    pub branch: AwaitBranch,
    /// Path inside its result.
    pub selector: String,
}

/// Which outcome of an awaited task counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AwaitBranch {
    /// Exit code 0.
    Ok,
    /// Anything else.
    Error,
    /// Whatever it was.
    Any,
}

/// Which part of how many; `{0, 1}` for a job that is not partitioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// From 0.
    pub index: u32,
    /// At least 1.
    pub count: u32,
}

impl Default for Partition {
    fn default() -> Self {
        Self { index: 0, count: 1 }
    }
}

/// Limits that are part of a Wasm task, because meeting one changes its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Det {
    /// The execution profile: [`PROFILE_WASI_1`] or [`PROFILE_DET_1`].
    pub profile: String,
    /// Fuel that may be burnt; absent means that time alone limits the run.
    pub fuel_max: Option<u64>,
    /// Linear memory, in bytes.
    pub memory_max_bytes: u64,
    /// Table elements.
    pub table_max: u64,
    /// Wasm stack, in bytes.
    pub stack_max_bytes: u64,
    /// Bytes of stdout that are kept.
    pub stdout_max_bytes: u64,
    /// Bytes of stderr that are kept.
    pub stderr_max_bytes: u64,
    /// Bytes of all outputs together.
    pub output_max_bytes: u64,
}

/// Deterministic: the same task comes to the same result on every machine. Clocks are virtual,
/// randomness comes from the task's CID, and all limits are the task's own.
pub const PROFILE_DET_1: &str = "det/1";

/// Plain WASI preview 1, with the host's clocks and randomness: no promise of equality.
pub const PROFILE_WASI_1: &str = "wasi/1";

impl Default for Det {
    fn default() -> Self {
        Self {
            profile: PROFILE_WASI_1.to_owned(),
            fuel_max: None,
            memory_max_bytes: 512 << 20,
            table_max: 100_000,
            stack_max_bytes: 1 << 20,
            stdout_max_bytes: 16 << 20,
            stderr_max_bytes: 16 << 20,
            output_max_bytes: 10 << 30,
        }
    }
}

/// A task that still names its image by reference has no CID.
#[derive(Debug, thiserror::Error)]
pub enum TaskCidError {
    /// The image is not pinned.
    #[error("image '{0}' is not pinned to a digest, so the task has no identity yet")]
    NotPinned(String),
    /// It does not encode.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl Task {
    /// The CID that names this work.
    ///
    /// # Errors
    /// When the image is not pinned.
    pub fn cid(&self) -> Result<Cid, TaskCidError> {
        if let Code::Docker { image: Image::Reference(name), .. } = &self.code {
            return Err(TaskCidError::NotPinned(name.clone()));
        }
        Ok(codec::cid_of_value(self)?)
    }

    /// The engine this task needs.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.code {
            Code::Wasm { .. } => Engine::Wasm,
            Code::Docker { .. } => Engine::Docker,
        }
    }

    /// The same task for one partition. A task that is a part of something already stays that part:
    /// who submits it as it is wants that very work.
    #[must_use]
    pub fn for_partition(&self, partition: Partition) -> Self {
        match self.partition == Partition::default() {
            true => Self { partition, ..self.clone() },
            false => self.clone(),
        }
    }

    /// The same task with its image pinned; a Wasm task is unchanged.
    #[must_use]
    pub fn pinned(&self, digest: &str) -> Self {
        let mut task = self.clone();
        if let Code::Docker { image, .. } = &mut task.code {
            *image = Image::Digest(digest.to_owned());
        }
        task
    }

    /// The CIDs this task needs, code first.
    pub fn cids(&self) -> impl Iterator<Item = Cid> + '_ {
        let code = match &self.code {
            Code::Wasm { module, .. } => Some(*module),
            Code::Docker { .. } => None,
        };
        code.into_iter().chain(self.inputs.values().filter_map(|input| match input {
            Input::Cid(cid) => Some(*cid),
            Input::Await(_) => None,
        }))
    }
}
