//! The bytes of block streams.

use std::io;

use bytes::Bytes;
use cid::Cid;
use gadus_model::ExecutionId;
use gadus_ports::Want;

use crate::frame;

/// Wants in one frame.
pub(super) const WANTS_MAX: usize = 128;
/// Bytes of such a frame: a want has a CID, a UUID and a flag, well under 128 bytes.
pub(super) const WANTS_BYTES_MAX: u32 = 16 << 10;

/// An answer begins with it when there is no block.
pub(super) const MISSING: u8 = 0;
/// An answer begins with it, then four bytes of length, when there is one.
pub(super) const BLOCK: u8 = 1;
/// Bytes before a block.
pub(super) const HEAD_BYTES: usize = 5;

type WireWant = (Cid, Option<ExecutionId>, bool);

pub(super) fn encode_wants<'a>(wants: impl Iterator<Item = &'a Want>) -> io::Result<Bytes> {
    let wants: Vec<WireWant> = wants.map(|w| (w.cid, w.namespace, w.relay)).collect();
    frame::of(&wants)
}

pub(super) fn decode_wants(frame: &[u8]) -> io::Result<Vec<Want>> {
    let wants: Vec<WireWant> = frame::decode(frame)?;
    if wants.len() > WANTS_MAX {
        let why = format!("{} wants in a frame, {WANTS_MAX} are allowed", wants.len());
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(wants.into_iter().map(|(cid, namespace, relay)| Want { cid, namespace, relay }).collect())
}

#[cfg(test)]
mod tests {
    use gadus_model::{RAW, codec};

    use super::*;

    fn want(n: u8) -> Want {
        let execution = codec::decode(&[&[0x50][..], &[n; 16]].concat()).unwrap();
        Want {
            cid: codec::cid_of(RAW, &[n]),
            namespace: Some(execution),
            relay: n.is_multiple_of(2),
        }
    }

    #[test]
    fn a_full_frame_of_wants_fits_and_comes_back() {
        let wants: Vec<_> = (0..WANTS_MAX as u8).map(want).collect();
        let frame = encode_wants(wants.iter()).unwrap();
        assert!(frame.len() <= WANTS_BYTES_MAX as usize, "{}", frame.len());
        assert_eq!(decode_wants(&frame[frame::HEADER_BYTES..]).unwrap(), wants);
    }

    #[test]
    fn more_wants_than_a_frame_may_hold_are_nonsense() {
        let wants = vec![want(1); WANTS_MAX + 1];
        let frame = encode_wants(wants.iter()).unwrap();
        let error = decode_wants(&frame[frame::HEADER_BYTES..]).unwrap_err();
        assert!(frame::is_nonsense(&error));
    }
}
