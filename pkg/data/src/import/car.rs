//! CAR archives, version 1 (<https://ipld.io/specs/transport/car/carv1/>).

use std::io::{self, Read};
use std::sync::Arc;

use gadus_model::Cid;
use gadus_ports::{ContentError, Imported, PinReason};
use serde::Deserialize;

use super::tally::tally;
use crate::block::{BLOCK_BYTES_MAX, verify};
use crate::content::Core;
use crate::error::{io_error, malformed};
use crate::unixfs::BlockSink;

/// Bytes of the header: it holds the roots.
const HEADER_BYTES_MAX: u64 = 64 << 10;
/// Bytes of a CID in a section.
const CID_BYTES_MAX: u64 = 128;

#[derive(Deserialize)]
struct Header {
    version: u64,
    #[serde(default)]
    roots: Vec<Cid>,
}

/// Imports an archive: its roots are pinned, and all below them must be in it or here already.
///
/// # Errors
/// `Malformed`, `HashMismatch`, `BlockTooBig`, `Missing`, `Full`, `Io`; then nothing is kept.
pub(crate) fn import_whole(core: &Core, source: impl Read) -> Result<Imported, ContentError> {
    let session = Arc::new(core.store.session(None));
    let roots = import(source, session.as_ref())?;
    let tally = tally(&session, &roots)?;
    // The first pin comes with the blocks, in one step.
    for (nth, root) in roots.iter().enumerate() {
        let pin = Some((*root, PinReason::User));
        if nth == 0 {
            session.commit(pin)?
        } else {
            core.store.session(None).commit(pin)?
        }
        core.complete.add(root);
    }
    Ok(Imported { root: roots[0], roots, bytes: tally.bytes, files: tally.files })
}

/// Verifies every block of an archive and gives it to the sink; answers the roots.
///
/// # Errors
/// `Malformed`, `HashMismatch`, `BlockTooBig`, `Io`, and what the sink says.
pub(crate) fn import(
    mut source: impl Read,
    sink: &dyn BlockSink,
) -> Result<Vec<Cid>, ContentError> {
    let roots = header(&mut source)?;
    let mut section = Vec::new();
    while let Some(length) = varint(&mut source)? {
        if length > BLOCK_BYTES_MAX as u64 + CID_BYTES_MAX {
            return Err(bad(format!(
                "a section has {length} bytes; a block may have {BLOCK_BYTES_MAX}"
            )));
        }
        read(&mut source, length, &mut section)?;
        let mut rest = section.as_slice();
        let cid = Cid::read_bytes(&mut rest).map_err(|e| bad(format!("a CID is bad: {e}")))?;
        verify(&cid, rest)?;
        sink.put(&cid, rest)?;
    }
    Ok(roots)
}

fn header(source: &mut impl Read) -> Result<Vec<Cid>, ContentError> {
    let length = varint(source)?.ok_or_else(|| bad("it is empty"))?;
    if length == 0 || length > HEADER_BYTES_MAX {
        return Err(bad(format!("its header has {length} bytes, the limit is {HEADER_BYTES_MAX}")));
    }
    let mut bytes = Vec::new();
    read(source, length, &mut bytes)?;
    let header: Header =
        serde_ipld_dagcbor::from_slice(&bytes).map_err(|_| bad("its header is no CAR header"))?;
    match (header.version, header.roots.is_empty()) {
        (1, false) => Ok(header.roots),
        (1, true) => Err(bad("it names no root")),
        (other, _) => Err(bad(format!("its version is {other}; 1 is supported"))),
    }
}

/// The next length; `None` at a clean end.
fn varint(source: &mut impl Read) -> Result<Option<u64>, ContentError> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let mut byte = [0];
        match source.read_exact(&mut byte) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof && shift == 0 => return Ok(None),
            Err(e) => return Err(broken(e)),
        }
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok(Some(value));
        }
    }
    Err(bad("a length is too long"))
}

fn read(source: &mut impl Read, length: u64, into: &mut Vec<u8>) -> Result<(), ContentError> {
    into.clear();
    let read = source.take(length).read_to_end(into).map_err(broken)?;
    if read as u64 == length { Ok(()) } else { Err(bad("it ends in the middle of a block")) }
}

fn bad(why: impl Into<String>) -> ContentError {
    malformed("the CAR archive", why)
}

fn broken(error: io::Error) -> ContentError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return bad("it ends in the middle of a block");
    }
    io_error("reading the CAR archive", error)
}
