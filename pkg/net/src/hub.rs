//! Where connections meet what serves them; lives on the network's own thread.

use std::sync::Arc;

use gadus_model::NodeId;
use gadus_ports::Inbound;
use libp2p::Stream;
use libp2p::swarm::ConnectionId;
use tokio::sync::mpsc;

use crate::blocks;
use crate::link::Links;
use crate::logs;
use crate::protocol::Purpose;
use crate::shared::Shared;
use crate::streams::Opener;

/// Takes connections and streams from the swarm.
pub(crate) struct Hub {
    pub(crate) shared: Arc<Shared>,
    pub(crate) inbound: mpsc::Sender<Inbound>,
}

impl Hub {
    /// A peer has one more connection, from a network.
    pub(crate) fn connected(
        &self,
        peer: (NodeId, Option<String>),
        connection: ConnectionId,
        opener: Opener,
    ) {
        Links::connected(&self.shared, &self.inbound, peer, connection, opener);
    }

    /// A peer has opened a stream: its server starts at once, or when the peer has a free place.
    pub(crate) fn accept(&self, node: NodeId, purpose: Purpose, stream: Stream) {
        let Some(link) = self.shared.links.get(&node) else { return };
        if purpose == Purpose::Messages {
            link.give(stream);
            return;
        }
        let shared = self.shared.clone();
        self.shared.runtime.spawn(async move {
            // The muxer bounds how many can wait here.
            let _place = link.inbound_streams.acquire().await;
            let served = match purpose {
                Purpose::Blocks => blocks::serve(&shared, &link, stream).await,
                Purpose::Logs => logs::serve(&shared, &link, stream).await,
                Purpose::Messages => Ok(()),
            };
            match served {
                Err(e) if crate::frame::is_nonsense(&e) => {
                    shared.cut(node, &e.to_string()).await;
                }
                Err(e) => tracing::debug!(peer = %node, ?purpose, "a stream ended: {e}"),
                Ok(()) => {}
            }
        });
    }
}
