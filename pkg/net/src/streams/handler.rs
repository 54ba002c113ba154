//! One connection's end of our protocols.

use std::array;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use gadus_model::NodeId;
use libp2p::core::upgrade::{InboundUpgrade, ReadyUpgrade, UpgradeInfo};
use libp2p::swarm::handler::{
    ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
};
use libp2p::swarm::{
    ConnectionHandler, ConnectionHandlerEvent, StreamUpgradeError, SubstreamProtocol,
};
use libp2p::{Stream, StreamProtocol};
use tokio::sync::mpsc;

use super::opener::{OpenError, Reply, Request};
use crate::config::ms;
use crate::hub::Hub;
use crate::protocol::Purpose;

/// Opens what is requested, and hands what the peer opens to the hub.
pub(crate) struct Handler {
    node: NodeId,
    requests: mpsc::Receiver<Request>,
    hub: Arc<Hub>,
}

impl Handler {
    pub(crate) fn new(node: NodeId, requests: mpsc::Receiver<Request>, hub: Arc<Hub>) -> Self {
        Self { node, requests, hub }
    }
}

/// Accepts any of our protocols, and tells which it was.
#[derive(Clone, Debug)]
pub(crate) struct Accept([(Purpose, StreamProtocol); 3]);

/// A protocol's name that remembers what it is for.
#[derive(Clone, Debug)]
pub(crate) struct Named(Purpose, StreamProtocol);

impl AsRef<str> for Named {
    fn as_ref(&self) -> &str {
        self.1.as_ref()
    }
}

impl UpgradeInfo for Accept {
    type Info = Named;
    type InfoIter = array::IntoIter<Named, 3>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.clone().map(|(purpose, name)| Named(purpose, name)).into_iter()
    }
}

impl InboundUpgrade<Stream> for Accept {
    type Output = (Purpose, Stream);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, name: Named) -> Self::Future {
        ready(Ok((name.0, stream)))
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Infallible;
    type ToBehaviour = Infallible;
    type InboundProtocol = Accept;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Reply;

    fn listen_protocol(&self) -> SubstreamProtocol<Accept> {
        SubstreamProtocol::new(Accept(self.hub.shared.protocols.all()), ()).with_timeout(ms(self
            .hub
            .shared
            .limits
            .handshake_ms))
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, Reply, Infallible>> {
        while let Poll::Ready(Some(Request { purpose, reply })) = self.requests.poll_recv(cx) {
            if reply.is_closed() {
                continue;
            }
            let shared = &self.hub.shared;
            let upgrade = ReadyUpgrade::new(shared.protocols.of(purpose).clone());
            let protocol =
                SubstreamProtocol::new(upgrade, reply).with_timeout(ms(shared.limits.handshake_ms));
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: Infallible) {
        match event {}
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol, (), Reply>,
    ) {
        // Whoever asked may have gone meanwhile; then the stream closes again.
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the enum is non-exhaustive, and the other events are not for us"
        )]
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (purpose, stream),
                ..
            }) => self.hub.accept(self.node, purpose, stream),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol,
                info: reply,
            }) => {
                let _ = reply.send(Ok(protocol));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info: reply, error }) => {
                let _ = reply.send(Err(match error {
                    StreamUpgradeError::NegotiationFailed => OpenError::Unsupported,
                    StreamUpgradeError::Timeout
                    | StreamUpgradeError::Apply(_)
                    | StreamUpgradeError::Io(_) => OpenError::Failed,
                }));
            }
            _ => {}
        }
    }
}
