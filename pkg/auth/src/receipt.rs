//! Signing and checking receipts.

use ed25519_dalek::{Signature, VerifyingKey};
use gadus_model::{CodecError, Receipt, ReceiptBody};

use crate::NodeKey;

/// Why a signature does not count.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// It is not that node's signature over that body.
    #[error("the signature is not {node}'s over this record")]
    Wrong {
        /// Who is said to have signed.
        node: gadus_model::NodeId,
    },
    /// The body has no encoding.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// Signs a claim with its node's key.
///
/// # Errors
/// `Wrong` when the claim names another node; a codec error never in practice.
pub fn sign_receipt(key: &NodeKey, body: ReceiptBody) -> Result<Receipt, SignatureError> {
    if body.node != key.id() {
        return Err(SignatureError::Wrong { node: body.node });
    }
    let signature = key.sign(&body.signing_bytes()?);
    Ok(Receipt { body, signature })
}

/// Checks that a receipt was signed by the node it names.
///
/// # Errors
/// `Wrong` for every other signature, malleable ones and small-order keys included.
pub fn verify_receipt(receipt: &Receipt) -> Result<(), SignatureError> {
    let node = receipt.body.node;
    let bytes = receipt.body.signing_bytes()?;
    let wrong = |_| SignatureError::Wrong { node };
    let key = VerifyingKey::from_bytes(&node.0).map_err(wrong)?;
    let signature = Signature::from_slice(&receipt.signature).map_err(wrong)?;
    key.verify_strict(&bytes, &signature).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use gadus_model::codec::{DAG_CBOR, cid_of, decode, encode};
    use gadus_model::receipt::RECEIPT_VERSION;
    use gadus_model::{NodeId, Usage};
    use proptest::prelude::*;

    use super::*;

    fn receipt(key: &NodeKey) -> Receipt {
        let body = ReceiptBody {
            v: RECEIPT_VERSION,
            task: cid_of(DAG_CBOR, b"task"),
            manifest: cid_of(DAG_CBOR, b"manifest"),
            usage: Usage::default(),
            engine: "wasm/1".to_owned(),
            profile: "unixfs-v1-2025".to_owned(),
            node: key.id(),
            cause: None,
            fx: None,
        };
        sign_receipt(key, body).unwrap()
    }

    #[test]
    fn nobody_signs_for_another() {
        let (mine, theirs) = (NodeKey::from_seed([1; 32]), NodeKey::from_seed([2; 32]));
        let mut receipt = receipt(&mine);
        assert!(verify_receipt(&receipt).is_ok());
        receipt.body.node = theirs.id();
        assert!(verify_receipt(&receipt).is_err());
        assert!(sign_receipt(&mine, receipt.body).is_err());
    }

    #[test]
    fn a_key_of_small_order_verifies_nothing() {
        let mut receipt = receipt(&NodeKey::from_seed([1; 32]));
        receipt.body.node = NodeId([0; 32]);
        assert!(verify_receipt(&receipt).is_err());
    }

    proptest! {
        #[test]
        fn any_flipped_bit_fails(at in 0_usize..400, bit in 0_u8..8) {
            let bytes = encode(&receipt(&NodeKey::from_seed([1; 32]))).unwrap();
            let mut flipped = bytes.clone();
            let at = at % flipped.len();
            flipped[at] ^= 1 << bit;
            if let Ok(receipt) = decode::<Receipt>(&flipped) {
                prop_assert!(verify_receipt(&receipt).is_err());
            }
        }
    }
}
