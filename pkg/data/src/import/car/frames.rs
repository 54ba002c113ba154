//! The frames of a CAR: a header, and sections of one block each.

use std::io::{self, Read};

use gadus_model::Cid;
use gadus_ports::ContentError;
use serde::Deserialize;

use crate::block::BLOCK_BYTES_MAX;
use crate::error::{io_error, malformed};

/// Bytes of the header: it holds the roots.
const HEADER_BYTES_MAX: u64 = 64 << 10;
/// Bytes of a CID in a section.
const CID_BYTES_MAX: u64 = 128;

/// What an archive begins with.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) version: u64,
    #[serde(default)]
    pub(super) roots: Vec<Cid>,
}

impl Header {
    pub(super) fn read(source: &mut impl Read) -> Result<Self, ContentError> {
        let cut = |cut: Cut| cut.amid("its header");
        let length = varint(source).map_err(cut)?.ok_or_else(|| bad("it is empty"))?;
        if length == 0 || length > HEADER_BYTES_MAX {
            return Err(bad(format!(
                "its header has {length} bytes, the limit is {HEADER_BYTES_MAX}"
            )));
        }
        let mut bytes = Vec::new();
        fill(source, length, &mut bytes).map_err(cut)?;
        serde_ipld_dagcbor::from_slice(&bytes).map_err(|_| bad("its header is no CAR header"))
    }
}

/// The sections of an archive.
pub(super) struct Frames<R> {
    source: R,
    section: Vec<u8>,
    /// Blocks that were read.
    blocks: u64,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, section: Vec::new(), blocks: 0 }
    }

    /// Reads to the end, block by block; they are not held to their CIDs here.
    ///
    /// # Errors
    /// `Malformed`, `BlockTooBig`, `Io`, and what `take` says.
    pub(super) fn each(
        mut self,
        mut take: impl FnMut(&Cid, &[u8]) -> Result<(), ContentError>,
    ) -> Result<(), ContentError> {
        while let Some((cid, begin)) = self.next()? {
            take(&cid, &self.section[begin..])?;
        }
        Ok(())
    }

    /// The next section: its CID, and where its block begins.
    fn next(&mut self) -> Result<Option<(Cid, usize)>, ContentError> {
        self.blocks += 1;
        let nth = self.blocks;
        let cut = |cut: Cut| cut.amid(&format!("block number {nth}"));
        let Some(length) = varint(&mut self.source).map_err(cut)? else { return Ok(None) };
        self.section.clear();
        let head = length.min(CID_BYTES_MAX);
        let filled = fill(&mut self.source, head, &mut self.section);
        let mut rest = self.section.as_slice();
        let cid = match (Cid::read_bytes(&mut rest), filled) {
            (Ok(cid), Ok(())) => cid,
            (Ok(cid), Err(cut)) => return Err(cut.amid(&format!("block {cid}"))),
            (Err(_), Err(reason)) => return Err(cut(reason)),
            (Err(error), Ok(())) => {
                return Err(bad(format!("the CID of block number {nth} is bad: {error}")));
            }
        };
        let begin = self.section.len() - rest.len();
        let bytes = length - begin as u64;
        if bytes > BLOCK_BYTES_MAX as u64 {
            return Err(ContentError::BlockTooBig { cid, bytes, max: BLOCK_BYTES_MAX as u64 });
        }
        fill(&mut self.source, length - head, &mut self.section)
            .map_err(|cut| cut.amid(&format!("block {cid}")))?;
        Ok(Some((cid, begin)))
    }
}

/// Why a frame cannot be read.
enum Cut {
    /// Its length is none.
    Length,
    /// The source ended, or failed.
    Source(io::Error),
}

impl Cut {
    fn amid(self, what: &str) -> ContentError {
        match self {
            Self::Length => bad(format!("the length of {what} is too long")),
            Self::Source(error) => broken(error, what),
        }
    }
}

/// The next length; `None` at a clean end.
fn varint(source: &mut impl Read) -> Result<Option<u64>, Cut> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let mut byte = [0];
        match source.read_exact(&mut byte) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof && shift == 0 => return Ok(None),
            Err(e) => return Err(Cut::Source(e)),
        }
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok(Some(value));
        }
    }
    Err(Cut::Length)
}

/// Reads so many bytes more.
fn fill(source: &mut impl Read, length: u64, into: &mut Vec<u8>) -> Result<(), Cut> {
    let read = source.take(length).read_to_end(into).map_err(Cut::Source)?;
    if read as u64 == length {
        Ok(())
    } else {
        Err(Cut::Source(io::ErrorKind::UnexpectedEof.into()))
    }
}

/// What is wrong with an archive.
pub(super) fn bad(why: impl Into<String>) -> ContentError {
    malformed("the CAR archive", why)
}

/// An archive that cannot be read on, in the middle of something.
pub(super) fn broken(error: io::Error, what: &str) -> ContentError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return bad(format!("it ends in the middle of {what}"));
    }
    io_error("reading the CAR archive", error)
}
