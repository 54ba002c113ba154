//! A network in memory that loses what it is told to lose.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use gadus_model::message::{Announce, Envelope, Gossip, MESSAGE_VERSION, RoundId};
use gadus_model::{Cid, NodeId, OwnerId};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::transport::{
    BlockExchange, BlockStream, Inbound, LogExchange, LogRequest, LogStream, Serve, Transport,
    TransportError, Want,
};

/// What waits for one node; a test that sends more than that in one go is no test of ours.
const INBOUND_MAX: usize = 65_536;

/// Nodes that reach one another, except where told otherwise.
#[derive(Default)]
pub struct FakeNetwork(Mutex<State>);

#[derive(Default)]
struct State {
    nodes: BTreeMap<NodeId, Seat>,
    cut: BTreeSet<(NodeId, NodeId)>,
    lose: BTreeMap<&'static str, usize>,
    sent: BTreeMap<&'static str, usize>,
    blocks: BTreeMap<(NodeId, NodeId), u64>,
}

#[derive(Clone)]
struct Seat {
    inbound: mpsc::Sender<Inbound>,
    serve: Arc<dyn Serve>,
}

impl FakeNetwork {
    /// A network without nodes.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A node joins; everybody else sees it come up. One that was there before is replaced.
    pub fn join(self: &Arc<Self>, node: NodeId, serve: Arc<dyn Serve>) -> Arc<FakeTransport> {
        let (inbound, receiver) = mpsc::channel(INBOUND_MAX);
        let mut state = self.0.lock();
        for (other, seat) in &state.nodes {
            if *other != node && !state.cut.contains(&(*other, node)) {
                let _ = seat.inbound.try_send(Inbound::Up { node, prefix: None });
                let _ = inbound.try_send(Inbound::Up { node: *other, prefix: None });
            }
        }
        state.nodes.insert(node, Seat { inbound, serve });
        let inbound = Mutex::new(Some(receiver));
        Arc::new(FakeTransport { node, network: Arc::downgrade(self), inbound })
    }

    /// Cuts two nodes off from one another, or joins them again.
    pub fn set_cut(&self, a: NodeId, b: NodeId, cut: bool) {
        let mut state = self.0.lock();
        for (from, to) in [(a, b), (b, a)] {
            if cut {
                state.cut.insert((from, to))
            } else {
                state.cut.remove(&(from, to))
            };
            let Some(seat) = state.nodes.get(&from) else { continue };
            let up = Inbound::Up { node: to, prefix: None };
            let _ = seat.inbound.try_send(if cut { Inbound::Down(to) } else { up });
        }
    }

    /// Loses the next `n` messages of a kind (see [`gadus_model::message::Message::kind`]).
    pub fn lose(&self, kind: &'static str, n: usize) {
        self.0.lock().lose.insert(kind, n);
    }

    /// How many messages of a kind were sent, lost ones included.
    #[must_use]
    pub fn sent(&self, kind: &str) -> usize {
        self.0.lock().sent.get(kind).copied().unwrap_or(0)
    }

    /// Bytes of blocks that went from one node to another.
    #[must_use]
    pub fn block_bytes(&self, from: NodeId, to: NodeId) -> u64 {
        self.0.lock().blocks.get(&(from, to)).copied().unwrap_or(0)
    }

    fn seat(&self, from: NodeId, to: NodeId) -> Option<Seat> {
        let state = self.0.lock();
        if state.cut.contains(&(from, to)) { None } else { state.nodes.get(&to).cloned() }
    }
}

/// One node's end of a [`FakeNetwork`].
pub struct FakeTransport {
    node: NodeId,
    network: Weak<FakeNetwork>,
    inbound: Mutex<Option<mpsc::Receiver<Inbound>>>,
}

