//! Receipts: what a node claims about a task that it ran.

use gadus_model::{CodecError, NodeId, Receipt, ReceiptBody, Statement};

use crate::key::{self, NodeKey, VerifyError};

/// Why a receipt is not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// It is another node's claim.
    #[error("the receipt is {theirs}'s to sign, this key is {ours}'s")]
    NotOurs {
        /// Whose claim it is.
        theirs: NodeId,
        /// Whose key it is.
        ours: NodeId,
    },
    /// It has no canonical form.
    #[error("the receipt cannot be encoded")]
    Encode(#[from] CodecError),
}

/// Signs a claim of the key's own node.
///
/// # Errors
/// `NotOurs` when the body names another node.
pub fn sign_receipt(key: &NodeKey, body: ReceiptBody) -> Result<Receipt, SignError> {
    if body.node != key.id() {
        return Err(SignError::NotOurs { theirs: body.node, ours: key.id() });
    }
    let signature = key.sign(&body.signing_bytes()?).to_vec();
    Ok(Receipt { body, signature })
}

/// Checks that the node which a receipt names has signed it. Whether that node is to be believed
/// is another question.
///
/// # Errors
/// Why the signature does not count.
pub fn verify_receipt(receipt: &Receipt) -> Result<(), VerifyError> {
    key::verify(&receipt.body.node, &receipt.body.signing_bytes()?, &receipt.signature)
}

#[cfg(test)]
mod tests {
    use gadus_model::receipt::RECEIPT_VERSION;
    use gadus_model::{DAG_CBOR, Usage, codec};

    use super::*;

    fn body(node: NodeId) -> ReceiptBody {
        ReceiptBody {
            v: RECEIPT_VERSION,
            task: codec::cid_of(DAG_CBOR, b"task"),
            manifest: codec::cid_of(DAG_CBOR, b"manifest"),
            usage: Usage { fuel: Some(7), ..Usage::default() },
            engine: "wasm/1".to_owned(),
            profile: "unixfs-v1-2025".to_owned(),
            node,
            cause: None,
            fx: None,
        }
    }

    fn receipt() -> Receipt {
        let key = NodeKey::from_seed([1; 32]);
        sign_receipt(&key, body(key.id())).unwrap()
    }

    #[test]
    fn a_receipt_counts_wherever_it_is_read() {
        let bytes = codec::encode(&receipt()).unwrap();
        verify_receipt(&codec::decode_canonical(&bytes).unwrap()).unwrap();
    }

    #[test]
    fn a_receipt_with_any_byte_flipped_does_not_count() {
        let bytes = codec::encode(&receipt()).unwrap();
        for place in 0..bytes.len() {
            for mask in [0x01, 0x80] {
                let mut flipped = bytes.clone();
                flipped[place] ^= mask;
                let counts = codec::decode_canonical::<Receipt>(&flipped)
                    .is_ok_and(|receipt| verify_receipt(&receipt).is_ok());
                assert!(!counts, "byte {place}, mask {mask:#x}");
            }
        }
    }

    #[test]
    fn a_receipt_under_another_node_s_name_does_not_count() {
        let mut receipt = receipt();
        receipt.body.node = NodeKey::from_seed([2; 32]).id();
        assert!(matches!(verify_receipt(&receipt), Err(VerifyError::Signature(_))));
    }

    #[test]
    fn nobody_signs_for_another() {
        let key = NodeKey::from_seed([1; 32]);
        let other = NodeKey::from_seed([2; 32]).id();
        let error = sign_receipt(&key, body(other)).unwrap_err();
        assert!(matches!(error, SignError::NotOurs { theirs, .. } if theirs == other));
    }

    #[test]
    fn a_receipt_is_a_statement_like_any_other() {
        let body = body(NodeId([1; 32]));
        let key = NodeKey::from_seed([1; 32]);
        let signed = crate::sign(&key, body.clone()).unwrap();
        assert_eq!(signed.signature, key.sign(&body.signing_bytes().unwrap()));
    }
}
