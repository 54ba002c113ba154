//! Blocks: their limit, their keys, and the check of their bytes against their CIDs.

use bytes::Bytes;
use cid::multihash::Multihash;
use gadus_model::{Cid, DAG_PB, RAW, SHA2_256};
use gadus_ports::ContentError;
use sha2::{Digest, Sha256};

use crate::error::malformed;

/// No block may be larger: what Kubo and Bitswap take.
pub const BLOCK_BYTES_MAX: usize = 2 << 20;

/// Multihash code of the identity: the CID holds the bytes themselves.
const IDENTITY: u64 = 0x00;

/// What a block is stored under. Blocks are the same whatever codec and CID version a link names
/// them by, so for SHA2-256 the key is the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(pub(crate) [u8; 32]);

impl Key {
    pub(crate) fn of(cid: &Cid) -> Self {
        let hash = cid.hash();
        match <[u8; 32]>::try_from(hash.digest()) {
            Ok(digest) if hash.code() == SHA2_256 => Self(digest),
            _ => Self(sha256(&hash.to_bytes())),
        }
    }
}

/// SHA2-256 of bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The CID of a raw leaf.
#[must_use]
pub fn raw_cid(bytes: &[u8]) -> Cid {
    sha256_cid(RAW, bytes)
}

/// The CID of a DAG-PB node.
#[must_use]
pub fn dag_pb_cid(bytes: &[u8]) -> Cid {
    sha256_cid(DAG_PB, bytes)
}

fn sha256_cid(codec: u64, bytes: &[u8]) -> Cid {
    let hash = Multihash::wrap(SHA2_256, &sha256(bytes)).unwrap_or_default();
    Cid::new_v1(codec, hash)
}

/// The bytes of a block whose CID holds them.
pub(crate) fn identity(cid: &Cid) -> Option<Bytes> {
    (cid.hash().code() == IDENTITY).then(|| Bytes::copy_from_slice(cid.hash().digest()))
}

/// Checks bytes against their CID.
///
/// # Errors
/// `BlockTooBig`, `HashMismatch`, and `Malformed` for a hash function that is not known.
pub(crate) fn verify(cid: &Cid, bytes: &[u8]) -> Result<(), ContentError> {
    if bytes.len() > BLOCK_BYTES_MAX {
        return Err(ContentError::BlockTooBig {
            cid: *cid,
            bytes: bytes.len() as u64,
            max: BLOCK_BYTES_MAX as u64,
        });
    }
    let digest = cid.hash().digest();
    let same = match cid.hash().code() {
        SHA2_256 => digest == sha256(bytes),
        IDENTITY => digest == bytes,
        code => {
            let name = hash_name(code);
            return Err(malformed(
                format!("block {cid}"),
                format!("its hash function is {name}; sha2-256 and identity are supported"),
            ));
        }
    };
    if same { Ok(()) } else { Err(ContentError::HashMismatch { cid: *cid }) }
}

/// Names from the multicodec table (<https://github.com/multiformats/multicodec>).
fn hash_name(code: u64) -> String {
    let name = match code {
        0x11 => "sha1",
        0x13 => "sha2-512",
        0x14..=0x17 => "sha3",
        0x1b => "keccak-256",
        0x1e => "blake3",
        0xb220 => "blake2b-256",
        _ => return format!("unknown (code {code:#x})"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_held_to_their_cid() {
        let cid = raw_cid(b"hello");
        assert!(verify(&cid, b"hello").is_ok());
        assert!(matches!(verify(&cid, b"hellO"), Err(ContentError::HashMismatch { .. })));
        let big = vec![0; BLOCK_BYTES_MAX + 1];
        assert!(matches!(verify(&raw_cid(&big), &big), Err(ContentError::BlockTooBig { .. })));
        let most = vec![0; BLOCK_BYTES_MAX];
        assert!(verify(&raw_cid(&most), &most).is_ok());
    }

    #[test]
    fn identity_cids_hold_their_bytes() {
        let cid = Cid::new_v1(RAW, Multihash::wrap(IDENTITY, b"tiny").unwrap());
        assert_eq!(identity(&cid).unwrap(), "tiny");
        assert!(verify(&cid, b"tiny").is_ok());
        assert!(verify(&cid, b"tinY").is_err());
    }

    #[test]
    fn an_unknown_hash_is_refused_by_name() {
        let cid = Cid::new_v1(RAW, Multihash::wrap(0x1e, &[0; 32]).unwrap());
        let error = verify(&cid, b"").unwrap_err().to_string();
        assert!(error.contains("blake3"), "{error}");
    }

    #[test]
    fn a_key_ignores_codec_and_version() {
        let raw = raw_cid(b"x");
        let pb = dag_pb_cid(b"x");
        let v0 = Cid::new_v0(*pb.hash()).unwrap();
        assert_eq!(Key::of(&raw), Key::of(&pb));
        assert_eq!(Key::of(&raw), Key::of(&v0));
    }
}
