//! The seam to the network.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use gadus_model::message::{Announce, Envelope, Gossip, RoundId};
use gadus_model::{Cid, ExecutionId, NodeId, OwnerId};
use tokio::sync::mpsc;

use crate::executor::StdStream;

/// Moves messages between nodes. Sending never blocks and may lose: the protocol repeats what
/// matters.
pub trait Transport: Send + Sync {
    /// This node.
    fn node_id(&self) -> NodeId;

    /// The multiaddresses others can dial, peer id included.
    fn addresses(&self) -> Vec<String>;

    /// Who is connected.
    fn peers(&self) -> Vec<NodeId>;

    /// Sends a message, in order with others to the same node. Sent to oneself, it is delivered
    /// like any other.
    fn send(&self, to: NodeId, message: Envelope);

    /// Gossips an announcement; all that is pending goes out as one message.
    fn gossip(&self, owner: OwnerId, term: u64, announcement: Announce);

    /// Gossips that a round needs no more bids, together with what else is pending; of a round
    /// whose announcement is still pending, neither goes out.
    fn gossip_filled(&self, owner: OwnerId, term: u64, round: RoundId);

    /// What arrives. The first call gets it; there is one receiver.
    fn inbound(&self) -> Option<mpsc::Receiver<Inbound>>;
}

/// What arrives.
#[derive(Clone, Debug)]
pub enum Inbound {
    /// A message; `from` is proven by the transport.
    Message {
        /// Who sent it.
        from: NodeId,
        /// What.
        message: Box<Envelope>,
    },
    /// Announcements, and rounds that are filled; `from` is the signer, not the relay.
    Gossip {
        /// Who signed it.
        from: NodeId,
        /// What.
        gossip: Box<Gossip>,
    },
    /// A peer can be reached.
    Up {
        /// Which.
        node: NodeId,
        /// The public network that it is reached in, such as `203.0.113.0/24`; absent on this
        /// machine and in private networks.
        prefix: Option<String>,
    },
    /// A peer can no longer be reached.
    Down(NodeId),
}

/// Asks peers for blocks.
#[async_trait]
pub trait BlockExchange: Send + Sync {
    /// Opens a long-lived stream to a peer; requests on it are pipelined.
    ///
    /// # Errors
    /// `Unreachable`.
    async fn open(&self, peer: NodeId) -> Result<Box<dyn BlockStream>, TransportError>;
}

/// One stream of block requests and answers. Answers come in the order of the requests.
#[async_trait]
pub trait BlockStream: Send {
    /// Asks for blocks; waits only when the peer is slow to read.
    ///
    /// # Errors
    /// `Closed`.
    async fn want(&mut self, wants: &[Want]) -> Result<(), TransportError>;

    /// The next answer: a block (not verified yet), or that the peer does not have it.
    ///
    /// # Errors
    /// `Closed`, `Nonsense`.
    async fn next(&mut self) -> Result<(Cid, Option<Bytes>), TransportError>;
}

/// One block that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// Which.
    pub cid: Cid,
    /// Look into this execution's quarantine too; its owner alone is let.
    pub namespace: Option<ExecutionId>,
    /// May the peer ask others for it? A relayed request is not relayed again.
    pub relay: bool,
}

/// What a node serves to its peers; the transport calls it.
#[async_trait]
pub trait Serve: Send + Sync {
    /// A block, if `from` may have it.
    async fn block(&self, from: NodeId, want: Want) -> Option<Bytes>;

    /// The output of an execution that runs or ran here, if `from` may see it.
    async fn logs(&self, from: NodeId, request: LogRequest) -> Option<LogStream>;
}

/// Log chunks as they come.
pub type LogStream = Pin<Box<dyn Stream<Item = LogChunk> + Send>>;

/// Which output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRequest {
    /// Whose.
    pub execution: ExecutionId,
    /// Go on until the execution ends.
    pub follow: bool,
    /// Only what comes after now.
    pub tail: bool,
}

/// Some output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogChunk {
    /// Which stream.
    pub stream: StdStream,
    /// The bytes; chunks are not lines.
    pub bytes: Bytes,
}

/// Asks peers for the logs of executions.
#[async_trait]
pub trait LogExchange: Send + Sync {
    /// Opens a log stream.
    ///
    /// # Errors
    /// `Unreachable`, `Refused`.
    async fn logs(&self, peer: NodeId, request: LogRequest) -> Result<LogStream, TransportError>;
}

/// What goes wrong with the network.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TransportError {
    /// There is no connection, and none can be made.
    #[error("node {0} cannot be reached")]
    Unreachable(NodeId),
    /// The peer would not.
    #[error("node {0} refused")]
    Refused(NodeId),
    /// The stream or connection ended.
    #[error("the connection to node {0} was closed")]
    Closed(NodeId),
    /// The peer sent what is no message.
    #[error("node {from} sent nonsense: {why}")]
    Nonsense {
        /// Who.
        from: NodeId,
        /// What is wrong with it.
        why: String,
    },
    /// The transport could not start.
    #[error("cannot {doing}: {why}")]
    Start {
        /// What was being done.
        doing: String,
        /// What the system said.
        why: String,
    },
}

/// A [`Serve`] that can be set after the transport has started.
pub type Server = Arc<dyn Serve>;
