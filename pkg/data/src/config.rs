//! Every limit of the content store, with its default.

use serde::{Deserialize, Serialize};

/// Limits of content and the sizes of its buffers. Units come last in the names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContentConfig {
    /// Bytes of all blocks together, quarantined ones included. What exceeds it is refused.
    pub quota_bytes: u64,
    /// Once so much of the quota is used, in percent, what nothing keeps is collected, the oldest
    /// first.
    pub gc_high_percent: u64,
    /// Until no more than this is used.
    pub gc_low_percent: u64,
    /// A pack of which less is live, in percent, is emptied into the log and removed.
    pub gc_live_percent_max: u64,
    /// Between two collections for those who find the store full.
    pub gc_pause_ms: u64,
    /// Damaged blocks that one check names.
    pub bad_named_max: usize,
    /// A pack that has reached this size is not written to any more.
    pub pack_bytes_max: u64,
    /// Packs grow by this much at a time.
    pub preallocate_bytes: u64,
    /// Threads that hash and write; 0 means one for each core.
    pub import_threads: usize,
    /// An import up to this size waits in memory and shares one sync with others; a larger one
    /// writes to a pack of its own.
    pub session_memory_bytes: u64,
    /// Memory for pages of the index.
    pub index_cache_bytes: u64,
    /// So many new blocks may be known to the memory and the packs alone.
    pub index_behind_max: usize,
    /// For so long at most, while it can be written.
    pub index_pause_ms: u64,
    /// Appends that wait for the thread that writes them.
    pub append_queue_max: usize,
    /// Downloads at a time; more wait their turn.
    pub downloads_max: usize,
    /// Blocks asked of one peer before it has answered the first.
    pub fetch_window: usize,
    /// A peer that answers nothing for so long is left.
    pub fetch_answer_ms: u64,
    /// A fetch makes what came durable each time that it comes to so many bytes: one that is cut
    /// goes on from there.
    pub fetch_segment_bytes: u64,
    /// The RPC of a Kubo daemon beside the node, such as `http://127.0.0.1:5001`: it is the nearest
    /// of the upstreams, and results are given to it. Empty for none.
    pub ipfs: String,
    /// Stores that are asked for what no peer has, the nearest first: `kubo:http://HOST:PORT`,
    /// `gateway:https://HOST`.
    pub upstreams: Vec<String>,
    /// A block that one of them has not come up with after so long is one that it lacks.
    pub upstream_wait_ms: u64,
    /// Threads that read blocks for readers, peers and downloads at a time.
    pub read_threads_max: usize,
    /// Blocks read ahead of a reader.
    pub read_ahead: usize,
    /// Bytes that one tree may come to when it is written out: a small block can name a huge one
    /// many times.
    pub tree_bytes_max: u64,
    /// A tree is not written out any further when its disk has less than this left.
    pub disk_reserve_bytes: u64,
    /// Files and directories of one tree.
    pub tree_entries_max: u64,
    /// Entries of one directory.
    pub directory_entries_max: usize,
    /// Names in one path.
    pub path_depth_max: usize,
    /// Blocks looked at to tell how much of a tree is missing; a lower bound is told after that.
    pub missing_walk_max: usize,
    /// Different blocks of one CAR without duplicates: each is remembered (in 34 bytes or so).
    pub car_blocks_max: usize,
    /// Links of the blocks that one CAR is in the middle of: each takes some 150 bytes.
    pub car_links_max: usize,
    /// Where a test wants the process to die: see [`gadus_ports::CrashAt`].
    #[serde(skip)]
    pub crash_at: Option<String>,
}

impl Default for ContentConfig {
    fn default() -> Self {
        Self {
            quota_bytes: 64 << 30,
            gc_high_percent: 90,
            gc_low_percent: 75,
            gc_live_percent_max: 50,
            gc_pause_ms: 10_000,
            bad_named_max: 1_000,
            pack_bytes_max: 1 << 30,
            preallocate_bytes: 16 << 20,
            import_threads: 0,
            session_memory_bytes: 4 << 20,
            index_cache_bytes: 16 << 20,
            index_behind_max: 8_192,
            index_pause_ms: 10_000,
            append_queue_max: 1_024,
            downloads_max: 32,
            fetch_window: 32,
            fetch_answer_ms: 30_000,
            fetch_segment_bytes: 128 << 20,
            ipfs: String::new(),
            upstreams: Vec::new(),
            upstream_wait_ms: 10_000,
            read_threads_max: 8,
            read_ahead: 8,
            tree_bytes_max: 1 << 40,
            disk_reserve_bytes: 256 << 20,
            tree_entries_max: 4_000_000,
            directory_entries_max: 1_000_000,
            path_depth_max: 256,
            missing_walk_max: 4_096,
            car_blocks_max: 1_000_000,
            car_links_max: 262_144,
            crash_at: None,
        }
    }
}

impl ContentConfig {
    /// How many threads hash and write.
    pub(crate) fn threads(&self) -> usize {
        match self.import_threads {
            0 => std::thread::available_parallelism().map_or(2, usize::from).min(16),
            some => some,
        }
    }
}
