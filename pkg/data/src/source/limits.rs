//! What fetching from elsewhere may cost, and where it may go.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Limits of sources, with their defaults. Units come last in the names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceConfig {
    /// Bytes of one download.
    pub bytes_max: u64,
    /// Objects of a bucket that one input may be.
    pub objects_max: usize,
    /// Downloads at a time; more wait their turn.
    pub downloads_max: usize,
    /// How often a server may send us elsewhere.
    pub redirects_max: usize,
    /// How long connecting may take.
    pub connect_ms: u64,
    /// A download of which nothing comes for so long is given up.
    pub stall_ms: u64,
    /// How long one download may take in all.
    pub total_ms: u64,
    /// Networks that may be fetched from although they are not public, such as `10.1.0.0/16`.
    pub allow_networks: Vec<IpNet>,
    /// Directories of this machine that jobs may have as inputs.
    pub allow_paths: Vec<PathBuf>,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            bytes_max: 64 << 30,
            objects_max: 100_000,
            downloads_max: 16,
            redirects_max: 5,
            connect_ms: 10_000,
            stall_ms: 30_000,
            total_ms: 3_600_000,
            allow_networks: Vec::new(),
            allow_paths: Vec::new(),
        }
    }
}
