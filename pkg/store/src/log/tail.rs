//! What a segment has behind its last good frame.

use std::fs::File;
use std::io::{ErrorKind, Result};
use std::os::unix::fs::FileExt;

use crate::log::frame::{ALIGN, FRAME_HEADER_BYTES, FrameHeader, Seal};

/// Bytes looked at in one go.
const CHUNK_BYTES: usize = 64 << 10;

/// What is behind the last good frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Zeroes, written ahead of the frames, or nothing.
    Blank,
    /// Something that was being written when the process or the machine died.
    Torn,
    /// A frame here belongs to a later batch, so what is missing before it was once durable.
    Damaged(u64),
}

/// Judges what is behind `end`, where no good frame begins.
pub(crate) fn judge(file: &File, seal: &Seal, end: u64) -> Result<Tail> {
    let mut tail = Tail::Blank;
    let mut buf = vec![0; CHUNK_BYTES + FRAME_HEADER_BYTES];
    let mut at = end;
    loop {
        // Chunks overlap by a frame's header, which may straddle their border.
        let window = read_at(file, &mut buf, at)?;
        if window.is_empty() {
            return Ok(tail);
        }
        if window.iter().any(|byte| *byte != 0) {
            tail = Tail::Torn;
            let later = |frame: &(u64, FrameHeader)| frame.0 > end && frame.1.batch > end;
            if let Some((offset, _)) = headers(seal, at, window).find(later) {
                return Ok(Tail::Damaged(offset));
            }
        }
        at += CHUNK_BYTES as u64;
    }
}

fn headers(seal: &Seal, base: u64, window: &[u8]) -> impl Iterator<Item = (u64, FrameHeader)> {
    window.windows(FRAME_HEADER_BYTES).step_by(ALIGN as usize).zip(0u64..).filter_map(
        move |(bytes, i)| {
            let offset = base + i * ALIGN;
            let bytes: &[u8; FRAME_HEADER_BYTES] = bytes.try_into().ok()?;
            Some((offset, FrameHeader::parse(seal, offset, bytes)?))
        },
    )
}

fn read_at<'a>(file: &File, buf: &'a mut [u8], at: u64) -> Result<&'a [u8]> {
    let mut n = 0;
    while n < buf.len() {
        match file.read_at(&mut buf[n..], at + n as u64) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(&buf[..n])
}
