//! Reading the records of a pack one after the other.

use std::io;

use super::pack::Pack;
use super::record::{self, Entry, PREFIX_BYTES};

/// Enough for the prefix and the head of most records in one read.
const GUESS_BYTES: usize = 256;

/// A record that was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) entry: Entry,
    /// What it said holds no more.
    pub(crate) is_void: bool,
    /// Where its data begins.
    pub(crate) data_at: u64,
    pub(crate) data_bytes: usize,
}

impl Found {
    /// Where the next record begins.
    pub(crate) fn end(&self) -> u64 {
        self.data_at + self.data_bytes as u64
    }
}

/// The record at `at`, if a whole one is there before `limit`. Its data is not checked.
pub(crate) fn record_at(pack: &Pack, at: u64, limit: u64) -> io::Result<Option<Found>> {
    let left = limit.saturating_sub(at);
    if left < PREFIX_BYTES as u64 {
        return Ok(None);
    }
    let mut buffer = vec![0; GUESS_BYTES.min(usize::try_from(left).unwrap_or(GUESS_BYTES))];
    pack.read_into(&mut buffer, at)?;
    let mut bytes = [0; PREFIX_BYTES];
    bytes.copy_from_slice(&buffer[..PREFIX_BYTES]);
    let Some(prefix) = record::prefix(&bytes) else {
        return Ok(None);
    };
    let data_at = at + (PREFIX_BYTES + prefix.head_bytes) as u64;
    if data_at + prefix.data_bytes as u64 > limit {
        return Ok(None);
    }
    let head_end = PREFIX_BYTES + prefix.head_bytes;
    if head_end > buffer.len() {
        buffer.resize(head_end, 0);
        pack.read_into(&mut buffer, at)?;
    }
    let entry = record::head(&prefix, &buffer[PREFIX_BYTES..head_end]);
    let (is_void, data_bytes) = (prefix.is_void, prefix.data_bytes);
    Ok(entry.map(|entry| Found { entry, is_void, data_at, data_bytes }))
}
