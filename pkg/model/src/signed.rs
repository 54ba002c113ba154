//! Statements that a node stands by.

use serde::{Deserialize, Serialize};

use crate::NodeId;
use crate::codec::{self, CodecError};

/// What can be signed. The domain keeps a signature of one kind of statement from being shown as
/// one of another.
pub trait Statement: Serialize + Sized {
    /// Names the kind and its version, such as `gadus/receipt/1`; holds no zero byte.
    const DOMAIN: &'static [u8];

    /// The bytes that are signed: `DOMAIN | 0x00 | DAG-CBOR(self)`.
    ///
    /// # Errors
    /// When it has no DAG-CBOR form; our own statements always have one.
    fn signing_bytes(&self) -> Result<Vec<u8>, CodecError> {
        Ok([Self::DOMAIN, &[0], &codec::encode(self)?].concat())
    }
}

/// A statement with the node that makes it, and its Ed25519 signature over
/// [`Statement::signing_bytes`]. `gadus-auth` makes and checks them.
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
