//! The hash functions that blocks may be named by, from the multicodec table
//! (<https://github.com/multiformats/multicodec>). We write SHA2-256 alone; what others wrote is
//! read. Kubo takes the same, but for SHA-1, for which two blocks can be made with one name.

use multihash_codetable::{Code, MultihashDigest as _};

/// The least that may be left of a digest, as in Kubo.
pub(crate) const DIGEST_BYTES_MIN: usize = 20;

/// What is supported, for messages.
pub(crate) const SUPPORTED: &str = "sha2-256, sha2-512, sha3, keccak, blake2b, blake3 and identity";

/// The whole digest of bytes; `None` for a function that is not supported.
pub(crate) fn digest(code: u64, bytes: &[u8]) -> Option<Vec<u8>> {
    let code = Code::try_from(code).ok()?;
    Some(code.digest(bytes).digest().to_vec())
}

/// What a function is called.
pub(crate) fn name(code: u64) -> String {
    let name = match code {
        0x11 => "sha1",
        0xd5 => "md5",
        0x1012 => "sha2-256-trunc254-padded",
        0x1053..=0x1055 => "ripemd",
        0xb241..=0xb260 => "blake2s",
        0xb401 => "poseidon-bls12_381-a2-fc1",
        _ => return format!("unknown (code {code:#x})"),
    };
    name.to_owned()
}
