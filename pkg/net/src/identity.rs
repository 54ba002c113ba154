//! Node ids and libp2p peer ids are two spellings of one Ed25519 public key.

use gadus_model::NodeId;
use gadus_ports::TransportError;
use libp2p::identity::{Keypair, PublicKey, ed25519};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

/// A peer id of an Ed25519 key: the identity multihash (0x00) of 36 bytes, which are the protobuf
/// `{Type: Ed25519 (1), Data: 32 bytes}`. See <https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md>.
const PREFIX: [u8; 6] = [0x00, 36, 0x08, 0x01, 0x12, 32];

/// The key pair of a 32-byte Ed25519 secret seed.
pub(crate) fn keypair(mut seed: [u8; 32]) -> Result<Keypair, TransportError> {
    Keypair::ed25519_from_bytes(&mut seed).map_err(|e| TransportError::Start {
        doing: "use the node's key".to_owned(),
        why: e.to_string(),
    })
}

/// The node id of a peer; none if its key is not Ed25519.
pub(crate) fn node_id(peer: &PeerId) -> Option<NodeId> {
    let bytes = peer.to_bytes();
    let key = bytes.strip_prefix(&PREFIX)?;
    key.try_into().ok().map(NodeId)
}

/// The peer id of a node; none if the 32 bytes are no point of the curve.
pub(crate) fn peer_id(node: &NodeId) -> Option<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(&node.0).ok()?;
    Some(PublicKey::from(key).to_peer_id())
}

/// The peer at the end of an address, if it names one.
pub(crate) fn peer_of_address(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

/// A node's id as libp2p writes it (`12D3Koo…`); none if it is no public key.
#[must_use]
pub fn peer_id_text(node: &NodeId) -> Option<String> {
    peer_id(node).map(|peer| peer.to_base58())
}

/// The node that a multiaddress with `/p2p/…` at its end names.
#[must_use]
pub fn node_id_of_address(address: &str) -> Option<NodeId> {
    peer_of_address(&address.parse().ok()?).and_then(|peer| node_id(&peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_and_peer_ids_map_both_ways() {
        for seed in 0..32 {
            let peer = keypair([seed; 32]).unwrap().public().to_peer_id();
            let node = node_id(&peer).unwrap();
            assert_eq!(peer_id(&node), Some(peer));
            assert!(peer_id_text(&node).unwrap().starts_with("12D3Koo"));
        }
    }

    #[test]
    fn the_node_id_is_the_public_key_itself() {
        let pair = keypair([7; 32]).unwrap();
        let public = pair.public().try_into_ed25519().unwrap().to_bytes();
        assert_eq!(node_id(&pair.public().to_peer_id()), Some(NodeId(public)));
    }

    #[test]
    fn a_peer_of_another_kind_of_key_is_no_node() {
        // A sha2-256 multihash, as RSA keys have.
        let peer = PeerId::from_bytes(&[&[0x12, 32][..], &[5; 32]].concat()).unwrap();
        assert_eq!(node_id(&peer), None);
    }

    #[test]
    fn an_address_names_its_node() {
        let peer = keypair([3; 32]).unwrap().public().to_peer_id();
        let address = format!("/ip4/10.0.0.1/tcp/4101/p2p/{peer}");
        assert_eq!(node_id_of_address(&address), node_id(&peer));
        assert_eq!(node_id_of_address("/ip4/10.0.0.1/tcp/4101"), None);
    }
}
