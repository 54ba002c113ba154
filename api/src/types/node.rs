//! Nodes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use super::{BuildVersionInfo, is_default};

/// A node as its requester sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeState {
    /// What it says of itself.
    pub info: NodeInfo,
    /// `PENDING`, `APPROVED` or `REJECTED`.
    pub membership: String,
    /// `CONNECTED` or `DISCONNECTED`.
    pub connection: String,
    /// Since when.
    pub connection_state: ConnectionState,
}

/// How a node is connected. Times are RFC 3339; the year 1 stands for never.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ConnectionState {
    /// `CONNECTED` or `DISCONNECTED`.
    pub status: String,
    /// When it was last heard of.
    pub last_heartbeat: String,
    /// Since when it is connected.
    pub connected_since: String,
    /// Since when it is not.
    pub disconnected_since: String,
    /// The last thing that went wrong.
    #[serde(skip_serializing_if = "is_default")]
    pub last_error: String,
}

/// What a node says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeInfo {
    /// `n-` and a UUID.
    #[serde(rename = "NodeID")]
    pub node_id: String,
    /// `Requester` or `Compute`.
    pub node_type: String,
    /// Labels that constraints select on.
    pub labels: BTreeMap<String, String>,
    /// Versions of the protocol it speaks.
    pub supported_protocols: Vec<String>,
    /// What it offers.
    pub compute_node_info: ComputeNodeInfo,
    /// What it is built from.
    pub bacalhau_version: BuildVersionInfo,
    /// Ours: its name, engines and addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gadus: Option<NodeExtras>,
}

/// What we tell of a node beyond Bacalhau.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeExtras {
    /// The operator's name for it.
    pub name: String,
    /// By engine, its id and what it can run.
    pub engines: BTreeMap<String, String>,
    /// libp2p multiaddresses it listens on.
    pub addresses: Vec<String>,
    /// Whether jobs may use the network.
    pub networked_jobs: bool,
}

/// What a compute node offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ComputeNodeInfo {
    /// Engines that work now.
    pub execution_engines: Vec<String>,
    /// Publishers that work now.
    pub publishers: Vec<String>,
    /// Sources that work now.
    pub storage_sources: Vec<String>,
    /// What it offers in all.
    pub max_capacity: ResourceAmounts,
    /// What waits for a place.
    pub queue_capacity: ResourceAmounts,
    /// What is free now.
    pub available_capacity: ResourceAmounts,
    /// The most that one job may ask for.
    pub max_job_requirements: ResourceAmounts,
    /// Executions that run.
    pub running_executions: u32,
    /// Executions that wait.
    pub enqueued_executions: u32,
    /// Where it listens; the key is lower-case, as Bacalhau has it.
    #[serde(rename = "address")]
    pub address: String,
}

/// An amount of each resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ResourceAmounts {
    /// Cores.
    #[serde(rename = "CPU", skip_serializing_if = "is_default", serialize_with = "go_float")]
    pub cpu: f64,
    /// Bytes.
    #[serde(skip_serializing_if = "is_default")]
    pub memory: u64,
    /// Bytes.
    #[serde(skip_serializing_if = "is_default")]
    pub disk: u64,
    /// Whole GPUs.
    #[serde(rename = "GPU", skip_serializing_if = "is_default")]
    pub gpu: u64,
    /// Each of them.
    #[serde(rename = "GPUs", skip_serializing_if = "is_default")]
    pub gpus: Vec<GpuInfo>,
}

/// Go prints a whole number without a point.
fn go_float<S: Serializer>(value: &f64, s: S) -> Result<S::Ok, S::Error> {
    if value.fract() == 0.0 && (0.0..1e15).contains(value) {
        s.serialize_u64(*value as u64)
    } else {
        s.serialize_f64(*value)
    }
}

/// One GPU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct GpuInfo {
    /// The vendor's index.
    pub index: u64,
    /// The model.
    pub name: String,
    /// `NVIDIA`, `AMD/ATI` or `Intel`.
    pub vendor: String,
    /// In MiB.
    pub memory: u64,
    /// Always empty.
    #[serde(rename = "PCIAddress")]
    pub pci_address: String,
}

/// The nodes that a requester knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListNodesResponse {
    /// Always empty.
    pub next_token: String,
    /// The nodes.
    pub nodes: Vec<NodeState>,
}

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetNodeResponse {
    /// The node.
    pub node: NodeState,
}
