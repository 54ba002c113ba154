//! What this node gives to its peers: blocks that are public (or theirs), and the output of
//! their executions.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use gadus_model::{ExecutionId, NodeId};
use gadus_ports::{Content, LogRequest, LogStream, Serve, Transport, Want};
use parking_lot::RwLock;

use crate::logbook::Logbook;
use crate::relay::Relay;

/// Who an execution is run for, and what it may read of it.
#[derive(Clone, Copy)]
struct Owner {
    node: NodeId,
    may_read: MayRead,
}

/// How much of an execution its requester may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MayRead {
    /// What it prints.
    Output,
    /// That, and the blocks of its result.
    Result,
}

/// Answers peers. Made before the transport starts, since the transport calls it.
pub struct Server {
    content: Arc<dyn Content>,
    pub(crate) logbook: Logbook,
    /// Whose an execution is: its requester alone may read its output and its quarantine.
    owners: RwLock<BTreeMap<ExecutionId, Owner>>,
    relay: OnceLock<(Relay, Arc<dyn Transport>)>,
}

impl Server {
    /// A server over some content.
    pub fn new(content: Arc<dyn Content>) -> Arc<Self> {
        Arc::new(Self {
            content,
            logbook: Logbook::default(),
            owners: RwLock::default(),
            relay: OnceLock::new(),
        })
    }

    /// From now on it also asks others for what it lacks.
    pub(crate) fn relay_through(&self, relay: Relay, transport: Arc<dyn Transport>) {
        // Set once, at start; a second time changes nothing.
        let _ = self.relay.set((relay, transport));
    }

    pub(crate) fn own(&self, execution: ExecutionId, node: NodeId, may_read: MayRead) {
        self.owners.write().insert(execution, Owner { node, may_read });
    }

    pub(crate) fn disown(&self, execution: ExecutionId) {
        self.owners.write().remove(&execution);
    }

    fn may_read(&self, execution: ExecutionId, node: NodeId, what: MayRead) -> bool {
        let owners = self.owners.read();
        owners.get(&execution).is_some_and(|owner| owner.node == node && owner.may_read >= what)
    }
}

#[async_trait]
impl Serve for Server {
    async fn block(&self, from: NodeId, want: Want) -> Option<Bytes> {
        let namespace = want.namespace;
        let namespace =
            namespace.filter(|execution| self.may_read(*execution, from, MayRead::Result));
        match self.content.block(&want.cid, namespace).await {
            Ok(Some(bytes)) => return Some(bytes),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(cid = %want.cid, %error, "a block cannot be read");
                return None;
            }
        }
        let (relay, transport) = self.relay.get().filter(|_| want.relay)?;
        let mut peers = transport.peers();
        peers.retain(|peer| *peer != from && *peer != transport.node_id());
        relay.block(want.cid, &peers).await
    }

    async fn logs(&self, from: NodeId, request: LogRequest) -> Option<LogStream> {
        let page = self.logbook.page(request.execution)?;
        let known = self.may_read(request.execution, from, MayRead::Output);
        known.then(|| page.read(request.follow, request.tail))
    }
}
