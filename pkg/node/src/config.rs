//! What a node is told.

use std::path::PathBuf;
use std::time::Duration;

use gadus_model::{Limits, NodeInfo, OwnerId};
use gadus_ports::CrashAt;
use gadus_protocol::requester::Approved;

/// How a node behaves. Units come last in the names.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Takes jobs from people.
    pub requester: bool,
    /// Runs jobs.
    pub compute: bool,
    /// Limits and intervals of the protocol.
    pub limits: Limits,
    /// What it says of itself; engines, addresses, availability are filled in.
    pub info: NodeInfo,
    /// The requesters it works for; absent means all.
    pub owners: Option<Vec<OwnerId>>,
    /// What the operator says of nodes, for work that several of them answer.
    pub approved: Approved,
    /// What a job costs here.
    pub price: u64,
    /// Run directories lie here.
    pub scratch_dir: PathBuf,
    /// How long a block of an input may be nowhere before the execution fails.
    pub fetch_wait: Duration,
    /// How long a block may be nowhere before the gateway answers 404.
    pub gateway_wait: Duration,
    /// Between two looks at the engines.
    pub probe_every: Duration,
    /// Between two rounds of the reaper.
    pub reap_every: Duration,
    /// Inputs that wait for a machine's loop; what brings more waits.
    pub inbox_max: usize,
    /// Results that a requester fetches at once.
    pub keeps_max: usize,
    /// Blocks that a requester asks others for at once, on behalf of its peers.
    pub relays_max: usize,
    /// Answers of other requesters that are counted, of all bundles.
    pub verdicts_max: usize,
    /// Where a test wants the requester to die: `node.before_send` or `node.after_send`.
    pub requester_crash_at: CrashAt,
    /// The same for the compute node.
    pub compute_crash_at: CrashAt,
    /// The commit it was built from.
    pub commit: String,
    /// When it was built.
    pub built_at: String,
}
