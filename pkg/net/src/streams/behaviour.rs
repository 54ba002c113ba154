//! Our protocols as a part of the swarm: it lets peers in, and keeps their links.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionClosed, ConnectionDenied, ConnectionId, DialFailure, FromSwarm, ListenFailure,
    NetworkBehaviour, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use super::gate::Gate;
use super::handler::Handler;
use super::opener::Opener;
use crate::hub::Hub;
use crate::{identity, prefix};

/// Makes a [`Handler`] for every connection that the [`Gate`] admits.
pub(crate) struct Behaviour {
    pub(crate) gate: Gate,
    hub: Arc<Hub>,
    /// Connections that another behaviour may still refuse.
    pending: BTreeMap<ConnectionId, Opener>,
}

impl Behaviour {
    pub(crate) fn new(gate: Gate, hub: Arc<Hub>) -> Self {
        Self { gate, hub, pending: BTreeMap::new() }
    }

    fn admit(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
    ) -> Result<Handler, ConnectionDenied> {
        let node = self.gate.admit(&peer, Instant::now()).map_err(ConnectionDenied::new)?;
        let (opener, requests) = Opener::new();
        self.pending.insert(connection, opener);
        Ok(Handler::new(node, requests, self.hub.clone()))
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        self.admit(connection, peer)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        self.admit(connection, peer)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the enum is non-exhaustive, and the other events are not for us"
        )]
        match event {
            FromSwarm::ConnectionEstablished(up) => {
                let node = identity::node_id(&up.peer_id);
                if let (Some(node), Some(opener)) = (node, self.pending.remove(&up.connection_id)) {
                    let prefix = prefix::of(up.endpoint.get_remote_address());
                    self.hub.connected((node, prefix), up.connection_id, opener);
                }
            }
            FromSwarm::ConnectionClosed(ConnectionClosed { peer_id, connection_id, .. }) => {
                if let Some(node) = identity::node_id(&peer_id) {
                    self.hub.shared.links.disconnected(&node, connection_id);
                }
            }
            FromSwarm::DialFailure(DialFailure { connection_id, .. })
            | FromSwarm::ListenFailure(ListenFailure { connection_id, .. }) => {
                self.pending.remove(&connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: Infallible) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, Infallible>> {
        Poll::Pending
    }
}
