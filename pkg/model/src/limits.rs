//! Every limit has a name and a default here, and a place in the config.

use serde::{Deserialize, Serialize};

/// Limits and intervals of the protocol and the node around it. Units come last in the names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of one submitted job.
    pub spec_bytes_max: u64,
    /// Live jobs of one client.
    pub jobs_per_client_max: u32,
    /// Live jobs of all clients.
    pub jobs_max: u32,
    /// Jobs that wait because nothing fits.
    pub queue_max: u32,
    /// Bids kept per round.
    pub bids_max: u32,
    /// Compute nodes that a requester remembers; beyond that the stalest is forgotten.
    pub nodes_max: u32,
    /// Slots of one job.
    pub slots_max: u32,
    /// How long bids are gathered.
    pub window_ms: u64,
    /// How long a bid may be awarded.
    pub bid_ttl_ms: u64,
    /// How long after the longest delay a round with no bid is over.
    pub no_bid_grace_ms: u64,
    /// An unanswered award is lost after this time.
    pub award_ms: u64,
    /// First wait before an unanswered message is repeated; doubled up to `repeat_max_ms`.
    pub repeat_ms: u64,
    /// The longest such wait.
    pub repeat_max_ms: u64,
    /// A compute node's lease on an execution.
    pub lease_ms: u64,
    /// Added to lease × 1.1 before the requester gives an execution up.
    pub lease_grace_ms: u64,
    /// Between two Syncs.
    pub sync_ms: u64,
    /// A node unheard of for this long shows as disconnected.
    pub disconnect_ms: u64,
    /// How long a result may take to come to its holders before the slot gets a new epoch.
    pub publish_ms: u64,
    /// Within this time a node that was asked to hold a result has it, or one more is asked.
    pub keep_ms: u64,
    /// Holders that a job may ask for.
    pub replicas_max: u32,
    /// How long a node that refused or failed a job is skipped for it.
    pub skip_ms: u64,
    /// Executions that a compute node holds at once.
    pub executions_max: u32,
    /// Executions that run at once, whatever their reservations.
    pub running_max: u32,
    /// How long the rest is waited for once enough nodes have committed themselves to an answer.
    pub commit_ms: u64,
    /// How long a node may take to reveal what it committed to.
    pub reveal_ms: u64,
    /// How long a seat of sealed work may stay empty once it is looked for somebody in particular:
    /// a node in place of one that failed, a trusted one, the referee.
    pub seat_ms: u64,
    /// Closed sets of one result; then the referee is asked.
    pub verify_rounds_max: u32,
    /// Nodes whose record is kept; beyond that the shortest record is forgotten.
    pub standings_max: u32,
    /// How long the result of a known answer may take to be found whole; then the job runs.
    pub recall_ms: u64,
    /// How long an unanswered result stays in the outbox.
    pub outbox_ms: u64,
    /// Between two rounds for a job that no node bid for.
    pub requeue_ms: u64,
    /// History entries kept per job.
    pub history_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            spec_bytes_max: 1 << 20,
            jobs_per_client_max: 100_000,
            jobs_max: 100_000,
            queue_max: 10_000,
            bids_max: 64,
            nodes_max: 10_000,
            slots_max: 1_000,
            window_ms: 2,
            bid_ttl_ms: 60_000,
            no_bid_grace_ms: 2_000,
            award_ms: 5_000,
            repeat_ms: 200,
            repeat_max_ms: 5_000,
            lease_ms: 300_000,
            lease_grace_ms: 5_000,
            sync_ms: 15_000,
            disconnect_ms: 60_000,
            publish_ms: 120_000,
            keep_ms: 10_000,
            replicas_max: 16,
            skip_ms: 2_000,
            executions_max: 1_024,
            running_max: 256,
            commit_ms: 60_000,
            reveal_ms: 30_000,
            seat_ms: 60_000,
            verify_rounds_max: 3,
            standings_max: 20_000,
            recall_ms: 5_000,
            outbox_ms: 7 * 24 * 3600 * 1000,
            requeue_ms: 2_000,
            history_max: 1_000,
        }
    }
}
