//! The store's limits, each with a name and a default.

/// How a [`crate::LogStore`] behaves.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Bytes reserved for one segment of the log. A segment grows past it for a checkpoint or a
    /// single append that is larger.
    pub segment_bytes: u64,
    /// A checkpoint is wanted once the appends since the last one take as many bytes, or as many
    /// as its snapshots if those are more.
    pub checkpoint_bytes: u64,
    /// Appends that may wait for the disk; one more blocks its caller.
    pub queue_max: usize,
    /// Bytes gathered before they are written and synced, whatever else waits.
    pub batch_bytes_max: usize,
    /// Finished jobs that may wait in memory for the index; more, and the log slows down.
    pub overlay_max: usize,
    /// How long finished jobs are gathered for one commit of the index.
    pub index_linger_ms: u64,
    /// Memory that the index may use for caching.
    pub index_cache_bytes: usize,
    /// Where tests want the process to die (`POINT` or `POINT:N`), see
    /// [`gadus_ports::CrashAt`]. Points: `store.before_write`, `store.after_write`,
    /// `store.after_sync`.
    pub crash_at: Option<String>,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            checkpoint_bytes: 48 << 20,
            queue_max: 65_536,
            batch_bytes_max: 4 << 20,
            overlay_max: 4_096,
            index_linger_ms: 20,
            index_cache_bytes: 16 << 20,
            crash_at: None,
        }
    }
}
