//! The parts of the swarm.

use std::time::Duration;

use gadus_model::codec;
use gadus_ports::TransportError;
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::gossipsub::{
    self, MaxCountSubscriptionFilter, MessageAuthenticity, MessageId, TopicHash, ValidationMode,
    WhitelistSubscriptionFilter,
};
use libp2p::identity::Keypair;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{identify, mdns, ping};

use crate::config::{NetConfig, NetLimits, ms};
use crate::protocol::Protocols;
use crate::streams;

/// Bytes of a gossip with its signature and envelope.
const TRANSMIT_BYTES_MAX: usize = 64 << 10;

/// Only the topics we know, and few subscriptions at once.
type Subscriptions = MaxCountSubscriptionFilter<WhitelistSubscriptionFilter>;
pub(crate) type Gossipsub = gossipsub::Behaviour<gossipsub::IdentityTransform, Subscriptions>;

/// Limits come first: what they refuse, the others never see.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) limits: connection_limits::Behaviour,
    pub(crate) streams: streams::Behaviour,
    pub(crate) identify: identify::Behaviour,
    pub(crate) ping: ping::Behaviour,
    pub(crate) gossip: Gossipsub,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
}

impl Behaviour {
    pub(crate) fn new(
        key: &Keypair,
        config: &NetConfig,
        protocols: &Protocols,
        streams: streams::Behaviour,
    ) -> Result<Self, TransportError> {
        let limits = &config.limits;
        let identify = identify::Config::new(protocols.version(), key.public())
            .with_agent_version(config.agent.clone());
        let ping = ping::Config::new()
            .with_interval(ms(limits.ping_ms))
            .with_timeout(ms(limits.ping_timeout_ms));
        let mdns = if config.mdns {
            let peer = key.public().to_peer_id();
            let behaviour = mdns::tokio::Behaviour::new(mdns::Config::default(), peer)
                .map_err(|e| start("look for peers by mDNS", &e))?;
            Some(behaviour)
        } else {
            None
        };
        Ok(Self {
            limits: connection_limits::Behaviour::new(connection_limits(limits)),
            streams,
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping),
            gossip: gossipsub(key, limits, protocols)?,
            mdns: mdns.into(),
        })
    }
}

fn connection_limits(limits: &NetLimits) -> ConnectionLimits {
    ConnectionLimits::default()
        .with_max_established(Some(limits.connections_max))
        .with_max_established_per_peer(Some(limits.connections_per_peer_max))
        .with_max_pending_incoming(Some(limits.connections_pending_max))
        .with_max_pending_outgoing(Some(limits.connections_pending_max))
}

/// A mesh for few nodes: whoever announces tells all it knows at once, and whoever relays tells
/// its mesh, which the first `mesh_n_low` peers join as soon as they subscribe. So with up to four
/// neighbours nobody waits for a heartbeat.
fn gossipsub(
    key: &Keypair,
    limits: &NetLimits,
    protocols: &Protocols,
) -> Result<Gossipsub, TransportError> {
    let config = gossipsub::ConfigBuilder::default()
        .protocol_id_prefix(protocols.mesh_prefix())
        .validation_mode(ValidationMode::Strict)
        .validate_messages()
        .message_id_fn(|message| MessageId::from(codec::sha256(&[&message.data])))
        .max_transmit_size(TRANSMIT_BYTES_MAX)
        .mesh_outbound_min(1)
        .mesh_n_low(4)
        .mesh_n(6)
        .mesh_n_high(12)
        .flood_publish(true)
        .heartbeat_initial_delay(ms(limits.gossip_heartbeat_ms))
        .heartbeat_interval(ms(limits.gossip_heartbeat_ms))
        .duplicate_cache_time(Duration::from_secs(60))
        .build()
        .map_err(|e| start("set up gossip", &e))?;
    let topic = gossipsub::IdentTopic::new(protocols.jobs_topic());
    let subscriptions = MaxCountSubscriptionFilter {
        filter: WhitelistSubscriptionFilter([topic.hash()].into()),
        max_subscribed_topics: 4,
        max_subscriptions_per_request: 16,
    };
    let signed = MessageAuthenticity::Signed(key.clone());
    let mut gossip = Gossipsub::new_with_subscription_filter(signed, config, subscriptions)
        .map_err(|e| start("set up gossip", &e))?;
    gossip.subscribe(&topic).map_err(|e| start("join the gossip", &e))?;
    Ok(gossip)
}

/// The topic of announcements, as gossipsub names it.
pub(crate) fn jobs_topic(protocols: &Protocols) -> TopicHash {
    gossipsub::IdentTopic::new(protocols.jobs_topic()).hash()
}

fn start(doing: &str, why: &dyn std::fmt::Display) -> TransportError {
    TransportError::Start { doing: doing.to_owned(), why: why.to_string() }
}
