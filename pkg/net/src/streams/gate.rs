//! Who may connect.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use gadus_model::NodeId;
use libp2p::PeerId;

use crate::identity;

/// Penalties remembered at once; the oldest makes room.
const PENALTIES_MAX: usize = 1_024;

/// The allow-list, and who is kept away for a while.
#[derive(Debug)]
pub(crate) struct Gate {
    allow: Option<BTreeSet<NodeId>>,
    penalty: Duration,
    until: BTreeMap<NodeId, Instant>,
}

/// Why a peer may not connect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    #[error("its key is not Ed25519")]
    Key,
    #[error("it is not on the allow-list")]
    NotAllowed,
    #[error("it sent nonsense a moment ago")]
    Penalty,
}

impl Gate {
    pub(crate) fn new(allow: Option<BTreeSet<NodeId>>, penalty: Duration) -> Self {
        Self { allow, penalty, until: BTreeMap::new() }
    }

    pub(crate) fn admit(&mut self, peer: &PeerId, now: Instant) -> Result<NodeId, Denied> {
        let node = identity::node_id(peer).ok_or(Denied::Key)?;
        if !self.allows(&node) {
            return Err(Denied::NotAllowed);
        }
        match self.until.get(&node) {
            Some(until) if now < *until => Err(Denied::Penalty),
            Some(_) => {
                self.until.remove(&node);
                Ok(node)
            }
            None => Ok(node),
        }
    }

    /// Whether the allow-list lets a node take part.
    pub(crate) fn allows(&self, node: &NodeId) -> bool {
        self.allow.as_ref().is_none_or(|list| list.contains(node))
    }

    /// Keeps a node away for a while.
    pub(crate) fn punish(&mut self, node: NodeId, now: Instant) {
        if self.until.len() >= PENALTIES_MAX {
            let oldest = self.until.iter().min_by_key(|(_, until)| **until).map(|(node, _)| *node);
            if let Some(oldest) = oldest {
                self.until.remove(&oldest);
            }
        }
        self.until.insert(node, now + self.penalty);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(seed: u8) -> PeerId {
        identity::keypair([seed; 32]).unwrap().public().to_peer_id()
    }

    fn node(seed: u8) -> NodeId {
        identity::node_id(&peer(seed)).unwrap()
    }

    #[test]
    fn a_penalty_ends() {
        let now = Instant::now();
        let mut gate = Gate::new(None, Duration::from_secs(10));
        assert_eq!(gate.admit(&peer(1), now), Ok(node(1)));
        gate.punish(node(1), now);
        assert_eq!(gate.admit(&peer(1), now + Duration::from_secs(9)), Err(Denied::Penalty));
        assert_eq!(gate.admit(&peer(2), now), Ok(node(2)));
        assert_eq!(gate.admit(&peer(1), now + Duration::from_secs(10)), Ok(node(1)));
    }

    #[test]
    fn the_allow_list_lets_nobody_else_in() {
        let mut gate = Gate::new(Some([node(1)].into()), Duration::ZERO);
        assert_eq!(gate.admit(&peer(1), Instant::now()), Ok(node(1)));
        assert_eq!(gate.admit(&peer(2), Instant::now()), Err(Denied::NotAllowed));
    }

    #[test]
    fn a_key_of_another_kind_is_denied() {
        let rsa = PeerId::from_bytes(&[&[0x12, 32][..], &[5; 32]].concat()).unwrap();
        assert_eq!(Gate::new(None, Duration::ZERO).admit(&rsa, Instant::now()), Err(Denied::Key));
    }

    #[test]
    fn penalties_are_bounded() {
        let now = Instant::now();
        let mut gate = Gate::new(None, Duration::from_secs(1));
        for n in 0..=PENALTIES_MAX {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&n.to_be_bytes());
            gate.punish(NodeId(id), now + Duration::from_millis(n as u64));
        }
        assert_eq!(gate.until.len(), PENALTIES_MAX);
        assert!(!gate.until.contains_key(&NodeId([0; 32])), "the oldest went");
    }
}
