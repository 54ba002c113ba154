//! The loop that drives the swarm. It waits for nothing but news: whatever may be slow (the node,
//! a peer, the content) is behind a bounded queue.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use gadus_model::NodeId;
use gadus_ports::{Inbound, TransportError};
use libp2p::gossipsub::TopicHash;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, swarm};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::behaviour::{self, Behaviour};
use super::redial::Redial;
use super::transport;
use crate::config::{self, NetConfig, NetLimits, ms};
use crate::gossip::Judge;
use crate::hub::Hub;
use crate::identity;
use crate::shared::{Command, Shared};
use crate::streams::{self, Gate};

/// Gossips that wait until the node has room for them; more are dropped, as announcements are
/// repeated.
const GOSSIPS_MAX: usize = 256;

/// Inbound streams of a connection that are being negotiated; further ones wait in the muxer.
const NEGOTIATING_MAX: usize = 512;

/// The swarm and what its loop remembers.
pub(crate) struct Driver {
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) shared: Arc<Shared>,
    pub(super) judge: Judge,
    pub(super) redial: Redial,
    pub(super) topic: TopicHash,
    /// Towards the node, through a queue of its own.
    pub(super) gossips: mpsc::Sender<Inbound>,
    /// When each connection was made.
    pub(super) since: BTreeMap<ConnectionId, Instant>,
    publish_at: Instant,
    commands: mpsc::Receiver<Command>,
}

impl Driver {
    /// Sets the swarm up; must run on the runtime that will drive it.
    ///
    /// # Errors
    /// `Start`, when the config or the system does not allow it.
    pub(crate) fn new(
        config: &NetConfig,
        key: &Keypair,
        hub: Hub,
        commands: mpsc::Receiver<Command>,
    ) -> Result<Self, TransportError> {
        let now = Instant::now();
        let limits = &config.limits;
        let shared = hub.shared.clone();
        let gossips = forward(hub.inbound.clone());
        let gate = Gate::new(config.allow.clone(), ms(limits.penalty_ms));
        let streams = streams::Behaviour::new(gate, Arc::new(hub));
        let behaviour = Behaviour::new(key, config, &shared.protocols, streams)?;
        let swarm = Swarm::new(
            transport::build(key, limits)?,
            behaviour,
            key.public().to_peer_id(),
            swarm_config(limits),
        );
        let (first, longest) = (ms(limits.redial_ms), ms(limits.redial_max_ms));
        Ok(Self {
            swarm,
            judge: Judge::new(limits.gossip_bytes_max, limits.gossip_rate_max, now),
            redial: Redial::new(config::parse_addresses(&config.peers)?, first, longest, now),
            topic: behaviour::jobs_topic(&shared.protocols),
            gossips,
            since: BTreeMap::new(),
            publish_at: now,
            commands,
            shared,
        })
    }

    /// Listens on every address of the config, and waits until each listens.
    ///
    /// # Errors
    /// `Start`, naming the address.
    pub(crate) async fn listen(&mut self, addresses: &[String]) -> Result<(), TransportError> {
        let failed = |address: &Multiaddr, why: String| TransportError::Start {
            doing: format!("listen on {address}"),
            why,
        };
        let mut waiting = BTreeMap::new();
        for address in config::parse_addresses(addresses)? {
            check_free(&address).map_err(|e| failed(&address, e.to_string()))?;
            let listener = self
                .swarm
                .listen_on(address.clone())
                .map_err(|e| failed(&address, innermost(&e)))?;
            waiting.insert(listener.to_string(), address);
        }
        while !waiting.is_empty() {
            let event = self.swarm.select_next_some().await;
            if let SwarmEvent::NewListenAddr { listener_id, .. } = &event {
                waiting.remove(&listener_id.to_string());
            } else if let SwarmEvent::ListenerClosed { listener_id, reason, .. } = &event
                && let Some(address) = waiting.remove(&listener_id.to_string())
            {
                let why = reason.as_ref().err().map(ToString::to_string);
                return Err(failed(&address, why.unwrap_or_default()));
            }
            self.on_event(event);
        }
        Ok(())
    }

    /// Runs until it is stopped.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            let shared = self.shared.clone();
            tokio::select! {
                () = stop.cancelled() => return,
                Some(command) = self.commands.recv() => self.obey(command),
                () = publishable(&shared, self.publish_at) => self.publish(),
                () = until(self.redial.next()) => self.dial(),
                event = self.swarm.select_next_some() => self.on_event(event),
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Cut { node, why } => self.cut(node, &why),
        }
    }

    /// Closes every connection to a node that sent nonsense, and keeps it away for a while.
    pub(super) fn cut(&mut self, node: NodeId, why: &str) {
        self.shared.counters.nonsense.one();
        tracing::warn!(peer = %node, "cut off: {why}");
        self.swarm.behaviour_mut().streams.gate.punish(node, Instant::now());
        if let Some(peer) = identity::peer_id(&node) {
            // It may have gone by itself.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }

    fn publish(&mut self) {
        let Some(batch) = self.shared.outbox.take() else { return };
        let counters = &self.shared.counters;
        match self.swarm.behaviour_mut().gossip.publish(self.topic.clone(), batch.bytes) {
            Ok(_) => {
                counters.gossips_sent.one();
                counters.announcements_sent.add(batch.announcements);
            }
            Err(e) => {
                counters.announcements_dropped.add(batch.announcements);
                tracing::debug!("an announcement was not gossiped: {e}");
            }
        }
        self.publish_at = Instant::now() + ms(self.shared.limits.gossip_gap_ms);
    }

    fn dial(&mut self) {
        let now = Instant::now();
        let swarm = &self.swarm;
        let dials = self.redial.due(now, |peer: &PeerId| swarm.is_connected(peer));
        for dial in dials {
            let connection = dial.connection_id();
            if let Err(e) = self.swarm.dial(dial) {
                self.on_dial_failed(connection, &e);
            }
        }
    }
}

/// Whether an address to listen on is free. libp2p would share a port with whoever has it, and
/// connections would go to either.
fn check_free(address: &Multiaddr) -> std::io::Result<()> {
    let mut parts = address.iter();
    let ip = match parts.next() {
        Some(Protocol::Ip4(ip)) => IpAddr::from(ip),
        Some(Protocol::Ip6(ip)) => IpAddr::from(ip),
        _ => return Ok(()),
    };
    match parts.next() {
        Some(Protocol::Tcp(port @ 1..)) => TcpListener::bind((ip, port)).map(drop),
        _ => Ok(()),
    }
}

fn swarm_config(limits: &NetLimits) -> swarm::Config {
    swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(ms(limits.idle_ms))
        .with_max_negotiating_inbound_streams(NEGOTIATING_MAX)
}

/// A queue that empties into the node's, and waits for it in the swarm's stead.
fn forward(inbound: mpsc::Sender<Inbound>) -> mpsc::Sender<Inbound> {
    let (sender, mut gossips) = mpsc::channel(GOSSIPS_MAX);
    tokio::spawn(async move {
        while let Some(gossip) = gossips.recv().await {
            if inbound.send(gossip).await.is_err() {
                return;
            }
        }
    });
    sender
}

/// Waits until something is to be gossiped, and it is time.
async fn publishable(shared: &Shared, at: Instant) {
    shared.outbox.filled().await;
    if Instant::now() < at {
        tokio::time::sleep_until(at.into()).await;
    }
}

fn until(at: Option<Instant>) -> impl Future<Output = ()> {
    let far = || Instant::now() + Duration::from_secs(3_600);
    tokio::time::sleep_until(at.unwrap_or_else(far).into())
}

/// What the system said, without libp2p's wrapping.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
