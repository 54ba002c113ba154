//! The configuration of a node.
//!
//! Four layers, each stronger than the one before: the default file, which is embedded and
//! explains every key; the config file; variables of the environment; flags. The default file has
//! every key, so that it is also the list of what is known. Of buckets, Amazon's own variables tell
//! too (`aws`), more weakly than the file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use gadus_api::ApiLimits;
use gadus_data::publish::PublishConfig;
use gadus_data::source::SourceConfig;
use gadus_data::{ContentConfig, S3Config};
use gadus_docker::{DockerLimits, RegistryLimits};
use gadus_model::Limits;
use gadus_net::NetLimits;
use gadus_store::StoreConfig;
use serde::{Deserialize, Serialize};

use crate::serve::settings::Shell;

mod aws;
mod capacity;
mod env;
mod file;
mod flags;
mod foreign;
mod keys;
mod layers;
mod place;
mod resolve;
mod wasm;

use capacity::{Capacity, JobMax};
pub(crate) use flags::FlagLayer;
pub(crate) use keys::is_secret;
pub(crate) use layers::{Effective, Origin, load};
use wasm::WasmSection;

/// The default file.
pub(crate) const DEFAULT: &str = include_str!("config/default.toml");

/// Everything a node is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) node: NodeSection,
    pub(crate) api: ApiSection,
    pub(crate) network: NetworkSection,
    pub(crate) requester: RequesterSection,
    pub(crate) compute: ComputeSection,
    /// Of the protocol, for both roles.
    pub(crate) limits: Limits,
    pub(crate) content: ContentConfig,
    pub(crate) sources: SourceConfig,
    /// Buckets, to read from.
    pub(crate) s3: S3Config,
    pub(crate) publishers: PublishConfig,
    #[serde(with = "foreign::Store")]
    pub(crate) store: StoreConfig,
    pub(crate) docker: DockerSection,
    pub(crate) wasm: WasmSection,
    pub(crate) log: LogSection,
}

/// What every node has.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeSection {
    /// Empty: the node's id.
    pub(crate) name: String,
    /// Absolute once a configuration is loaded.
    pub(crate) data_dir: PathBuf,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) limits: NodeLimits,
}

/// Limits and intervals of a node's own loops. Units come last in the names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeLimits {
    pub(crate) fetch_wait_ms: u64,
    pub(crate) gateway_wait_ms: u64,
    pub(crate) probe_ms: u64,
    pub(crate) reap_ms: u64,
    pub(crate) inbox_max: usize,
    pub(crate) keeps_max: usize,
    pub(crate) relays_max: usize,
    pub(crate) verdicts_max: usize,
}

impl Default for NodeLimits {
    fn default() -> Self {
        let shell = Shell::default();
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            fetch_wait_ms: ms(shell.fetch_wait),
            gateway_wait_ms: ms(shell.gateway_wait),
            probe_ms: ms(shell.probe_every),
            reap_ms: ms(shell.reap_every),
            inbox_max: shell.inbox_max,
            keeps_max: shell.keeps_max,
            relays_max: shell.relays_max,
            verdicts_max: shell.verdicts_max,
        }
    }
}

/// The HTTP API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiSection {
    /// `host:port`; port 0 takes a free one.
    pub(crate) listen: String,
    /// Names, besides loopback ones, that a node bound to loopback may be asked for.
    pub(crate) hosts: Vec<String>,
    pub(crate) limits: ApiLimits,
}

impl Default for ApiSection {
    fn default() -> Self {
        let listen = "127.0.0.1:1234".to_owned();
        Self { listen, hosts: Vec::new(), limits: ApiLimits::default() }
    }
}

/// The network between nodes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkSection {
    pub(crate) name: String,
    /// Multiaddresses.
    pub(crate) listen: Vec<String>,
    /// Multiaddresses.
    pub(crate) peers: Vec<String>,
    pub(crate) mdns: bool,
    /// Peer ids; empty means all.
    pub(crate) allow: Vec<String>,
    pub(crate) limits: NetLimits,
}

impl Default for NetworkSection {
    fn default() -> Self {
        Self {
            name: "gadus".to_owned(),
            listen: vec!["/ip4/0.0.0.0/tcp/1235".to_owned()],
            peers: Vec::new(),
            mdns: false,
            allow: Vec::new(),
            limits: NetLimits::default(),
        }
    }
}

/// Taking jobs from people.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequesterSection {
    pub(crate) enabled: bool,
    pub(crate) registry: RegistrySection,
    pub(crate) verify: VerifySection,
}

impl Default for RequesterSection {
    fn default() -> Self {
        Self {
            enabled: true,
            registry: RegistrySection::default(),
            verify: VerifySection::default(),
        }
    }
}

/// Asking registries for the digests of images.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegistrySection {
    pub(crate) enabled: bool,
    #[serde(with = "foreign::Registry")]
    pub(crate) limits: RegistryLimits,
}

impl Default for RegistrySection {
    fn default() -> Self {
        Self { enabled: true, limits: RegistryLimits::default() }
    }
}

/// Work that several nodes answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifySection {
    /// Peer ids.
    pub(crate) trusted: Vec<String>,
    /// Peer ids.
    pub(crate) referees: Vec<String>,
    /// `NODE=OPERATOR`, both of them peer ids.
    pub(crate) operators: Vec<String>,
}

/// Running jobs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ComputeSection {
    pub(crate) enabled: bool,
    /// Peer ids of requesters; empty means all.
    pub(crate) owners: Vec<String>,
    pub(crate) networked_jobs: bool,
    pub(crate) price: u64,
    capacity: Capacity,
    job_max: JobMax,
}

impl Default for ComputeSection {
    fn default() -> Self {
        Self {
            enabled: true,
            owners: Vec::new(),
            networked_jobs: false,
            price: 0,
            capacity: Capacity::default(),
            job_max: JobMax::default(),
        }
    }
}

/// Containers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DockerSection {
    pub(crate) enabled: bool,
    /// Empty: where the environment says, else the usual place.
    pub(crate) socket: String,
    pub(crate) gpu: GpuSection,
    #[serde(with = "foreign::Docker")]
    pub(crate) limits: DockerLimits,
}

impl Default for DockerSection {
    fn default() -> Self {
        Self {
            enabled: true,
            socket: String::new(),
            gpu: GpuSection::default(),
            limits: DockerLimits::default(),
        }
    }
}

/// How containers get at GPUs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GpuSection {
    pub(crate) access: GpuAccess,
    /// Where the driver's libraries are; empty: in one of the usual places.
    pub(crate) driver_dir: PathBuf,
}

/// Who gives containers their GPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GpuAccess {
    /// The engine, with NVIDIA's container toolkit.
    #[default]
    Toolkit,
    /// gadus itself.
    Direct,
}

/// Logging.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSection {
    /// A level, or filters of `tracing`.
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

#[cfg(test)]
mod tests;
