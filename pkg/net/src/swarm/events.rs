//! What the driver does about the swarm's events.

use std::time::Instant;

use gadus_ports::Inbound;
use libp2p::gossipsub::{self, Message, MessageAcceptance, MessageId};
use libp2p::swarm::{ConnectionId, DialError, ListenError, SwarmEvent};
use libp2p::{PeerId, identify, mdns, ping};

use super::behaviour::BehaviourEvent;
use super::driver::Driver;
use crate::gossip::Verdict;
use crate::identity;

/// A failing dial is worth a warning the first time, and then every so many.
const WARN_EVERY: u32 = 16;

impl Driver {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "libp2p's enums are non-exhaustive, and their other events say nothing new"
    )]
    pub(super) fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour_event(event),
            SwarmEvent::NewListenAddr { address, .. } => {
                let peer = *self.swarm.local_peer_id();
                tracing::info!(%address, "listening");
                let address = address.with_p2p(peer).unwrap_or_else(|address| address);
                self.shared.listening.write().push(address);
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                let peer = *self.swarm.local_peer_id();
                let address = address.with_p2p(peer).unwrap_or_else(|address| address);
                self.shared.listening.write().retain(|other| *other != address);
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, .. } => {
                self.since.insert(connection_id, Instant::now());
                self.redial.established(connection_id, peer_id);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, num_established, .. } => {
                let now = Instant::now();
                let since = self.since.remove(&connection_id).unwrap_or(now);
                if num_established == 0 {
                    self.redial.lost(&peer_id, now - since, now);
                }
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                self.on_dial_failed(connection_id, &error);
            }
            SwarmEvent::IncomingConnectionError {
                error: ListenError::Denied { cause },
                send_back_addr,
                ..
            } => {
                self.shared.counters.connections_refused.one();
                tracing::debug!(from = %send_back_addr, "refused a connection: {cause:?}");
            }
            _ => {}
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "libp2p's enums are non-exhaustive, and their other events say nothing new"
    )]
    fn on_behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossip(gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            }) => self.on_gossip(propagation_source, message_id, message),
            BehaviourEvent::Gossip(gossipsub::Event::Subscribed { peer_id, .. }) => {
                if let Some(link) =
                    identity::node_id(&peer_id).and_then(|node| self.shared.links.get(&node))
                {
                    link.set_subscribed();
                }
            }
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                let checked = self.shared.protocols.check_version(&info.protocol_version);
                if let (Err(why), Some(node)) = (checked, identity::node_id(&peer_id)) {
                    self.cut(node, &why);
                }
            }
            BehaviourEvent::Ping(ping::Event { connection, result: Err(error), .. }) => {
                tracing::debug!(%connection, "no answer to a ping: {error}");
                self.swarm.close_connection(connection);
            }
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => {
                for (peer, address) in found {
                    self.redial.found(peer, address, Instant::now());
                }
            }
            BehaviourEvent::Mdns(mdns::Event::Expired(gone)) => {
                for (peer, _) in gone {
                    self.redial.expired(&peer);
                }
            }
            _ => {}
        }
    }

    fn on_gossip(&mut self, relay: PeerId, id: MessageId, message: Message) {
        let signer = message.source.as_ref().and_then(identity::node_id);
        let gate = &self.swarm.behaviour().streams.gate;
        let verdict = match signer.filter(|signer| gate.allows(signer)) {
            Some(signer) => self.judge.judge(signer, &message.data, Instant::now()),
            None => Verdict::Ignore,
        };
        let acceptance = match &verdict {
            Verdict::Deliver(_) | Verdict::Relay => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject(_) => MessageAcceptance::Reject,
        };
        self.swarm.behaviour_mut().gossip.report_message_validation_result(&id, &relay, acceptance);
        let counters = &self.shared.counters;
        match (verdict, signer) {
            (Verdict::Deliver(gossip), Some(from)) => {
                if self.gossips.try_send(Inbound::Gossip { from, gossip }).is_ok() {
                    counters.gossips_received.one();
                } else {
                    counters.gossips_ignored.one();
                }
            }
            (Verdict::Reject(why), _) => {
                if let Some(node) = identity::node_id(&relay) {
                    self.cut(node, &why);
                }
            }
            (Verdict::Deliver(_) | Verdict::Relay | Verdict::Ignore, _) => {
                counters.gossips_ignored.one();
            }
        }
    }

    pub(super) fn on_dial_failed(&mut self, connection: ConnectionId, error: &DialError) {
        let own = matches!(error, DialError::LocalPeerId { .. });
        let Some((address, failures)) = self.redial.failed(connection, own, Instant::now()) else {
            return;
        };
        if failures % WARN_EVERY == 1 {
            tracing::warn!(%address, failures, "cannot connect, will try again: {error}");
        } else {
            tracing::debug!(%address, failures, "cannot connect, will try again: {error}");
        }
    }
}
