//! Keys and signatures: who a node is, and what it vouches for.
//!
//! Signatures are Ed25519 (RFC 8032), verified strictly, over `domain | 0x00 | DAG-CBOR`, so that a
//! signature of one kind of record is never one of another kind.

mod key;
mod receipt;

pub use key::{KeyError, NodeKey};
pub use receipt::{SignatureError, sign_receipt, verify_receipt};
