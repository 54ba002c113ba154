//! A node's key.

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use gadus_model::{CodecError, NodeId, codec};

/// An Ed25519 key pair (RFC 8032). The public half is the node's id.
pub struct NodeKey(SigningKey);

/// Why a signature does not count.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The node's id is no usable public key.
    #[error("{0} is no valid Ed25519 public key")]
    Key(NodeId),
    /// The signature is not 64 bytes long.
    #[error("the signature has {0} bytes instead of 64")]
    Length(usize),
    /// This node did not sign these bytes.
    #[error("the signature is not one by {0} of this content")]
    Signature(NodeId),
    /// What was signed has no canonical form.
    #[error("what was signed cannot be encoded")]
    Encode(#[from] CodecError),
}

impl NodeKey {
    /// A new key, from the system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_seed(rand::random())
    }

    /// The key of a 32-byte secret seed.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The node that has this key.
    #[must_use]
    pub fn id(&self) -> NodeId {
        NodeId(self.0.verifying_key().to_bytes())
    }

    /// The secret seed, 32 bytes: whoever has it is this node.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// A secret of its own for each label, 32 bytes: SHA2-256 of the key and the label, from which
    /// the key cannot be had.
    #[must_use]
    pub fn secret(&self, label: &[u8]) -> [u8; 32] {
        codec::sha256(&[b"gadus/secret/1", &[0], &self.seed(), label])
    }

    /// The signature of some bytes, 64 bytes. Callers put a domain in front, as
    /// [`crate::sign`] does.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NodeKey").field(&self.id()).finish()
    }
}

/// Checks that a node signed some bytes. Strictly: keys and points of small order, and signatures
/// with a second valid form, are refused, so that all agree about each signature.
///
/// # Errors
/// `Key`, `Length` or `Signature`.
pub fn verify(node: &NodeId, bytes: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
    let key = VerifyingKey::from_bytes(&node.0).map_err(|_| VerifyError::Key(*node))?;
    let signature =
        Signature::from_slice(signature).map_err(|_| VerifyError::Length(signature.len()))?;
    key.verify_strict(bytes, &signature).map_err(|_| VerifyError::Signature(*node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_for_its_key_and_bytes_alone() {
        let (key, other) = (NodeKey::generate(), NodeKey::generate());
        let signature = key.sign(b"bytes");
        verify(&key.id(), b"bytes", &signature).unwrap();
        assert!(matches!(
            verify(&other.id(), b"bytes", &signature),
            Err(VerifyError::Signature(node)) if node == other.id()
        ));
        assert!(verify(&key.id(), b"Bytes", &signature).is_err());
        assert!(matches!(
            verify(&key.id(), b"bytes", &signature[..63]),
            Err(VerifyError::Length(63))
        ));
        for bit in 0..512 {
            let mut flipped = signature;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(&key.id(), b"bytes", &flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn the_rfc_s_first_example() {
        // RFC 8032, 7.1, test 1.
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public =
            hex::decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590\
                         a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
        let key = NodeKey::from_seed(seed.unwrap().try_into().unwrap());
        assert_eq!(key.id().0.to_vec(), public.unwrap());
        assert_eq!(hex::encode(key.sign(b"")), signature);
    }

    #[test]
    fn a_key_of_small_order_signs_nothing() {
        // The neutral element as key and point: plain verification would accept any message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let signature = [&neutral[..], &[0; 32]].concat();
        assert!(verify(&NodeId(neutral), b"anything", &signature).is_err());
    }

    #[test]
    fn its_debug_form_keeps_the_secret() {
        let key = NodeKey::from_seed([0xab; 32]);
        let shown = format!("{key:?}");
        assert!(shown.contains(&key.id().short()), "{shown}");
        assert!(!shown.contains("ab, ab") && !shown.contains("171, 171"), "{shown}");
    }
}
