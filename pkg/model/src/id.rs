//! Ids are types. What people see (`j-…`, `e-…`, `n-…`) is Bacalhau's form of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::codec::sha256;

/// The text given is not an id of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a {kind} id (expected {prefix}<uuid>)")]
pub struct ParseIdError {
    text: String,
    kind: &'static str,
    prefix: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(with = "uuid_bytes")] pub Uuid);

        impl $name {
            /// Prefix and first eight hex digits: enough for people.
            #[must_use]
            pub fn short(&self) -> String {
                self.to_string().chars().take($prefix.len() + 8).collect()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix($prefix)
                    .and_then(|rest| Uuid::try_parse(rest).ok())
                    .map(Self)
                    .ok_or_else(|| ParseIdError {
                        text: text.to_owned(),
                        kind: $kind,
                        prefix: $prefix,
                    })
            }
        }
    };
}

uuid_id!(
    /// A job, for ever: versions of it share the id.
    JobId, "job", "j-"
);
uuid_id!(
    /// One try at filling a slot, as the API names it; derived from slot and epoch.
    ExecutionId, "execution", "e-"
);
uuid_id!(
    /// What Bacalhau calls an evaluation: the id a submission or a stop is answered with.
    EvaluationId, "evaluation", ""
);

impl JobId {
    /// The stream of records that are about no job.
    pub const NONE: Self = Self(Uuid::nil());
}

/// UUIDs are sixteen bytes on the wire, whatever the format.
mod uuid_bytes {
    use serde::{Deserialize, Deserializer, Serializer};
    use uuid::Uuid;

    pub(super) fn serialize<S: Serializer>(id: &Uuid, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(id.as_bytes())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Uuid, D::Error> {
        let bytes = serde_bytes::ByteBuf::deserialize(d)?;
        Uuid::from_slice(&bytes).map_err(serde::de::Error::custom)
    }
}

/// Multicodec of an Ed25519 public key, as a varint.
const ED25519_PUB: [u8; 2] = [0xed, 0x01];

/// A machine in the network: its Ed25519 public key. The libp2p peer id is another spelling of
/// the same 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(#[serde(with = "serde_bytes")] pub [u8; 32]);

impl NodeId {
    /// The UUID that the API shows for this key: the first 16 bytes of its SHA2-256.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        derived_uuid(b"gadus/node/1", &self.0)
    }

    /// The key as a `did:key` (<https://w3c-ccg.github.io/did-key-spec/>): how receipts name it.
    #[must_use]
    pub fn did_key(&self) -> String {
        let key = [&ED25519_PUB[..], &self.0].concat();
        format!("did:key:{}", multibase::encode(multibase::Base::Base58Btc, key))
    }

    /// The node whose key a `did:key` is. `None` for what is no Ed25519 key in that form.
    #[must_use]
    pub fn from_did_key(text: &str) -> Option<Self> {
        let (base, bytes) = multibase::decode(text.strip_prefix("did:key:")?).ok()?;
        let key = bytes.strip_prefix(&ED25519_PUB)?.try_into().ok()?;
        (base == multibase::Base::Base58Btc).then_some(Self(key))
    }

    /// Prefix and first eight hex digits: enough for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(10).collect()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n-{}", self.uuid())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

/// A requester as the network knows it: an id that delegates to peer keys. Today it is the key
/// of its only node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnerId(pub NodeId);

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A UUID (version 8, RFC 9562) made of the SHA2-256 of a domain and some bytes.
#[must_use]
pub(crate) fn derived_uuid(domain: &[u8], bytes: &[u8]) -> Uuid {
    let hash = sha256(&[domain, b"|", bytes]);
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    Uuid::new_v8(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_as_bacalhau_does_and_parse_back() {
        let id = JobId(derived_uuid(b"test", b"1"));
        assert!(id.to_string().starts_with("j-"));
        assert_eq!(id.short().len(), 10);
        assert_eq!(id.to_string().parse::<JobId>(), Ok(id));
        assert!("e-nonsense".parse::<ExecutionId>().is_err());
    }

    #[test]
    fn a_key_is_a_did_and_back() {
        // The example of the specification of did:key, by its own bytes.
        let did = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
        let node = NodeId::from_did_key(did).unwrap();
        assert_eq!(node.did_key(), did);
        // Another kind of key, another base, what is too short, and what is nothing.
        for text in [
            "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc",
            &did[4..],
            "did:key:z6Mk",
            "",
            "did:key:f00",
        ] {
            assert_eq!(NodeId::from_did_key(text), None, "{text}");
        }
    }

    #[test]
    fn ids_are_bytes_in_dag_cbor() {
        let id = JobId(Uuid::nil());
        let bytes = crate::codec::encode(&id).unwrap();
        assert_eq!(bytes[0], 0x50, "a byte string of 16");
        assert_eq!(crate::codec::decode::<JobId>(&bytes).unwrap(), id);
    }
}
