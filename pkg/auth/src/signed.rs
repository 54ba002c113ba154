//! Statements that a node stands by: signed and checked.

use gadus_model::{CodecError, Signed, Statement};

use crate::key::{self, NodeKey, VerifyError};

/// Signs a statement.
///
/// # Errors
/// When the body has no DAG-CBOR form.
pub fn sign<T: Statement>(key: &NodeKey, body: T) -> Result<Signed<T>, CodecError> {
    let signature = key.sign(&body.signing_bytes()?).to_vec();
    Ok(Signed { body, node: key.id(), signature })
}

/// The body of a statement, if the named node has signed it. Whether that node may say so is the
/// caller's question.
///
/// # Errors
/// Why the signature does not count.
pub fn verified<T: Statement>(signed: &Signed<T>) -> Result<&T, VerifyError> {
    key::verify(&signed.node, &signed.body.signing_bytes()?, &signed.signature)?;
    Ok(&signed.body)
}

#[cfg(test)]
mod tests {
    use gadus_model::codec;
    use serde::{Deserialize, Serialize};

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
        let signed = sign(&NodeKey::from_seed([1; 32]), claim()).unwrap();
        let bytes = codec::encode(&signed).unwrap();
        let back: Signed<Claim> = codec::decode_canonical(&bytes).unwrap();
        assert_eq!(verified(&back).unwrap(), &claim());
    }

    #[test]
    fn a_flipped_byte_anywhere_does_not_count() {
        let signed = sign(&NodeKey::from_seed([1; 32]), claim()).unwrap();
        let bytes = codec::encode(&signed).unwrap();
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            let counts = codec::decode_canonical::<Signed<Claim>>(&flipped)
                .is_ok_and(|signed| verified(&signed).is_ok());
            assert!(!counts, "byte {place}");
        }
    }

    #[test]
    fn a_signature_of_one_kind_does_not_count_for_another() {
        let signed = sign(&NodeKey::from_seed([1; 32]), claim()).unwrap();
        let Signed { body, node, signature } = signed;
        let joke = Signed { body: Joke { words: body.words }, node, signature };
        assert!(matches!(verified(&joke), Err(VerifyError::Signature(_))));
    }

    #[test]
    fn another_node_cannot_take_it_over() {
        let mut signed = sign(&NodeKey::from_seed([1; 32]), claim()).unwrap();
        signed.node = NodeKey::from_seed([2; 32]).id();
        assert!(matches!(verified(&signed), Err(VerifyError::Signature(_))));
    }
}
