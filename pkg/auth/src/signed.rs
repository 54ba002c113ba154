//! Statements that a node stands by.

use gadus_model::{CodecError, NodeId, codec};
use serde::{Deserialize, Serialize};

use crate::key::{self, NodeKey, VerifyError};

/// What can be signed. The domain keeps a signature of one kind of statement from being shown as
/// one of another.
pub trait Statement: Serialize {
    /// Names the kind and its version, such as `gadus/receipt/1`; holds no zero byte.
    const DOMAIN: &'static [u8];
}

/// A statement with the node that makes it, and its Ed25519 signature over
/// `DOMAIN | 0x00 | DAG-CBOR(body)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed<T> {
    /// What is stated.
    pub body: T,
    /// Who states it.
    pub node: NodeId,
    /// 64 bytes.
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

impl<T: Statement> Signed<T> {
    /// Signs a statement.
    ///
    /// # Errors
    /// When the body has no DAG-CBOR form.
    pub fn new(key: &NodeKey, body: T) -> Result<Self, CodecError> {
        let signature = key.sign(&signing_bytes(&body)?).to_vec();
        Ok(Self { body, node: key.id(), signature })
    }

    /// The body, if the named node has signed it. Whether that node may say so is the caller's
    /// question.
    ///
    /// # Errors
    /// Why the signature does not count.
    pub fn verified(&self) -> Result<&T, VerifyError> {
        key::verify(&self.node, &signing_bytes(&self.body)?, &self.signature)?;
        Ok(&self.body)
    }
}

/// The bytes that are signed for a statement.
pub(crate) fn signing_bytes<T: Statement>(body: &T) -> Result<Vec<u8>, CodecError> {
    Ok([T::DOMAIN, &[0], &codec::encode(body)?].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Claim {
        words: String,
    }

    impl Statement for Claim {
        const DOMAIN: &'static [u8] = b"test/claim/1";
    }

    /// The same content, of another kind.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Joke {
        words: String,
    }

    impl Statement for Joke {
        const DOMAIN: &'static [u8] = b"test/joke/1";
    }

    fn claim() -> Claim {
        Claim { words: "it is so".to_owned() }
    }

    #[test]
    fn it_travels_and_still_counts() {
        let signed = Signed::new(&NodeKey::from_seed([1; 32]), claim()).unwrap();
        let bytes = codec::encode(&signed).unwrap();
        let back: Signed<Claim> = codec::decode_canonical(&bytes).unwrap();
        assert_eq!(back.verified().unwrap(), &claim());
    }

    #[test]
    fn a_flipped_byte_anywhere_does_not_count() {
        let signed = Signed::new(&NodeKey::from_seed([1; 32]), claim()).unwrap();
        let bytes = codec::encode(&signed).unwrap();
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            let counts = codec::decode_canonical::<Signed<Claim>>(&flipped)
                .is_ok_and(|signed| signed.verified().is_ok());
            assert!(!counts, "byte {place}");
        }
    }

    #[test]
    fn a_signature_of_one_kind_does_not_count_for_another() {
        let signed = Signed::new(&NodeKey::from_seed([1; 32]), claim()).unwrap();
        let Signed { body, node, signature } = signed;
        let joke = Signed { body: Joke { words: body.words }, node, signature };
        assert!(matches!(joke.verified(), Err(VerifyError::Signature(_))));
    }

    #[test]
    fn another_node_cannot_take_it_over() {
        let mut signed = Signed::new(&NodeKey::from_seed([1; 32]), claim()).unwrap();
        signed.node = NodeKey::from_seed([2; 32]).id();
        assert!(matches!(signed.verified(), Err(VerifyError::Signature(_))));
    }
}
