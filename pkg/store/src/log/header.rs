//! The first bytes of a segment.

use std::path::{Path, PathBuf};

use crate::log::frame::Seal;

/// Bytes of a segment's header; the first frame follows.
pub(crate) const HEADER_BYTES: usize = 64;

const MAGIC: &[u8; 8] = b"gaduslog";
const VERSION: u64 = 1;

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Place in the log, from 1, without gaps.
    pub(crate) number: u64,
    /// The checkpoint that this segment begins with, counted from 1; 0 when it only continues
    /// the segment before.
    pub(crate) checkpoint: u64,
    /// Where the frames of the segment before end.
    pub(crate) previous_end: u64,
    /// Random, the same in all segments of a log.
    pub(crate) log_id: [u8; 16],
}

impl Header {
    pub(crate) fn seal(&self) -> Seal {
        Seal::new(&self.log_id, self.number)
    }

    pub(crate) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        for (i, n) in [VERSION, self.number, self.checkpoint, self.previous_end].iter().enumerate()
        {
            bytes[8 + i * 8..][..8].copy_from_slice(&n.to_le_bytes());
        }
        bytes[40..56].copy_from_slice(&self.log_id);
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// # Errors
    /// Why the bytes are no header, in words.
    pub(crate) fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, String> {
        let number_at = |at: usize| {
            bytes[at..at + 8].iter().rev().fold(0, |n: u64, byte| n << 8 | u64::from(*byte))
        };
        if &bytes[..8] != MAGIC {
            return Err("it does not begin as a segment of the log".to_owned());
        }
        if crc32fast::hash(&bytes[..60]).to_le_bytes() != bytes[60..] {
            return Err("its header does not match its checksum".to_owned());
        }
        if number_at(8) != VERSION {
            let found = number_at(8);
            return Err(format!("its format is version {found}, this gadus reads {VERSION}"));
        }
        let mut log_id = [0; 16];
        log_id.copy_from_slice(&bytes[40..56]);
        Ok(Self {
            number: number_at(16),
            checkpoint: number_at(24),
            previous_end: number_at(32),
            log_id,
        })
    }
}

/// The file of a segment.
pub(crate) fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}.log"))
}

/// The number in a segment's file name. `None` for other files.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log")?;
    (digits.len() >= 10 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_seen() {
        let header = Header { number: 7, checkpoint: 3, previous_end: 4096, log_id: [9; 16] };
        let bytes = header.to_bytes();
        assert_eq!(Header::parse(&bytes), Ok(header));
        for i in 0..HEADER_BYTES * 8 {
            let mut bad = bytes;
            bad[i / 8] ^= 1 << (i % 8);
            assert!(Header::parse(&bad).is_err(), "bit {i}");
        }
    }

    #[test]
    fn names_carry_numbers() {
        let path = segment_path(Path::new("/d"), 42);
        assert_eq!(segment_number(path.file_name().unwrap().to_str().unwrap()), Some(42));
        for other in ["x.log", "42.log", "0000000042.log~", "+000000042.log"] {
            assert_eq!(segment_number(other), None, "{other}");
        }
    }
}
