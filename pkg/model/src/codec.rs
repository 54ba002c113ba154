//! Canonical DAG-CBOR, and the CIDs of what it encodes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::marker::PhantomData;

use cid::Cid;
use multihash_codetable::{Code, MultihashDigest};
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Multicodec of raw bytes.
pub const RAW: u64 = 0x55;
/// Multicodec of DAG-PB, the codec of UnixFS directories and multi-block files.
pub const DAG_PB: u64 = 0x70;
/// Multicodec of DAG-CBOR, the codec of tasks, manifests and receipts.
pub const DAG_CBOR: u64 = 0x71;
/// Multihash code of SHA2-256.
pub const SHA2_256: u64 = 0x12;

/// Why bytes are not the canonical DAG-CBOR of the value that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The bytes do not decode to the type.
    #[error("not a valid {what}: {why}")]
    Decode {
        /// The type that was expected.
        what: &'static str,
        /// What the decoder said.
        why: String,
    },
    /// The value has no DAG-CBOR form (a map key that is no string, say).
    #[error("{what} cannot be encoded: {why}")]
    Encode {
        /// The type that was to be encoded.
        what: &'static str,
        /// What the encoder said.
        why: String,
    },
    /// The bytes decode, but are not what encoding the value again gives.
    #[error("{what} is not in canonical form")]
    NotCanonical {
        /// The type that was expected.
        what: &'static str,
    },
}

/// Encodes a value as canonical DAG-CBOR.
///
/// # Errors
/// When the value has no DAG-CBOR form; our own types always have one.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CodecError> {
    serde_ipld_dagcbor::to_vec(value)
        .map_err(|e| CodecError::Encode { what: std::any::type_name::<T>(), why: e.to_string() })
}

/// Decodes a value from DAG-CBOR; trailing bytes are an error.
///
/// # Errors
/// When the bytes are not DAG-CBOR or not of this type.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    serde_ipld_dagcbor::from_slice(bytes)
        .map_err(|e| CodecError::Decode { what: std::any::type_name::<T>(), why: e.to_string() })
}

/// Decodes a value and checks that the bytes are its one canonical encoding. For everything that
/// is signed or addressed: two encodings of one value would be two CIDs of the same thing.
///
/// # Errors
/// As [`decode`], and when the bytes are not canonical.
pub fn decode_canonical<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, CodecError> {
    let value: T = decode(bytes)?;
    if encode(&value)? != bytes {
        return Err(CodecError::NotCanonical { what: std::any::type_name::<T>() });
    }
    Ok(value)
}

/// The CIDv1 of bytes under a codec, with SHA2-256.
#[must_use]
pub fn cid_of(codec: u64, bytes: &[u8]) -> Cid {
    Cid::new_v1(codec, Code::Sha2_256.digest(bytes))
}

/// The DAG-CBOR CID of a value.
///
/// # Errors
/// As [`encode`].
pub fn cid_of_value<T: Serialize>(value: &T) -> Result<Cid, CodecError> {
    Ok(cid_of(DAG_CBOR, &encode(value)?))
}

/// SHA2-256 of the concatenation of parts.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let all = parts.concat();
    let digest = Code::Sha2_256.digest(&all);
    let mut out = [0; 32];
    out.copy_from_slice(digest.digest());
    out
}

/// Reads the version of a record, and refuses all but the one that this code writes: what another
/// version says would be misread, or dropped silently.
pub(crate) fn version<'de, D: Deserializer<'de>, const KNOWN: u8>(d: D) -> Result<u8, D::Error> {
    let v = u8::deserialize(d)?;
    if v != KNOWN {
        return Err(D::Error::custom(format!(
            "version {v} of this record is unknown here (this release knows version {KNOWN})"
        )));
    }
    Ok(v)
}

/// Reads a map, and refuses one that has a key twice: which of the values was meant, nobody can
/// tell.
pub(crate) fn map_without_doubles<'de, D, V>(d: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    d.deserialize_map(EachOnce(PhantomData))
}

struct EachOnce<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for EachOnce<V> {
    type Value = BTreeMap<String, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut read = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, V>()? {
            match read.entry(key) {
                Entry::Vacant(place) => _ = place.insert(value),
                Entry::Occupied(place) => {
                    return Err(A::Error::custom(format!("'{}' is there twice", place.key())));
                }
            }
        }
        Ok(read)
    }
}
