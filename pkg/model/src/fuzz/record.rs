//! Records of bundles and evidence, and messages.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::message::{Envelope, Gossip};
use crate::verdict::{CloseBody, DrawRecord, Reveal, VerdictBody};
use crate::{Bundle, Evidence, Manifest, Proof, Receipt, Signed, codec};

/// The kind of record in the first byte, and then a record. What is read is written again, to the
/// very bytes where it is one that is signed or addressed, and read again to the same.
pub fn record(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 10 {
        0 => message::<Envelope>(bytes),
        1 => message::<Gossip>(bytes),
        2 => canonical::<Bundle>(bytes),
        3 => canonical::<Proof>(bytes),
        4 => canonical::<Evidence>(bytes),
        5 => canonical::<Manifest>(bytes),
        6 => canonical::<Receipt>(bytes),
        7 => canonical::<Signed<VerdictBody>>(bytes),
        8 => canonical::<Signed<CloseBody>>(bytes),
        _ => {
            canonical::<Reveal>(bytes);
            canonical::<DrawRecord>(bytes);
        }
    }
}

fn message<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    if let Ok(value) = codec::decode::<T>(bytes) {
        written_and_read(&value);
    }
}

fn canonical<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    if let Ok(value) = codec::decode_canonical::<T>(bytes) {
        assert_eq!(written_and_read(&value), bytes);
    }
}

fn written_and_read<T: DeserializeOwned + Serialize>(value: &T) -> Vec<u8> {
    let written = codec::encode(value).expect("what was read can be written");
    let read: T = codec::decode_canonical(&written).expect("what was written can be read");
    assert_eq!(codec::encode(&read).ok().as_ref(), Some(&written));
    written
}