impl FakeTransport {
    fn spread(&self, gossip: Gossip) {
        let Some(network) = self.network.upgrade() else { return };
        for to in self.peers() {
            if let Some(seat) = network.seat(self.node, to) {
                let gossip = Box::new(gossip.clone());
                let _ = seat.inbound.try_send(Inbound::Gossip { from: self.node, gossip });
            }
        }
    }
}

impl Transport for FakeTransport {
    fn node_id(&self) -> NodeId {
        self.node
    }

    fn addresses(&self) -> Vec<String> {
        vec![format!("/memory/{}", self.node.short())]
    }

    fn peers(&self) -> Vec<NodeId> {
        let Some(network) = self.network.upgrade() else { return Vec::new() };
        let state = network.0.lock();
        let reach = |to: &NodeId| *to != self.node && !state.cut.contains(&(self.node, *to));
        state.nodes.keys().copied().filter(|to| reach(to)).collect()
    }

    fn send(&self, to: NodeId, message: Envelope) {
        let Some(network) = self.network.upgrade() else { return };
        let kind = message.body.kind();
        {
            let mut state = network.0.lock();
            *state.sent.entry(kind).or_default() += 1;
            if let Some(left) = state.lose.get_mut(kind).filter(|left| **left > 0) {
                *left -= 1;
                return;
            }
        }
        if let Some(seat) = network.seat(self.node, to) {
            let message = Box::new(message);
            let _ = seat.inbound.try_send(Inbound::Message { from: self.node, message });
        }
    }

    fn gossip(&self, owner: OwnerId, term: u64, announcement: Announce) {
        let (announcements, filled) = (vec![announcement], Vec::new());
        self.spread(Gossip { v: MESSAGE_VERSION, owner, term, announcements, filled });
    }

    fn gossip_filled(&self, owner: OwnerId, term: u64, round: RoundId) {
        let (announcements, filled) = (Vec::new(), vec![round]);
        self.spread(Gossip { v: MESSAGE_VERSION, owner, term, announcements, filled });
    }

    fn inbound(&self) -> Option<mpsc::Receiver<Inbound>> {
        self.inbound.lock().take()
    }
}

#[async_trait]
impl BlockExchange for FakeTransport {
    async fn open(&self, peer: NodeId) -> Result<Box<dyn BlockStream>, TransportError> {
        let network = self.network.upgrade().ok_or(TransportError::Unreachable(peer))?;
        network.seat(self.node, peer).ok_or(TransportError::Unreachable(peer))?;
        let wants = Vec::new();
        Ok(Box::new(FakeStream { me: self.node, peer, network, wants }))
    }
}

#[async_trait]
impl LogExchange for FakeTransport {
    async fn logs(&self, peer: NodeId, request: LogRequest) -> Result<LogStream, TransportError> {
        let network = self.network.upgrade().ok_or(TransportError::Unreachable(peer))?;
        let seat = network.seat(self.node, peer).ok_or(TransportError::Unreachable(peer))?;
        seat.serve.logs(self.node, request).await.ok_or(TransportError::Refused(peer))
    }
}

struct FakeStream {
    me: NodeId,
    peer: NodeId,
    network: Arc<FakeNetwork>,
    wants: Vec<Want>,
}

#[async_trait]
impl BlockStream for FakeStream {
    async fn want(&mut self, wants: &[Want]) -> Result<(), TransportError> {
        self.wants.extend_from_slice(wants);
        Ok(())
    }

    async fn next(&mut self) -> Result<(Cid, Option<Bytes>), TransportError> {
        let closed = TransportError::Closed(self.peer);
        if self.wants.is_empty() {
            return Err(closed);
        }
        let want = self.wants.remove(0);
        let seat = self.network.seat(self.me, self.peer).ok_or(closed)?;
        let bytes = seat.serve.block(self.me, want).await;
        let size = bytes.as_ref().map_or(0, Bytes::len) as u64;
        *self.network.0.lock().blocks.entry((self.peer, self.me)).or_default() += size;
        Ok((want.cid, bytes))
    }
}
