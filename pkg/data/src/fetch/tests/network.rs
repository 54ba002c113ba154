//! A network of fakes, honest and otherwise.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::pending;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use gadus_model::{Cid, NodeId};
use gadus_ports::{BlockExchange, BlockStream, TransportError, Want};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::raw_cid;

/// What a peer does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Nature {
    Honest,
    /// Sends other bytes.
    Liar,
    /// Answers what it was not asked.
    Nonsense,
    /// Never answers.
    Silent,
    Unreachable,
    /// Lacks each block so many times before it has it.
    Late {
        misses: u32,
    },
    /// Each stream ends after so many answers.
    Breaks {
        after: u32,
    },
    /// Asks another on behalf of who allows it.
    Relay {
        to: u8,
    },
}

#[derive(Default)]
struct Counts {
    asked: BTreeMap<NodeId, Vec<Want>>,
    bytes_sent: BTreeMap<NodeId, u64>,
    opened: usize,
}

pub(super) struct Network {
    shared: Arc<Shared>,
}

struct Shared {
    peers: BTreeMap<NodeId, (Nature, HashMap<Cid, Bytes>)>,
    counts: Mutex<Counts>,
    asked: Notify,
}

impl Network {
    pub(super) fn new<'a>(
        peers: impl IntoIterator<Item = (u8, Nature, &'a Vec<(Cid, Bytes)>)>,
    ) -> Arc<Self> {
        let peer = |(nth, nature, blocks): (u8, Nature, &Vec<(Cid, Bytes)>)| {
            (NodeId([nth; 32]), (nature, blocks.iter().cloned().collect()))
        };
        let peers = peers.into_iter().map(peer).collect();
        let shared = Shared { peers, counts: Mutex::default(), asked: Notify::new() };
        Arc::new(Self { shared: Arc::new(shared) })
    }

    pub(super) fn asked_of(&self, peer: NodeId) -> Vec<Want> {
        self.shared.asked_of(peer)
    }

    pub(super) fn asked(&self) -> usize {
        self.shared.counts.lock().asked.values().map(Vec::len).sum()
    }

    pub(super) fn opened(&self) -> usize {
        self.shared.counts.lock().opened
    }

    pub(super) fn bytes_sent(&self, peer: NodeId) -> u64 {
        self.shared.counts.lock().bytes_sent.get(&peer).copied().unwrap_or_default()
    }

    pub(super) async fn wait_until_asked(&self) {
        self.shared.asked.notified().await;
    }
}

impl Shared {
    fn asked_of(&self, peer: NodeId) -> Vec<Want> {
        self.counts.lock().asked.get(&peer).cloned().unwrap_or_default()
    }

    /// What a peer has for a want, by the table alone.
    fn answer(&self, peer: NodeId, want: &Want) -> Option<Bytes> {
        let (nature, blocks) = &self.peers[&peer];
        let bytes = blocks.get(&want.cid).cloned();
        match nature {
            Nature::Relay { to } if bytes.is_none() && want.relay => {
                self.answer(NodeId([*to; 32]), &Want { relay: false, ..*want })
            }
            Nature::Late { misses } => {
                let times = self.asked_of(peer).iter().filter(|old| old.cid == want.cid).count();
                bytes.filter(|_| times > *misses as usize)
            }
            Nature::Liar => bytes.map(|bytes| Bytes::from([&bytes[..], b"!"].concat())),
            Nature::Honest
            | Nature::Nonsense
            | Nature::Silent
            | Nature::Unreachable
            | Nature::Breaks { .. }
            | Nature::Relay { .. } => bytes,
        }
    }
}

#[async_trait]
impl BlockExchange for Network {
    async fn open(&self, peer: NodeId) -> Result<Box<dyn BlockStream>, TransportError> {
        self.shared.counts.lock().opened += 1;
        let nature = self.shared.peers[&peer].0;
        if matches!(nature, Nature::Unreachable) {
            return Err(TransportError::Unreachable(peer));
        }
        let shared = self.shared.clone();
        Ok(Box::new(Stream { shared, peer, nature, answers: VecDeque::new(), given: 0 }))
    }
}

struct Stream {
    shared: Arc<Shared>,
    peer: NodeId,
    nature: Nature,
    answers: VecDeque<(Cid, Option<Bytes>)>,
    given: u32,
}

#[async_trait]
impl BlockStream for Stream {
    async fn want(&mut self, wants: &[Want]) -> Result<(), TransportError> {
        for want in wants {
            self.shared.counts.lock().asked.entry(self.peer).or_default().push(*want);
            self.answers.push_back((want.cid, self.shared.answer(self.peer, want)));
        }
        self.shared.asked.notify_one();
        Ok(())
    }

    async fn next(&mut self) -> Result<(Cid, Option<Bytes>), TransportError> {
        if matches!(self.nature, Nature::Silent) {
            return pending().await;
        }
        if matches!(self.nature, Nature::Nonsense) {
            return Ok((raw_cid(b"nonsense"), None));
        }
        if matches!(self.nature, Nature::Breaks { after } if self.given == after) {
            return Err(TransportError::Closed(self.peer));
        }
        let Some((cid, bytes)) = self.answers.pop_front() else { return pending().await };
        self.given += 1;
        let sent = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        *self.shared.counts.lock().bytes_sent.entry(self.peer).or_default() += sent;
        Ok((cid, bytes))
    }
}
