//! A node under test, and what it serves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gadus_model::message::{
    Announce, Envelope, Gossip, MESSAGE_VERSION, Message, Requirements, RoundId,
};
use gadus_model::{Cid, Code, Engine, JobId, Network, NodeId, OwnerId, RAW, Resources, codec};
use gadus_net::{Net, NetConfig, NetLimits};
use gadus_ports::{Inbound, LogRequest, LogStream, Serve, Transport, Want};
use tokio::sync::mpsc;

/// After this the test has failed; nothing waits for it otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";

pub(crate) struct Node {
    pub(crate) net: Arc<Net>,
    inbound: mpsc::Receiver<Inbound>,
}

/// A loopback node of network `test`, whose gossip never sees a heartbeat.
pub(crate) fn config(peers: &[&Node]) -> NetConfig {
    NetConfig {
        network: "test".to_owned(),
        listen: vec![LOOPBACK.to_owned()],
        peers: peers.iter().map(|node| node.address()).collect(),
        limits: NetLimits { gossip_heartbeat_ms: 3_600_000, ..NetLimits::default() },
        ..NetConfig::default()
    }
}

impl Node {
    pub(crate) async fn start(seed: u8, peers: &[&Self]) -> Self {
        Self::with(seed, config(peers), Arc::new(Shelf::default())).await
    }

    pub(crate) async fn with(seed: u8, config: NetConfig, serve: Arc<dyn Serve>) -> Self {
        let net = Net::start(config, [seed; 32], serve).await.unwrap();
        let inbound = net.inbound().unwrap();
        Self { net, inbound }
    }

    pub(crate) fn id(&self) -> NodeId {
        self.net.node_id()
    }

    pub(crate) fn address(&self) -> String {
        self.net.addresses().remove(0)
    }

    pub(crate) async fn next(&mut self) -> Inbound {
        let next = tokio::time::timeout(PATIENCE, self.inbound.recv()).await;
        next.expect("nothing arrived in time").expect("the network has ended")
    }

    /// Waits until these are up; anything else that arrives meanwhile fails the test.
    pub(crate) async fn sees(&mut self, others: &[&Self]) {
        let mut waiting: Vec<NodeId> = others.iter().map(|node| node.id()).collect();
        while !waiting.is_empty() {
            let next = self.next().await;
            let Inbound::Up { node: up, .. } = next else {
                panic!("{next:?} while waiting for {waiting:?}")
            };
            assert!(waiting.contains(&up), "{up:?} while waiting for {waiting:?}");
            waiting.retain(|node| *node != up);
        }
    }

    pub(crate) async fn sees_down(&mut self, other: NodeId) {
        assert!(matches!(self.next().await, Inbound::Down(node) if node == other));
    }

    pub(crate) fn inbound(&mut self) -> &mut mpsc::Receiver<Inbound> {
        &mut self.inbound
    }

    pub(crate) async fn message(&mut self) -> (NodeId, Envelope) {
        let next = self.next().await;
        let Inbound::Message { from, message } = next else { panic!("{next:?} is no message") };
        (from, *message)
    }

    pub(crate) async fn gossip(&mut self) -> (NodeId, Gossip) {
        let next = self.next().await;
        let Inbound::Gossip { from, gossip } = next else { panic!("{next:?} is no gossip") };
        (from, *gossip)
    }
}

/// Two nodes that see each other.
pub(crate) async fn pair() -> (Node, Node) {
    pair_with(config(&[]), config(&[]), Arc::new(Shelf::default())).await
}

/// Two nodes that see each other; the first serves.
pub(crate) async fn pair_with(a: NetConfig, b: NetConfig, serve: Arc<dyn Serve>) -> (Node, Node) {
    let mut a = Node::with(1, a, serve).await;
    let b = NetConfig { peers: vec![a.address()], ..b };
    let mut b = Node::with(2, b, Arc::new(Shelf::default())).await;
    a.sees(&[&b]).await;
    b.sees(&[&a]).await;
    (a, b)
}

/// Lets other tasks run until a condition holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("never: {what}"));
}

pub(crate) fn job() -> JobId {
    codec::decode(&[&[0x50][..], &[9; 16]].concat()).unwrap()
}

pub(crate) fn round(n: u32) -> RoundId {
    RoundId { job: job(), version: 1, round: n }
}

/// A message that only its sequence number tells from others.
pub(crate) fn envelope(from: NodeId, seq: u64) -> Envelope {
    let body = Message::Filled { round: round(1) };
    Envelope { v: MESSAGE_VERSION, owner: OwnerId(from), term: 1, boot: 1, seq, body }
}

/// A message of at least so many bytes.
pub(crate) fn big_envelope(from: NodeId, seq: u64, bytes: usize) -> Envelope {
    let reason = gadus_model::Reason::Constraint("x".repeat(bytes));
    let body = Message::Decline { round: round(1), reasons: vec![reason] };
    Envelope { body, ..envelope(from, seq) }
}

/// An announcement that only its round tells from others.
pub(crate) fn announcement(n: u32) -> Announce {
    Announce {
        round: round(n),
        requirements: Requirements {
            engine: Engine::Wasm,
            resources: Resources::default(),
            constraints: Vec::new(),
            network: Network::None,
            publishes_to: None,
        },
        code: Code::Wasm { module: codec::cid_of(RAW, b"module"), entry: "_start".to_owned() },
        inputs: Vec::new(),
        want: 1,
        window_ms: 2,
        nodes_hint: 4,
        draw_commitment: [0; 32],
    }
}

/// Blocks by CID, and nothing else.
#[derive(Default)]
pub(crate) struct Shelf(BTreeMap<Cid, Bytes>);

impl Shelf {
    pub(crate) fn of(blocks: impl IntoIterator<Item = Vec<u8>>) -> (Arc<Self>, Vec<Cid>) {
        let mut shelf = Self::default();
        let mut cids = Vec::new();
        for block in blocks {
            let cid = codec::cid_of(RAW, &block);
            shelf.0.insert(cid, block.into());
            cids.push(cid);
        }
        (Arc::new(shelf), cids)
    }
}

#[async_trait]
impl Serve for Shelf {
    async fn block(&self, _: NodeId, want: Want) -> Option<Bytes> {
        self.0.get(&want.cid).cloned()
    }

    async fn logs(&self, _: NodeId, _: LogRequest) -> Option<LogStream> {
        None
    }
}

pub(crate) fn want(cid: Cid) -> Want {
    Want { cid, namespace: None, relay: false }
}
