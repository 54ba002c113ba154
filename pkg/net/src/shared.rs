//! What the calling side and the network's own thread both know.

use std::sync::Arc;

use gadus_model::NodeId;
use gadus_ports::Serve;
use libp2p::Multiaddr;
use parking_lot::RwLock;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::config::NetLimits;
use crate::gossip::Outbox;
use crate::link::Links;
use crate::protocol::Protocols;
use crate::stats::Counters;

/// What the swarm is told to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Close every connection to a node, and keep it away for a while.
    Cut {
        /// Which.
        node: NodeId,
        /// What it did.
        why: String,
    },
}

/// Commands that wait for the swarm; whoever has more waits.
pub(crate) const COMMANDS_MAX: usize = 64;

/// State without a task of its own.
pub(crate) struct Shared {
    pub(crate) limits: NetLimits,
    pub(crate) protocols: Protocols,
    pub(crate) counters: Counters,
    pub(crate) links: Links,
    pub(crate) outbox: Outbox,
    pub(crate) listening: RwLock<Vec<Multiaddr>>,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) serve: Arc<dyn Serve>,
    /// Where peers are served: not on the network's thread, which has the ciphers to do.
    pub(crate) runtime: Handle,
}

impl Shared {
    /// Has a peer cut off.
    pub(crate) async fn cut(&self, node: NodeId, why: &str) {
        // A swarm that is gone has no connections left to cut.
        let _ = self.commands.send(Command::Cut { node, why: why.to_owned() }).await;
    }
}
