//! A requester's signatures and secrets, by its node's key.

use std::sync::Arc;

use gadus_auth::NodeKey;
use gadus_model::NodeId;
use gadus_protocol::Notary;

/// The key of this node.
#[derive(Clone, Debug)]
pub(crate) struct KeyNotary(pub(crate) Arc<NodeKey>);

impl Notary for KeyNotary {
    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).to_vec()
    }

    fn secret(&self, label: &[u8]) -> [u8; 32] {
        self.0.secret(label)
    }

    fn node(&self) -> NodeId {
        self.0.id()
    }
}
