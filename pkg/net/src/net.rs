//! The network as the node uses it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gadus_model::codec;
use gadus_model::message::{Announce, Envelope, RoundId};
use gadus_model::{NodeId, OwnerId};
use gadus_ports::{
    BlockExchange, BlockStream, Inbound, LogExchange, LogRequest, LogStream, Serve, Transport,
    TransportError,
};
use libp2p::Stream;
use parking_lot::{Mutex, RwLock};
use tokio::runtime::{self, Handle};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::blocks::Client;
use crate::config::NetConfig;
use crate::gossip::Outbox;
use crate::hub::Hub;
use crate::identity;
use crate::link::Links;
use crate::logs;
use crate::protocol::{Protocols, Purpose};
use crate::shared::{COMMANDS_MAX, Shared};
use crate::stats::{Counters, NetStats};
use crate::swarm::Driver;

/// How long tasks that do not end at once may hold a shutdown up.
const TASKS_END: Duration = Duration::from_secs(1);

/// A node's place in the network. It ends with [`Net::shutdown`], or when it is dropped.
pub struct Net {
    me: NodeId,
    shared: Arc<Shared>,
    /// Messages to this node itself; a task moves them on, as a peer's session would.
    own: mpsc::Sender<Envelope>,
    inbound: Mutex<Option<mpsc::Receiver<Inbound>>>,
    stop: CancellationToken,
    stopped: CancellationToken,
    _stop_when_dropped: DropGuard,
}

impl Net {
    /// Joins the network under the key of a 32-byte Ed25519 secret seed. When this returns, every
    /// listen address is open. Peers are served on the caller's runtime; the swarm has a thread of
    /// its own, so that ciphers and the node's work do not wait for each other.
    ///
    /// # Errors
    /// `Start`, naming what of the config or the system does not allow it: a bad address or
    /// network name, a port in use.
    pub async fn start(
        config: NetConfig,
        secret: [u8; 32],
        serve: Arc<dyn Serve>,
    ) -> Result<Arc<Self>, TransportError> {
        let key = identity::keypair(secret)?;
        let me = identity::node_id(&key.public().to_peer_id())
            .ok_or_else(|| start("use the node's key", "it is not Ed25519"))?;
        let limits = config.limits.clone();
        let (commands, orders) = mpsc::channel(COMMANDS_MAX);
        let shared = Arc::new(Shared {
            protocols: Protocols::new(&config.network)?,
            counters: Counters::default(),
            links: Links::default(),
            outbox: Outbox::new(limits.gossip_queue_max, limits.gossip_bytes_max),
            listening: RwLock::default(),
            commands,
            serve,
            runtime: Handle::current(),
            limits,
        });
        let (inbound, receiver) = mpsc::channel(shared.limits.inbound_queue_max.max(1) as usize);
        let (own, to_me) = mpsc::channel(shared.limits.send_queue_max.max(1) as usize);
        let (stop, stopped) = (CancellationToken::new(), CancellationToken::new());
        let hub = Hub { shared: shared.clone(), inbound };
        let (started, ready) = oneshot::channel();
        let run = {
            let stop = stop.clone();
            async move {
                tokio::spawn(loop_back(me, to_me, hub.inbound.clone()));
                match listening(&config, &key, hub, orders).await {
                    Ok(driver) => {
                        // Whoever started it may be gone: then `stop` is cancelled too.
                        let _ = started.send(Ok(()));
                        driver.run(stop).await;
                    }
                    Err(e) => {
                        let _ = started.send(Err(e));
                    }
                }
            }
        };
        spawn_thread(run, stopped.clone().drop_guard())?;
        let guard = stop.clone().drop_guard();
        ready.await.unwrap_or_else(|_| Err(start("run the network's thread", "it ended")))?;
        Ok(Arc::new(Self {
            me,
            shared,
            own,
            inbound: Mutex::new(Some(receiver)),
            stop,
            stopped,
            _stop_when_dropped: guard,
        }))
    }

    /// Closes every connection and listener; returns when that is done. What is still queued is
    /// dropped.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.stopped.cancelled().await;
    }

    /// Counts since the start.
    pub fn stats(&self) -> NetStats {
        self.shared.counters.snapshot()
    }

    /// Opens a stream to a connected peer, when there is a place for it.
    async fn open_stream(
        &self,
        peer: NodeId,
        purpose: Purpose,
    ) -> Result<(Stream, OwnedSemaphorePermit), TransportError> {
        let unreachable = || TransportError::Unreachable(peer);
        let link = self.shared.links.get(&peer).ok_or_else(unreachable)?;
        let open = async {
            let place = link.streams.clone().acquire_owned().await.ok()?;
            let (_, opener) = link.connections.first()?;
            let stream = opener.open(purpose).await.ok()?;
            Some((stream, place))
        };
        tokio::select! {
            opened = open => opened.ok_or_else(unreachable),
            () = link.closed.cancelled() => Err(unreachable()),
        }
    }
}

