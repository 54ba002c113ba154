//! Nodes as the API shows them.

use gadus_model::{NodeInfo as Model, Resources, Time};

use super::times::{ZERO_TIME, rfc3339};
use crate::service::{AgentInfo, Membership, NodeEntry};
use crate::types::{
    BuildVersionInfo, ComputeNodeInfo, ConnectionState, GpuInfo, NodeExtras, NodeInfo, NodeState,
    ResourceAmounts,
};

/// The version of Bacalhau whose API this is.
pub(crate) const BACALHAU_VERSION: &str = "1.9.3";

/// A node as its requester sees it.
#[must_use]
pub fn node_state(entry: &NodeEntry) -> NodeState {
    let connection = if entry.connected { "CONNECTED" } else { "DISCONNECTED" };
    let membership = match entry.membership {
        Membership::Pending => "PENDING",
        Membership::Approved => "APPROVED",
        Membership::Rejected => "REJECTED",
    };
    let time = |time: Option<Time>| time.map_or_else(|| ZERO_TIME.to_owned(), rfc3339);
    NodeState {
        info: info(&entry.info, "Compute"),
        membership: membership.to_owned(),
        connection: connection.to_owned(),
        connection_state: ConnectionState {
            status: connection.to_owned(),
            last_heartbeat: time(entry.last_heard),
            connected_since: time(entry.connected_since),
            disconnected_since: time(entry.disconnected_since),
            last_error: entry.last_error.clone(),
        },
    }
}

/// The node itself.
#[must_use]
pub fn node_info(agent: &AgentInfo) -> NodeInfo {
    let kind = if agent.requester { "Requester" } else { "Compute" };
    NodeInfo { bacalhau_version: version(agent), ..info(&agent.info, kind) }
}

/// What the node itself is built from.
#[must_use]
pub fn version(agent: &AgentInfo) -> BuildVersionInfo {
    let built_at = if agent.built_at.is_empty() { ZERO_TIME } else { &agent.built_at };
    BuildVersionInfo {
        git_commit: agent.commit.clone(),
        build_date: built_at.to_owned(),
        ..build(&agent.info)
    }
}

fn build(info: &Model) -> BuildVersionInfo {
    let label = |key: &str| info.labels.get(key).cloned().unwrap_or_default();
    let mut numbers = BACALHAU_VERSION.split('.').map(str::to_owned);
    BuildVersionInfo {
        major: numbers.next().unwrap_or_default(),
        minor: numbers.next().unwrap_or_default(),
        git_version: format!("v{BACALHAU_VERSION}+gadus.{}", info.version),
        git_commit: String::new(),
        build_date: ZERO_TIME.to_owned(),
        goos: label("os_type"),
        goarch: label("os_arch"),
        gadus: info.version.clone(),
    }
}

fn info(info: &Model, kind: &str) -> NodeInfo {
    let gpus = info.gpus.iter().map(|gpu| GpuInfo {
        index: u64::from(gpu.index),
        name: gpu.name.clone(),
        vendor: gpu.vendor.clone(),
        memory: gpu.memory_mib,
        pci_address: String::new(),
    });
    let engines = info.engines.keys().map(ToString::to_string).collect::<Vec<_>>();
    let names = |names: &[&str]| match engines.is_empty() {
        true => Vec::new(),
        false => names.iter().map(|name| (*name).to_owned()).collect(),
    };
    NodeInfo {
        node_id: info.id.to_string(),
        node_type: kind.to_owned(),
        labels: info.labels.clone(),
        supported_protocols: vec!["gadus/1".to_owned()],
        compute_node_info: ComputeNodeInfo {
            publishers: if engines.is_empty() { Vec::new() } else { info.publishers.clone() },
            storage_sources: names(&[
                "inline",
                "ipfs",
                "local",
                "localDirectory",
                "s3",
                "urlDownload",
            ]),
            execution_engines: engines,
            max_capacity: ResourceAmounts { gpus: gpus.collect(), ..amounts(&info.capacity) },
            queue_capacity: ResourceAmounts::default(),
            available_capacity: amounts(&info.available),
            max_job_requirements: amounts(&info.job_max),
            running_executions: info.running,
            enqueued_executions: 0,
            address: info.addresses.first().cloned().unwrap_or_default(),
        },
        bacalhau_version: build(info),
        gadus: Some(NodeExtras {
            name: info.name.clone(),
            engines: info
                .engines
                .iter()
                .map(|(engine, e)| (engine.to_string(), format!("{} {}", e.id, e.arch)))
                .collect(),
            addresses: info.addresses.clone(),
            networked_jobs: info.networked_jobs,
        }),
    }
}

fn amounts(resources: &Resources) -> ResourceAmounts {
    ResourceAmounts {
        cpu: resources.cpu_millis as f64 / 1000.0,
        memory: resources.memory_bytes,
        disk: resources.disk_bytes,
        gpu: u64::from(resources.gpus),
        gpus: Vec::new(),
    }
}
