//! All links, by node.

use std::collections::BTreeMap;
use std::sync::Arc;

use gadus_model::NodeId;
use libp2p::swarm::ConnectionId;
use parking_lot::RwLock;
use tokio::sync::{Semaphore, mpsc};

use gadus_ports::Inbound;

use super::{Link, session, writer};
use crate::shared::Shared;
use crate::streams::Opener;

/// The peers that have a connection, and those whose end the node was not told yet.
#[derive(Debug, Default)]
pub(crate) struct Links(RwLock<BTreeMap<NodeId, Arc<Link>>>);

impl Links {
    /// The link to a peer that is connected.
    pub(crate) fn get(&self, node: &NodeId) -> Option<Arc<Link>> {
        self.0.read().get(node).filter(|link| !link.closed.is_cancelled()).cloned()
    }

    /// The peers that the node knows to be up.
    pub(crate) fn up(&self) -> Vec<NodeId> {
        self.0.read().values().filter(|link| link.is_up()).map(|link| link.node).collect()
    }

    /// Takes note of a connection. The first of a peer makes its link, and starts what writes to
    /// and reads from it.
    pub(crate) fn connected(
        shared: &Arc<Shared>,
        inbound: &mpsc::Sender<Inbound>,
        (node, prefix): (NodeId, Option<String>),
        connection: ConnectionId,
        opener: Opener,
    ) {
        let mut all = shared.links.0.write();
        let old = all.get(&node);
        if let Some(link) = old.filter(|link| !link.closed.is_cancelled()) {
            link.connections.add(connection, opener);
            return;
        }
        let turn = old.map_or_else(|| Arc::new(Semaphore::new(1)), |link| link.turn.clone());
        let link = Arc::new(Link::new(node, prefix, &shared.limits, turn));
        link.connections.add(connection, opener);
        all.insert(node, link.clone());
        drop(all);
        tokio::spawn(writer::run(shared.clone(), link.clone()));
        tokio::spawn(session::run(shared.clone(), link, inbound.clone()));
    }

    /// Takes note that a connection has ended; after the last one the link ends too.
    pub(crate) fn disconnected(&self, node: &NodeId, connection: ConnectionId) {
        if let Some(link) = self.get(node)
            && link.connections.remove(connection)
        {
            link.closed.cancel();
        }
    }

    /// Forgets a link that has ended, unless the peer has a new one.
    pub(super) fn forget(&self, link: &Arc<Link>) {
        let mut all = self.0.write();
        if all.get(&link.node).is_some_and(|current| Arc::ptr_eq(current, link)) {
            all.remove(&link.node);
        }
    }
}
