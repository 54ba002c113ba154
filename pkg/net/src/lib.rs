//! The network: a libp2p swarm behind the seams of `gadus_ports`.
//!
//! [`Net`] is a [`Transport`](gadus_ports::Transport), a
//! [`BlockExchange`](gadus_ports::BlockExchange) and a [`LogExchange`](gadus_ports::LogExchange).
//! It runs on a thread of its own:
//!
//! ```text
//!  send       ─► link::Queue ─► writer ─┐            ┌─► session ────────────────► inbound
//!  gossip     ─► gossip::Outbox ────────┼─► swarm ═══╪─► gossip::Judge ──────────► inbound
//!  open, logs ─► streams::Opener ───────┘            └─► blocks, logs: serve ────► Serve
//! ```
//!
//! Between two nodes there is one long-lived stream of framed messages in each direction, a mesh
//! for announcements, and as many block and log streams as are asked for. The network's name is in
//! every protocol id and topic, so two networks never mix.

mod blocks;
mod config;
mod frame;
mod gossip;
mod hub;
mod identity;
mod link;
mod logs;
mod net;
mod prefix;
mod protocol;
mod shared;
mod stats;
mod streams;
mod swarm;

pub use config::{NetConfig, NetLimits};
pub use identity::{node_id_of_address, peer_id_text};
pub use net::Net;
pub use stats::NetStats;