impl Transport for Net {
    fn node_id(&self) -> NodeId {
        self.me
    }

    fn addresses(&self) -> Vec<String> {
        self.shared.listening.read().iter().map(ToString::to_string).collect()
    }

    fn peers(&self) -> Vec<NodeId> {
        self.shared.links.up()
    }

    fn send(&self, to: NodeId, message: Envelope) {
        let counters = &self.shared.counters;
        if to == self.me {
            if self.own.try_send(message).is_err() {
                counters.dropped_queue_full.one();
            }
            return;
        }
        let Some(link) = self.shared.links.get(&to) else {
            counters.dropped_unreachable.one();
            return;
        };
        match codec::encode(&message) {
            Ok(bytes) if bytes.len() <= self.shared.limits.message_bytes_max as usize => {
                if link.queue.push(Bytes::from(bytes)).is_err() {
                    counters.dropped_queue_full.one();
                }
            }
            _ => {
                counters.dropped_too_big.one();
                tracing::warn!(%to, kind = message.body.kind(), "a message is too big to be sent");
            }
        }
    }

    fn gossip(&self, owner: OwnerId, term: u64, announcement: Announce) {
        use crate::gossip::NotTaken;
        let counters = &self.shared.counters;
        match self.shared.outbox.push(owner, term, announcement) {
            Ok(()) => {}
            Err(NotTaken::Full) => counters.announcements_dropped.one(),
            Err(NotTaken::TooBig) => {
                counters.dropped_too_big.one();
                tracing::warn!(%owner, "an announcement is too big to be gossiped");
            }
        }
    }

    fn gossip_filled(&self, owner: OwnerId, term: u64, round: RoundId) {
        if self.shared.outbox.push_filled(owner, term, round).is_err() {
            self.shared.counters.announcements_dropped.one();
        }
    }

    fn inbound(&self) -> Option<mpsc::Receiver<Inbound>> {
        self.inbound.lock().take()
    }
}

#[async_trait]
impl BlockExchange for Net {
    async fn open(&self, peer: NodeId) -> Result<Box<dyn BlockStream>, TransportError> {
        let (stream, place) = self.open_stream(peer, Purpose::Blocks).await?;
        Ok(Box::new(Client::new(peer, self.shared.clone(), stream, place)))
    }
}

#[async_trait]
impl LogExchange for Net {
    async fn logs(&self, peer: NodeId, request: LogRequest) -> Result<LogStream, TransportError> {
        let (stream, place) = self.open_stream(peer, Purpose::Logs).await?;
        logs::open(self.shared.clone(), peer, stream, place, request).await
    }
}

async fn listening(
    config: &NetConfig,
    key: &libp2p::identity::Keypair,
    hub: Hub,
    orders: mpsc::Receiver<crate::shared::Command>,
) -> Result<Driver, TransportError> {
    let mut driver = Driver::new(config, key, hub, orders)?;
    driver.listen(&config.listen).await?;
    Ok(driver)
}

/// Delivers this node's messages to itself like any others.
async fn loop_back(me: NodeId, mut own: mpsc::Receiver<Envelope>, inbound: mpsc::Sender<Inbound>) {
    while let Some(message) = own.recv().await {
        let message = Inbound::Message { from: me, message: Box::new(message) };
        if inbound.send(message).await.is_err() {
            return;
        }
    }
}

/// Runs a future, and the tasks it spawns, on a thread of their own; `stopped` is dropped when all
/// of them are gone.
fn spawn_thread(
    run: impl Future<Output = ()> + Send + 'static,
    stopped: DropGuard,
) -> Result<(), TransportError> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| start("make the network's runtime", &e.to_string()))?;
    std::thread::Builder::new()
        .name("gadus-net".to_owned())
        .spawn(move || {
            runtime.block_on(run);
            // With the runtime go the connections' tasks, and with them the sockets.
            runtime.shutdown_timeout(TASKS_END);
            drop(stopped);
        })
        .map_err(|e| start("start the network's thread", &e.to_string()))?;
    Ok(())
}

fn start(doing: &str, why: &str) -> TransportError {
    TransportError::Start { doing: doing.to_owned(), why: why.to_owned() }
}
