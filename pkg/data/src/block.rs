//! Blocks: their limit, their keys, and the check of their bytes against their CIDs.

use bytes::Bytes;
use cid::multihash::Multihash;
use gadus_model::{Cid, DAG_PB, RAW, SHA2_256};
use gadus_ports::ContentError;
use sha2::{Digest, Sha256};

use crate::error::malformed;
use crate::hash;

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

    /// Half of it: enough that nobody can make two blocks share it, and half the memory where many
    /// are remembered.
    pub(crate) fn half(&self) -> u128 {
        let mut half = [0; 16];
        half.copy_from_slice(&self.0[..16]);
        u128::from_le_bytes(half)
    }
}

/// A block and how it is read: one that is a leaf to the one who names it raw has links to the
/// one who names it a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Reading(Key, u64);

impl Reading {
    pub(crate) fn of(cid: &Cid) -> Self {
        Self(Key::of(cid), cid.codec())
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
/// `BlockTooBig`, `HashMismatch`, and `Malformed` for a hash function that is not known, or cut to
/// so little that anybody finds other bytes for it.
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
        SHA2_256 if digest.len() == 32 => digest == sha256(bytes),
        IDENTITY => digest == bytes,
        code => match hash::digest(code, bytes) {
            Some(full) if digest.len() < hash::DIGEST_BYTES_MIN.min(full.len()) => {
                let why = format!("its digest has {} bytes only", digest.len());
                return Err(malformed(format!("block {cid}"), why));
            }
            Some(full) => full.starts_with(digest),
            None => {
                let why = format!(
                    "its hash function is {}; {} are supported",
                    hash::name(code),
                    hash::SUPPORTED
                );
                return Err(malformed(format!("block {cid}"), why));
            }
        },
    };
    if same { Ok(()) } else { Err(ContentError::HashMismatch { cid: *cid }) }
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
        let cid = Cid::new_v1(RAW, Multihash::wrap(0x11, &[0; 20]).unwrap());
        let error = verify(&cid, b"").unwrap_err().to_string();
        assert!(error.contains("sha1"), "{error}");
    }

    #[test]
    fn other_hashes_are_checked_and_may_be_cut_but_not_to_nothing() {
        for code in [SHA2_256, 0x13, 0x14, 0x16, 0x1b, 0x1e, 0xb220, 0xb240] {
            let full = hash::digest(code, b"x").unwrap();
            let cid = |digest: &[u8]| Cid::new_v1(RAW, Multihash::wrap(code, digest).unwrap());
            assert!(verify(&cid(&full), b"x").is_ok(), "{code:#x}");
            assert!(verify(&cid(&full[..20]), b"x").is_ok(), "{code:#x}");
            assert!(verify(&cid(&full), b"y").is_err(), "{code:#x}");
            let error = verify(&cid(&full[..19]), b"x").unwrap_err().to_string();
            assert!(error.contains("19 bytes only"), "{error}");
        }
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
