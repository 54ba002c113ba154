//! Blocks on behalf of others: two nodes that cannot reach each other exchange them through a
//! requester, which asks its other peers for what it lacks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use gadus_model::codec::cid_of;
use gadus_model::{Cid, NodeId};
use gadus_ports::{BlockExchange, Want};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// Wants that wait for one peer's stream.
const WANTS_MAX: usize = 64;

/// How long a peer may take for one block; then it is asked for none of those that wait.
const ANSWER_MAX: Duration = Duration::from_secs(10);

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
        let mut answers: FuturesUnordered<_> = asked.collect();
        while let Some((node, bytes)) = answers.next().await {
            if let Some(bytes) = bytes {
                *self.last.lock() = Some(node);
                return Some(bytes);
            }
        }
        None
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

/// Asks one peer, one block after another. Ends at the first trouble, and all that wait have their
/// answer then: the next want opens a new stream.
async fn ask_peer(
    exchange: Arc<dyn BlockExchange>,
    peer: NodeId,
    mut wants: mpsc::Receiver<Asked>,
) {
    let Ok(Ok(mut stream)) = timeout(ANSWER_MAX, exchange.open(peer)).await else { return };
    while let Some((cid, reply)) = wants.recv().await {
        let answer = timeout(ANSWER_MAX, async {
            stream.want(&[Want { cid, namespace: None, relay: false }]).await?;
            stream.next().await
        });
        let bytes = match answer.await {
            Ok(Ok((got, bytes))) if got == cid => bytes,
            Ok(Ok(_) | Err(_)) | Err(_) => return,
        };
        // Who asked for it would take this node for the liar.
        if let Some(bytes) = &bytes
            && !is_block_of(cid, bytes.clone()).await
        {
            tracing::warn!(%peer, %cid, "a peer sent other bytes than a block's; they go no further");
            return;
        }
        let _ = reply.send(bytes);
    }
}

/// Whether bytes have a CID's hash; hashing a large block would hold up the loops.
async fn is_block_of(cid: Cid, bytes: Bytes) -> bool {
    let hashed =
        tokio::task::spawn_blocking(move || cid_of(cid.codec(), &bytes).hash() == cid.hash());
    hashed.await.unwrap_or(false)
}

#[cfg(test)]
mod tests;
