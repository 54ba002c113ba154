//! How limits of crates that know no serde stand in the file. The compiler compares the fields.

use gadus_docker::{DockerLimits, RegistryLimits};
use gadus_store::StoreConfig;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(remote = "StoreConfig", deny_unknown_fields)]
pub(super) struct Store {
    segment_bytes: u64,
    checkpoint_bytes: u64,
    queue_max: usize,
    batch_bytes_max: usize,
    overlay_max: usize,
    index_linger_ms: u64,
    index_cache_bytes: usize,
    /// For tests alone, which set a variable of the environment.
    #[serde(skip)]
    crash_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DockerLimits", deny_unknown_fields)]
pub(super) struct Docker {
    pids_max: i64,
    open_files_max: i64,
    tmp_max_bytes: u64,
    shm_max_bytes: u64,
    cpu_default_millis: u64,
    memory_default_bytes: u64,
    request_ms: u64,
    engine_patience_ms: u64,
    engine_retry_ms: u64,
    inspect_ms: u64,
    drain_ms: u64,
    usage_ms: u64,
    images_refresh_ms: u64,
    pulls_max: usize,
    pull_stall_ms: u64,
    removals_max: usize,
    removal_pause_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RegistryLimits", deny_unknown_fields)]
pub(super) struct Registry {
    lookup_ms: u64,
    lookups_max: usize,
    answer_max_bytes: usize,
    redirects_max: usize,
}
