//! What a compute node says of itself.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{NodeId, Resources};

/// What runs a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// Containers.
    Docker,
    /// WebAssembly.
    Wasm,
}

impl Engine {
    /// The name that jobs and people use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Wasm => "wasm",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An engine that works on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// Name, version and settings: the engine id of receipts.
    pub id: String,
    /// GOARCH of what it can run; `any` for Wasm.
    pub arch: String,
}

/// One GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// The vendor's index.
    pub index: u32,
    /// The stable id that leases name.
    pub uuid: String,
    /// The model.
    pub name: String,
    /// `NVIDIA`, `AMD/ATI` or `Intel`.
    pub vendor: String,
    /// In MiB.
    pub memory_mib: u64,
}

/// What a compute node says of itself, in every Sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// Who.
    pub id: NodeId,
    /// The operator's name for it; the id's text when none was given.
    pub name: String,
    /// The version of gadus.
    pub version: String,
    /// Labels that constraints select on.
    pub labels: BTreeMap<String, String>,
    /// Engines that work now.
    pub engines: BTreeMap<Engine, EngineInfo>,
    /// What it offers in all.
    pub capacity: Resources,
    /// What is free now.
    pub available: Resources,
    /// The most that one job may ask for.
    pub job_max: Resources,
    /// Its GPUs.
    pub gpus: Vec<Gpu>,
    /// Executions that run.
    pub running: u32,
    /// Whether jobs may use the network.
    pub networked_jobs: bool,
    /// What it can bring results to, by Bacalhau's names.
    pub publishers: Vec<String>,
    /// libp2p multiaddresses it listens on.
    pub addresses: Vec<String>,
}
