//! The frames of a CAR (<https://ipld.io/specs/transport/car/carv1/>).

use bytes::{BufMut as _, Bytes, BytesMut};
use gadus_model::{Cid, codec};
use gadus_ports::ContentError;
use serde::Serialize;

use crate::error::malformed;

#[derive(Serialize)]
struct Header<'a> {
    roots: &'a [Cid],
    version: u64,
}

/// The header of a CAR with these roots, its length before it.
pub(super) fn header(roots: &[Cid]) -> Result<Bytes, ContentError> {
    let header = codec::encode(&Header { roots, version: 1 });
    let header = header.map_err(|e| malformed("the header of a CAR", e.to_string()))?;
    let mut out = BytesMut::with_capacity(header.len() + 9);
    put_varint(&mut out, header.len() as u64);
    out.put_slice(&header);
    Ok(out.freeze())
}

/// What comes before the bytes of a block: the length of the section, and the CID.
pub(super) fn put_section(out: &mut BytesMut, cid: &Cid, length: usize) {
    let cid = cid.to_bytes();
    put_varint(out, (cid.len() + length) as u64);
    out.put_slice(&cid);
}

fn put_varint(out: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        // The low seven bits, and that more follow.
        out.put_u8((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}
