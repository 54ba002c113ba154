//! Limits of the HTTP face. Each has a name and a default here, and a place in the config.

use serde::{Deserialize, Serialize};

/// What a client may ask of the HTTP face. Units come last in the names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiLimits {
    /// Bytes of a request's body, content uploads excepted; more is 413.
    pub body_bytes_max: usize,
    /// Bytes of a submitted job as it is kept; more is 413.
    pub spec_bytes_max: usize,
    /// Nesting of a JSON body; more is 400.
    pub json_depth_max: usize,
    /// Partitions of one job; more is 400.
    pub count_max: u32,
    /// How long the results of a job that does not say so are kept; 0 means for ever.
    pub retention_ms: u64,
    /// The longest that a job may ask for; 0 means any time, and for ever. More is 400.
    pub retention_max_ms: u64,
    /// Bytes of one content upload; more is 413.
    pub content_bytes_max: u64,
    /// Bytes of one `data:` URL's content; more is 413.
    pub inline_bytes_max: usize,
    /// Bytes that a compressed inline input may unpack to.
    pub inline_unpacked_bytes_max: u64,
    /// Bytes of a request's head; more is 431.
    pub head_bytes_max: usize,
    /// Open connections; further ones wait to be accepted.
    pub connections_max: usize,
    /// Requests in work at once; more is 429.
    pub requests_max: usize,
    /// Log streams at once; more is 429.
    pub log_streams_max: usize,
    /// How long a client may take to send a request's head, the pause between two requests of a
    /// connection included.
    pub head_read_ms: u64,
    /// How long a request may take; then it is 503. Uploads, downloads, log streams and
    /// `wait_ms` have their own.
    pub request_ms: u64,
    /// How much longer a submission may take, whose inputs come from elsewhere.
    pub inputs_ms: u64,
    /// How long an upload or a download may stand still.
    pub stall_ms: u64,
    /// How long the rest of a request is still read whose answer is known before it has come: a
    /// client that sends does not listen.
    pub linger_ms: u64,
    /// The longest `wait_ms`; longer ones are cut to it.
    pub wait_max_ms: u64,
    /// Items of one page of a list; larger pages are cut to it.
    pub page_max: usize,
    /// Directories below one another in a tar download. More than a node lets in by itself, since a
    /// result adds some of its own above an output.
    pub tree_depth_max: usize,
    /// How long open connections are given to finish at shutdown.
    pub drain_ms: u64,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 10 << 20,
            spec_bytes_max: 1 << 20,
            json_depth_max: 64,
            count_max: 1_000,
            retention_ms: 7 * 24 * 3600 * 1000,
            retention_max_ms: 0,
            content_bytes_max: 1 << 40,
            inline_bytes_max: 8 << 20,
            inline_unpacked_bytes_max: 256 << 20,
            head_bytes_max: 64 << 10,
            connections_max: 1_024,
            requests_max: 1_024,
            log_streams_max: 256,
            head_read_ms: 30_000,
            request_ms: 30_000,
            inputs_ms: 570_000,
            stall_ms: 60_000,
            linger_ms: 5_000,
            wait_max_ms: 600_000,
            page_max: 1_000,
            tree_depth_max: 512,
            drain_ms: 5_000,
        }
    }
}
