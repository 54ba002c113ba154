//! One peer of a fetch: a stream that is asked, and opened again when it breaks.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gadus_model::{Cid, NodeId};
use gadus_ports::{BlockExchange, BlockStream, TransportError, Want};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::Event;
use crate::upstream::{Trouble, Upstream, UpstreamStream};

/// Between two attempts to reach a peer.
const REOPEN_MS: u64 = 200;

/// What a peer is to be asked, over which of its streams.
pub(super) struct Order {
    pub(super) stream: u32,
    pub(super) wants: Vec<Want>,
}

/// Bytes of a peer, to be checked and stored.
pub(super) struct Received {
    pub(super) peer: usize,
    pub(super) cid: Cid,
    pub(super) bytes: Bytes,
}

/// The ends of a peer's channels.
pub(super) struct Peer {
    pub(super) nth: usize,
    pub(super) supplier: Supplier,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) events: mpsc::Sender<Event>,
    /// Blocks go to the sink that their CID chooses.
    pub(super) sinks: Vec<mpsc::Sender<Received>>,
    pub(super) answer_ms: u64,
}

/// Who is asked.
#[derive(Clone)]
pub(super) enum Supplier {
    /// A node of the network.
    Peer(NodeId, Arc<dyn BlockExchange>),
    /// A store that is none, and what is wrong with it.
    Upstream(Arc<dyn Upstream>, Trouble),
}

impl Supplier {
    pub(super) fn far(upstream: Arc<dyn Upstream>) -> Self {
        Self::Upstream(upstream, Trouble::default())
    }

    /// Why it cannot be said that it lacks what it did not give.
    pub(super) fn trouble(&self) -> Option<Box<str>> {
        match self {
            Self::Peer(..) => None,
            Self::Upstream(upstream, trouble) => {
                let why = trouble.now()?;
                Some(format!("{} could not be asked: {why}", upstream.name()).into())
            }
        }
    }

    async fn open(&self) -> Result<Box<dyn BlockStream>, TransportError> {
        match self {
            Self::Peer(id, exchange) => exchange.open(*id).await,
            Self::Upstream(upstream, trouble) => {
                Ok(Box::new(UpstreamStream::new(upstream.clone(), trouble.clone())))
            }
        }
    }
}

impl fmt::Display for Supplier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(id, _) => id.fmt(f),
            Self::Upstream(upstream, _) => f.write_str(upstream.name()),
        }
    }
}

/// Why a conversation ended.
enum End {
    /// The fetch is over.
    Over,
    /// The stream broke, or the peer fell silent.
    Broken,
    /// The peer answered what it was not asked.
    Nonsense,
}

impl Peer {
    /// Runs until the fetch drops its ends of the channels.
    pub(super) async fn run(mut self) {
        let answer = Duration::from_millis(self.answer_ms);
        for stream_nth in 0.. {
            let opened = timeout(answer, self.supplier.open()).await;
            let (event, pause) = match opened {
                Ok(Ok(mut stream)) => {
                    let up = Event::Up { peer: self.nth, stream: stream_nth };
                    if self.events.send(up).await.is_err() {
                        return;
                    }
                    match self.converse(stream.as_mut(), stream_nth, answer).await {
                        End::Over => return,
                        End::Broken => (Event::Down { peer: self.nth }, true),
                        End::Nonsense => (Event::Nonsense { peer: self.nth }, false),
                    }
                }
                Ok(Err(_)) | Err(_) => (Event::Down { peer: self.nth }, true),
            };
            if self.events.send(event).await.is_err() || !pause {
                return;
            }
            sleep(Duration::from_millis(REOPEN_MS)).await;
        }
    }

    async fn converse(
        &mut self,
        stream: &mut dyn BlockStream,
        stream_nth: u32,
        answer: Duration,
    ) -> End {
        let mut expected: VecDeque<Cid> = VecDeque::new();
        loop {
            let order = if expected.is_empty() {
                let Some(order) = self.orders.recv().await else { return End::Over };
                Some(order)
            } else {
                self.orders.try_recv().ok()
            };
            if let Some(order) = order {
                // An order for a stream that broke meanwhile: the plan knows that it is void.
                if order.stream == stream_nth {
                    expected.extend(order.wants.iter().map(|want| want.cid));
                    match timeout(answer, stream.want(&order.wants)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) | Err(_) => return End::Broken,
                    }
                }
                continue;
            }
            let Ok(Ok((cid, bytes))) = timeout(answer, stream.next()).await else {
                return End::Broken;
            };
            if expected.pop_front() != Some(cid) {
                return End::Nonsense;
            }
            if self.pass_on(cid, bytes).await.is_none() {
                return End::Over;
            }
        }
    }

    /// Hands an answer on; `None` when the fetch is over.
    async fn pass_on(&self, cid: Cid, bytes: Option<Bytes>) -> Option<()> {
        let peer = self.nth;
        let Some(bytes) = bytes else {
            return self.events.send(Event::Absent { peer, cid }).await.ok();
        };
        self.events.send(Event::Received { peer }).await.ok()?;
        let choice = cid.hash().digest().last().copied().unwrap_or_default();
        let sink = &self.sinks[usize::from(choice) % self.sinks.len()];
        sink.send(Received { peer, cid, bytes }).await.ok()
    }
}
