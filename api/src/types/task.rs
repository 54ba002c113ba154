//! Tasks and what they are made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{SpecConfig, is_default};

/// What a job runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Task {
    /// Its label in the job.
    pub name: String,
    /// `docker` with `Image`, `Entrypoint`, `Parameters`, `EnvironmentVariables` and
    /// `WorkingDirectory`, or `wasm` with `EntryModule`, `Entrypoint` and `Parameters`. Ours: `task`
    /// with `Task`, a pinned task in DAG-JSON, or its `CID`; with `Image`, where a container's image
    /// can be pulled from. Nothing that is part of the task may then stand beside it.
    pub engine: SpecConfig,
    /// Where the result goes; `ipfs` when none is given.
    pub publisher: SpecConfig,
    /// Environment, by upper-case name.
    #[serde(skip_serializing_if = "is_default")]
    pub env: BTreeMap<String, String>,
    /// Free facts.
    #[serde(skip_serializing_if = "is_default")]
    pub meta: BTreeMap<String, String>,
    /// Ours: makes work that is the same another task, so that its answer is not known.
    #[serde(skip_serializing_if = "is_default")]
    pub nonce: String,
    /// What it reads.
    #[serde(skip_serializing_if = "is_default")]
    pub input_sources: Vec<InputSource>,
    /// What it writes.
    #[serde(skip_serializing_if = "is_default")]
    pub result_paths: Vec<ResultPath>,
    /// What it needs.
    pub resources: ResourcesConfig,
    /// The network it may use.
    pub network: NetworkConfig,
    /// How long it may take.
    pub timeouts: TimeoutConfig,
}

/// Something a task reads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct InputSource {
    /// `ipfs` with `CID`, or `inline` with a `data:` URL as `URL`.
    pub source: SpecConfig,
    /// A name for it.
    pub alias: String,
    /// The absolute path that the task sees it at.
    pub target: String,
}

/// Something a task writes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ResultPath {
    /// Its directory in the result.
    pub name: String,
    /// The absolute path that the task writes to.
    pub path: String,
}

/// What a task needs, as people write it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ResourcesConfig {
    /// Cores: `500m`, `2`.
    #[serde(rename = "CPU", skip_serializing_if = "is_default")]
    pub cpu: String,
    /// Bytes: `512Mb`, `1Gi`.
    #[serde(skip_serializing_if = "is_default")]
    pub memory: String,
    /// Bytes: `512Mb`, `1Gi`.
    #[serde(skip_serializing_if = "is_default")]
    pub disk: String,
    /// Whole GPUs.
    #[serde(rename = "GPU", skip_serializing_if = "is_default")]
    pub gpu: String,
}

/// The network a task may use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkConfig {
    /// `Default` (none, here), `None`, `Host`, `Full`, `HTTP` or `Bridge`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// For `HTTP`.
    #[serde(skip_serializing_if = "is_default")]
    pub domains: Vec<String>,
    /// For `Host` and `Bridge`.
    #[serde(skip_serializing_if = "is_default")]
    pub ports: Vec<PortMapping>,
}

/// A port that a task offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct PortMapping {
    /// Its name.
    pub name: String,
    /// On the host.
    #[serde(skip_serializing_if = "is_default")]
    pub r#static: i64,
    /// In the container.
    #[serde(skip_serializing_if = "is_default")]
    pub target: i64,
    /// The host's address it is bound to.
    #[serde(skip_serializing_if = "is_default")]
    pub host_network: String,
}

/// How long things may take, in seconds; 0 means no limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct TimeoutConfig {
    /// One execution.
    #[serde(skip_serializing_if = "is_default")]
    pub execution_timeout: i64,
    /// The wait for a node that fits; without it the job fails at once when none does.
    #[serde(skip_serializing_if = "is_default")]
    pub queue_timeout: i64,
    /// The whole job.
    #[serde(skip_serializing_if = "is_default")]
    pub total_timeout: i64,
}
