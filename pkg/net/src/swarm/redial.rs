//! Which peers are to be dialled, and when. Decides only; the driver dials.

use std::time::{Duration, Instant};

use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId};

use crate::identity;

/// Addresses found by mDNS that are dialled; more are left alone.
const FOUND_MAX: usize = 256;

/// Addresses that are dialled for ever, each with its own wait.
#[derive(Debug)]
pub(crate) struct Redial {
    entries: Vec<Entry>,
    first: Duration,
    longest: Duration,
}

#[derive(Debug)]
struct Entry {
    address: Multiaddr,
    /// The address names its peer, so no other will do.
    named: bool,
    /// Found by mDNS: forgotten when that expires.
    found: bool,
    /// Who answered there last, or is named.
    peer: Option<PeerId>,
    failures: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting(Instant),
    Dialling(ConnectionId),
    Connected,
    /// The address is this node's own.
    Own,
}

impl Redial {
    pub(crate) fn new(
        addresses: Vec<Multiaddr>,
        first: Duration,
        longest: Duration,
        now: Instant,
    ) -> Self {
        let entries =
            addresses.into_iter().map(|address| Entry::new(address, false, now)).collect();
        Self { entries, first, longest }
    }

    /// When something is to be dialled next.
    pub(crate) fn next(&self) -> Option<Instant> {
        let wait = |entry: &Entry| match entry.state {
            State::Waiting(at) => Some(at),
            State::Dialling(_) | State::Connected | State::Own => None,
        };
        self.entries.iter().filter_map(wait).min()
    }

    /// What is to be dialled now. Peers that are connected already are not.
    pub(crate) fn due(
        &mut self,
        now: Instant,
        connected: impl Fn(&PeerId) -> bool,
    ) -> Vec<DialOpts> {
        let mut dials = Vec::new();
        for entry in &mut self.entries {
            if !matches!(entry.state, State::Waiting(at) if at <= now) {
                continue;
            }
            if entry.peer.as_ref().is_some_and(&connected) {
                entry.state = State::Connected;
                continue;
            }
            let dial = entry.dial();
            entry.state = State::Dialling(dial.connection_id());
            dials.push(dial);
        }
        dials
    }

    /// A connection was made, by whomever.
    pub(crate) fn established(&mut self, connection: ConnectionId, peer: PeerId) {
        for entry in &mut self.entries {
            if entry.state == State::Dialling(connection) {
                entry.peer = Some(peer);
                entry.state = State::Connected;
            }
        }
    }

    /// A dial has failed; tells the address and how often in a row, if it was one of ours.
    pub(crate) fn failed(
        &mut self,
        connection: ConnectionId,
        own: bool,
        now: Instant,
    ) -> Option<(&Multiaddr, u32)> {
        let (first, longest) = (self.first, self.longest);
        let entry = self.entries.iter_mut().find(|e| e.state == State::Dialling(connection))?;
        if own {
            entry.state = State::Own;
            return None;
        }
        entry.wait(first, longest, now);
        Some((&entry.address, entry.failures))
    }

    /// A peer's last connection has ended, after so long.
    pub(crate) fn lost(&mut self, peer: &PeerId, lived: Duration, now: Instant) {
        for entry in &mut self.entries {
            if entry.peer.as_ref() == Some(peer) && entry.state == State::Connected {
                // One that never lasts is dialled ever more rarely.
                if lived >= self.longest {
                    entry.failures = 0;
                }
                entry.wait(self.first, self.longest, now);
            }
        }
    }

    /// mDNS has found a peer.
    pub(crate) fn found(&mut self, peer: PeerId, address: Multiaddr, now: Instant) {
        let address = address.with_p2p(peer).unwrap_or_else(|address| address);
        let known =
            self.entries.iter().any(|e| e.address == address || (!e.found && e.peer == Some(peer)));
        if known || self.entries.iter().filter(|e| e.found).count() >= FOUND_MAX {
            return;
        }
        self.entries.push(Entry::new(address, true, now));
    }

    /// mDNS has not heard of a peer for long.
    pub(crate) fn expired(&mut self, peer: &PeerId) {
        self.entries.retain(|e| !(e.found && e.peer.as_ref() == Some(peer)));
    }
}

impl Entry {
    fn new(address: Multiaddr, found: bool, now: Instant) -> Self {
        let peer = identity::peer_of_address(&address);
        let named = peer.is_some();
        Self { address, named, found, peer, failures: 0, state: State::Waiting(now) }
    }

    /// From a port of its own: two nodes that dial each other from the ports they listen on can
    /// meet in one TCP connection, where both think that they are the dialler.
    fn dial(&self) -> DialOpts {
        match self.peer.filter(|_| self.named) {
            Some(peer) => DialOpts::peer_id(peer)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .addresses(vec![self.address.clone()])
                .allocate_new_port()
                .build(),
            None => DialOpts::unknown_peer_id()
                .address(self.address.clone())
                .allocate_new_port()
                .build(),
        }
    }

    fn wait(&mut self, first: Duration, longest: Duration, now: Instant) {
        let wait = first.saturating_mul(2u32.saturating_pow(self.failures)).min(longest);
        self.failures = self.failures.saturating_add(1);
        self.state = State::Waiting(now + wait);
    }
}

#[cfg(test)]
mod tests;
