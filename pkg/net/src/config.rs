//! What the network is told, and what bounds it.

use std::collections::BTreeSet;
use std::time::Duration;

use gadus_model::NodeId;
use gadus_ports::TransportError;
use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};

/// How a node takes part in a network.
#[derive(Clone, Debug)]
pub struct NetConfig {
    /// The network's name, in every protocol id and topic: 1 to 64 of `a-z 0-9 . _ -`.
    pub network: String,
    /// Multiaddresses to listen on, such as `/ip4/0.0.0.0/tcp/4101`; port 0 takes a free one.
    pub listen: Vec<String>,
    /// Peers that are dialled for ever, with or without `/p2p/…` at the end.
    pub peers: Vec<String>,
    /// Finds peers on the local network by multicast DNS.
    pub mdns: bool,
    /// Where given, all other nodes are turned away.
    pub allow: Option<BTreeSet<NodeId>>,
    /// What this program calls itself to its peers.
    pub agent: String,
    /// Every bound.
    pub limits: NetLimits,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            network: "gadus".to_owned(),
            listen: vec!["/ip4/0.0.0.0/tcp/0".to_owned()],
            peers: Vec::new(),
            mdns: false,
            allow: None,
            agent: concat!("gadus/", env!("CARGO_PKG_VERSION")).to_owned(),
            limits: NetLimits::default(),
        }
    }
}

/// Bounds and intervals of the network. Units come last in the names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetLimits {
    /// Connections in all.
    pub connections_max: u32,
    /// Connections to one peer: two that dial each other at once have two for a while.
    pub connections_per_peer_max: u32,
    /// Connections that are being made, in each direction.
    pub connections_pending_max: u32,
    /// How long making one may take.
    pub handshake_ms: u64,
    /// How long one may be without a stream.
    pub idle_ms: u64,
    /// Between two pings on a connection.
    pub ping_ms: u64,
    /// A connection whose ping is unanswered for this long is closed.
    pub ping_timeout_ms: u64,
    /// The wait before a lost peer is dialled again; doubled up to `redial_max_ms`.
    pub redial_ms: u64,
    /// The longest such wait.
    pub redial_max_ms: u64,
    /// How long a peer that sent nonsense is kept away.
    pub penalty_ms: u64,
    /// How long a peer may take to join the gossip before it counts as up without it.
    pub settle_ms: u64,
    /// Bytes of one message.
    pub message_bytes_max: u32,
    /// Messages that wait for one peer; more are dropped.
    pub send_queue_max: u32,
    /// Bytes of messages that wait for one peer; more are dropped.
    pub send_queue_bytes_max: u64,
    /// What has arrived and the node has not taken yet. When it is full, peers wait.
    pub inbound_queue_max: u32,
    /// Bytes of announcements in one gossip.
    pub gossip_bytes_max: u32,
    /// Announcements that wait to be gossiped; more are dropped.
    pub gossip_queue_max: u32,
    /// The least time between two gossips: what comes up meanwhile goes out as one.
    pub gossip_gap_ms: u64,
    /// Gossips of one signer, per second; more are neither delivered nor relayed.
    pub gossip_rate_max: u32,
    /// Between two rounds of mesh upkeep.
    pub gossip_heartbeat_ms: u64,
    /// Block and log streams open to one peer, and served for it; more wait for a free place.
    pub streams_per_peer_max: u32,
    /// Bytes of one block.
    pub block_bytes_max: u32,
    /// Blocks asked for on one stream and not answered yet; further wants wait here.
    pub wants_in_flight_max: u32,
    /// Blocks looked up ahead of the answer that is being sent, on one stream.
    pub lookups_per_stream_max: u32,
    /// Blocks looked up or waiting to be sent, on all streams of one peer.
    pub lookups_per_peer_max: u32,
    /// Bytes of log in one frame.
    pub log_chunk_bytes_max: u32,
    /// Bytes that a connection's streams may hold together beyond 256 KiB each.
    pub window_bytes_max: u64,
}

impl Default for NetLimits {
    fn default() -> Self {
        Self {
            connections_max: 1_024,
            connections_per_peer_max: 4,
            connections_pending_max: 64,
            handshake_ms: 10_000,
            idle_ms: 30_000,
            ping_ms: 5_000,
            ping_timeout_ms: 10_000,
            redial_ms: 100,
            redial_max_ms: 15_000,
            penalty_ms: 10_000,
            settle_ms: 3_000,
            message_bytes_max: 1 << 20,
            send_queue_max: 8_192,
            send_queue_bytes_max: 16 << 20,
            inbound_queue_max: 1_024,
            gossip_bytes_max: 60_000,
            gossip_queue_max: 4_096,
            gossip_gap_ms: 1,
            gossip_rate_max: 2_000,
            gossip_heartbeat_ms: 1_000,
            streams_per_peer_max: 256,
            block_bytes_max: 2 << 20,
            wants_in_flight_max: 256,
            lookups_per_stream_max: 8,
            lookups_per_peer_max: 32,
            log_chunk_bytes_max: 64 << 10,
            window_bytes_max: 64 << 20,
        }
    }
}

/// Streams for identify, ping, gossip and messages.
const SPARE_STREAMS: usize = 64;

impl NetLimits {
    /// Streams on one connection; a peer that opens more loses it. Both sides' own, and the
    /// peer's once more, since the end of one may be seen after the start of the next.
    pub(crate) fn streams_max(&self) -> usize {
        self.streams_per_peer_max as usize * 3 + SPARE_STREAMS
    }
}

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Reads addresses of the config.
pub(crate) fn parse_addresses(texts: &[String]) -> Result<Vec<Multiaddr>, TransportError> {
    let parse = |text: &String| {
        text.parse().map_err(|e: libp2p::multiaddr::Error| TransportError::Start {
            doing: format!("understand the address '{text}'"),
            why: format!("{e}; an address looks like /ip4/127.0.0.1/tcp/4101"),
        })
    };
    texts.iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_named() {
        let error = parse_addresses(&["127.0.0.1:4101".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("'127.0.0.1:4101'"), "{error}");
        assert!(error.to_string().contains("/ip4/"), "{error}");
    }

    #[test]
    fn a_message_of_inline_blocks_and_an_announcement_fit_their_frames() {
        let limits = NetLimits::default();
        assert!(limits.message_bytes_max as usize > 4 * gadus_model::message::INLINE_BYTES_MAX);
        assert!(limits.gossip_bytes_max < 60 << 10);
    }
}
