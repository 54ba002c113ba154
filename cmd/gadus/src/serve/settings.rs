//! Everything a node is told, resolved: what the parts want, in the parts' own types.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use gadus_api::ApiConfig;
use gadus_data::publish::PublishConfig;
use gadus_data::source::SourceConfig;
use gadus_data::{ContentConfig, S3Config};
use gadus_docker::{DockerLimits, RegistryLimits};
use gadus_model::{Limits, OwnerId, Resources};
use gadus_net::NetConfig;
use gadus_protocol::requester::Approved;
use gadus_store::StoreConfig;
use gadus_wasm::WasmConfig;

/// What `serve` runs.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Everything the node keeps.
    pub(crate) data_dir: PathBuf,
    /// Takes jobs from people.
    pub(crate) requester: bool,
    /// Runs jobs.
    pub(crate) compute: bool,
    /// For people; the node's id when there is none.
    pub(crate) name: Option<String>,
    /// For constraints.
    pub(crate) labels: BTreeMap<String, String>,
    /// Where the API listens.
    pub(crate) api_listen: String,
    /// The HTTP face.
    pub(crate) api: ApiConfig,
    /// The network.
    pub(crate) net: NetConfig,
    /// The protocol.
    pub(crate) limits: Limits,
    /// What jobs may use in all; `None` in a place means the default share of the machine.
    pub(crate) capacity: Offer,
    /// The most that one job may ask for; what is offered in all where nothing is said.
    pub(crate) job_max: Option<Resources>,
    /// The requesters it works for; absent means all.
    pub(crate) owners: Option<Vec<OwnerId>>,
    /// What the operator says of nodes, for work that several of them answer.
    pub(crate) approved: Approved,
    /// Whether jobs may use the network.
    pub(crate) networked_jobs: bool,
    /// What a job costs.
    pub(crate) price: u64,
    /// Content.
    pub(crate) content: ContentConfig,
    pub(crate) sources: SourceConfig,
    /// Buckets, to read from.
    pub(crate) s3: S3Config,
    /// Where results may go besides the stores of nodes.
    pub(crate) publishers: PublishConfig,
    /// The logs.
    pub(crate) store: StoreConfig,
    /// Wasm, unless it is switched off.
    pub(crate) wasm: Option<WasmConfig>,
    /// Docker, unless it is switched off.
    pub(crate) docker: Option<DockerSettings>,
    /// Asking registries for digests, unless it is switched off or nobody would ask.
    pub(crate) registry: Option<RegistryLimits>,
    /// The shell's own intervals and bounds.
    pub(crate) shell: Shell,
}

/// The docker engine.
#[derive(Clone, Debug, Default)]
pub(crate) struct DockerSettings {
    /// Its socket; the usual place when absent.
    pub(crate) socket: Option<String>,
    /// Whether gadus gives containers their GPUs itself, and not the engine.
    pub(crate) gives_gpus: bool,
    /// Where it finds the driver's libraries for that; in one of the usual places when absent.
    pub(crate) driver_dir: Option<PathBuf>,
    /// Limits.
    pub(crate) limits: DockerLimits,
}

/// An amount of something, or a share of what the machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Amount {
    /// In the unit of [`Resources`].
    Absolute(u64),
    /// Of the machine's own.
    Percent(u8),
}

/// What jobs may use in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Thousandths of a core.
    pub(crate) cpu: Amount,
    /// Bytes.
    pub(crate) memory: Amount,
    /// Bytes.
    pub(crate) disk: Amount,
    /// Devices.
    pub(crate) gpu: Amount,
}

impl Default for Offer {
    fn default() -> Self {
        Self {
            cpu: Amount::Percent(80),
            memory: Amount::Percent(80),
            disk: Amount::Percent(80),
            gpu: Amount::Percent(100),
        }
    }
}

/// The shell's own intervals and bounds. Units come last in the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shell {
    /// How long a block of an input may be nowhere before the execution fails.
    pub(crate) fetch_wait: Duration,
    /// How long a block may be nowhere before the gateway answers 404.
    pub(crate) gateway_wait: Duration,
    /// Between two looks at the engines.
    pub(crate) probe_every: Duration,
    /// Between two rounds of the reaper.
    pub(crate) reap_every: Duration,
    /// Inputs that wait for a machine's loop.
    pub(crate) inbox_max: usize,
    /// Results that a requester fetches at once.
    pub(crate) keeps_max: usize,
    /// Blocks that a requester asks for on behalf of its peers at once.
    pub(crate) relays_max: usize,
    /// Answers of other requesters that are counted.
    pub(crate) verdicts_max: usize,
}

impl Default for Shell {
    fn default() -> Self {
        Self {
            fetch_wait: Duration::from_secs(10),
            gateway_wait: Duration::from_secs(5),
            probe_every: Duration::from_secs(10),
            reap_every: Duration::from_secs(60),
            inbox_max: 4_096,
            keeps_max: 32,
            relays_max: 64,
            verdicts_max: 10_000,
        }
    }
}

impl Offer {
    /// Shares of the machine, divided among several nodes on it; amounts are each node's own.
    pub(crate) fn shared_by(self, nodes: u32) -> Self {
        let part = |amount: Amount| match amount {
            Amount::Percent(p) => {
                Amount::Percent(p / u8::try_from(nodes.max(1)).unwrap_or(u8::MAX))
            }
            Amount::Absolute(n) => Amount::Absolute(n),
        };
        Self { memory: part(self.memory), disk: part(self.disk), ..self }
    }
}
