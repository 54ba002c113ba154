//! Blocks on behalf of others: two nodes that cannot reach each other exchange them through a
//! requester, which asks its other peers for what it lacks.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gadus_model::{Cid, NodeId};
use gadus_ports::{BlockExchange, Want};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Wants that wait for one peer's stream.
const WANTS_MAX: usize = 64;

type Asked = (Cid, oneshot::Sender<Option<Bytes>>);

/// One long-lived stream per peer, opened when first needed.
pub struct Relay {
    exchange: Arc<dyn BlockExchange>,
    streams: Mutex<BTreeMap<NodeId, mpsc::Sender<Asked>>>,
    /// Who had the last block: the next one is likely there too.
    last: Mutex<Option<NodeId>>,
    places: Semaphore,
}

impl Relay {
    /// A relay that asks for at most `max` blocks at once.
    pub fn new(exchange: Arc<dyn BlockExchange>, max: usize) -> Self {
        Self {
            exchange,
            streams: Mutex::default(),
            last: Mutex::default(),
            places: Semaphore::new(max),
        }
    }

    /// A block that one of `peers` has, verified.
    pub async fn block(&self, cid: Cid, peers: &[NodeId]) -> Option<Bytes> {
        let _place = self.places.acquire().await.ok()?;
        let last = *self.last.lock();
        if let Some(node) = last.filter(|node| peers.contains(node))
            && let Some(bytes) = self.ask(node, cid).await
        {
            return Some(bytes);
        }
        let others = peers.iter().filter(|node| Some(**node) != last);
        let asked = others.map(|node| async move { (*node, self.ask(*node, cid).await) });
        let answers = futures::future::join_all(asked).await;
        let (node, bytes) = answers.into_iter().find_map(|(n, b)| b.map(|b| (n, b)))?;
        *self.last.lock() = Some(node);
        Some(bytes)
    }

    async fn ask(&self, peer: NodeId, cid: Cid) -> Option<Bytes> {
        let (reply, answer) = oneshot::channel();
        self.stream(peer).send((cid, reply)).await.ok()?;
        answer.await.ok().flatten()
    }

    fn stream(&self, peer: NodeId) -> mpsc::Sender<Asked> {
        let mut streams = self.streams.lock();
        if let Some(open) = streams.get(&peer).filter(|open| !open.is_closed()) {
            return open.clone();
        }
        let (tx, rx) = mpsc::channel(WANTS_MAX);
        streams.insert(peer, tx.clone());
        tokio::spawn(ask_peer(self.exchange.clone(), peer, rx));
        tx
    }
}

/// Asks one peer, one block after another. Ends at the first trouble: the next want opens a new
/// stream.
async fn ask_peer(
    exchange: Arc<dyn BlockExchange>,
    peer: NodeId,
    mut wants: mpsc::Receiver<Asked>,
) {
    let Ok(mut stream) = exchange.open(peer).await else { return };
    while let Some((cid, reply)) = wants.recv().await {
        if stream.want(&[Want { cid, namespace: None, relay: false }]).await.is_err() {
            return;
        }
        match stream.next().await {
            // What is passed on is verified by who asked for it; a liar is seen there.
            Ok((got, bytes)) if got == cid => {
                let _ = reply.send(bytes);
            }
            Ok(_) | Err(_) => return,
        }
    }
}
