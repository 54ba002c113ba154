//! What is between this node and one peer: the queue towards it, the stream from it, and the
//! connections that both may use.
//!
//! ```text
//!  connected ─► writer: opens a message stream ─► open ┐
//!  gossip    ─► the peer subscribed ─► subscribed      ┴► session: Up ─► messages … ─► Down
//! ```

mod connections;
mod links;
mod queue;
mod session;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gadus_model::NodeId;
use gadus_ports::Inbound;
use libp2p::Stream;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use connections::Connections;
pub(crate) use links::Links;
use queue::Queue;

use crate::config::NetLimits;

/// One peer, from its first connection to the end of its last.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) node: NodeId,
    /// The public network that the peer's first connection comes from.
    prefix: Option<String>,
    pub(crate) queue: Queue,
    pub(crate) connections: Connections,
    /// Places for block and log streams that we open.
    pub(crate) streams: Arc<Semaphore>,
    /// Places for block and log streams of the peer that are served.
    pub(crate) inbound_streams: Arc<Semaphore>,
    /// Blocks that are being looked up for the peer, or wait to be sent to it.
    pub(crate) lookups: Arc<Semaphore>,
    /// The peer's last connection has ended.
    pub(crate) closed: CancellationToken,
    readiness: watch::Sender<Readiness>,
    /// The newest message stream of the peer, until the session takes it.
    arrived: Mutex<Option<Stream>>,
    arrival: Notify,
    /// Held while the node believes that the peer is up, so that the next link of the same peer
    /// says Up only after this one said Down.
    turn: Arc<Semaphore>,
    up: AtomicBool,
}

/// How far the peer has come.
#[derive(Clone, Copy, Debug, Default)]
struct Readiness {
    open: bool,
    subscribed: bool,
}

impl Link {
    fn new(node: NodeId, prefix: Option<String>, limits: &NetLimits, turn: Arc<Semaphore>) -> Self {
        let places = |n: usize| Arc::new(Semaphore::new(n));
        Self {
            node,
            prefix,
            queue: Queue::new(limits.send_queue_max, limits.send_queue_bytes_max),
            connections: Connections::default(),
            streams: places(limits.streams_per_peer_max as usize),
            inbound_streams: places(limits.streams_per_peer_max as usize),
            lookups: places(limits.lookups_per_peer_max as usize),
            closed: CancellationToken::new(),
            readiness: watch::Sender::default(),
            arrived: Mutex::default(),
            arrival: Notify::new(),
            turn,
            up: AtomicBool::new(false),
        }
    }

    /// What the node is told of a peer that is up.
    fn is_there(&self) -> Inbound {
        Inbound::Up { node: self.node, prefix: self.prefix.clone() }
    }

    /// The peer takes our messages.
    fn set_open(&self) {
        self.readiness.send_modify(|r| r.open = true);
    }

    /// The peer takes our gossip.
    pub(crate) fn set_subscribed(&self) {
        self.readiness.send_modify(|r| r.subscribed = true);
    }

    /// Gives the session a message stream of the peer; it takes the place of an older one.
    pub(crate) fn give(&self, stream: Stream) {
        *self.arrived.lock() = Some(stream);
        self.arrival.notify_one();
    }

    fn take_stream(&self) -> Option<Stream> {
        self.arrived.lock().take()
    }

    /// Waits for a message stream that nobody has taken.
    async fn newer(&self) {
        while self.arrived.lock().is_none() {
            self.arrival.notified().await;
        }
    }

    /// Whether the node was told that the peer is up.
    pub(crate) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed) && !self.closed.is_cancelled()
    }
}
