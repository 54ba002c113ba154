//! Frames: one append, one snapshot or one marker each.

use crc32fast::Hasher;
use gadus_model::CodecError;
use gadus_model::event::Record;

/// Bytes before a frame's payload.
pub(crate) const FRAME_HEADER_BYTES: usize = 16;

/// Frames begin at multiples of this.
pub(crate) const ALIGN: u64 = 8;

/// What a frame's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The records of one append, as a dag-cbor list.
    Append = 1,
    /// One record that stands for a stream so far, as a dag-cbor list of one.
    Snapshot = 2,
    /// The checkpoint of this number counts from here on (u64).
    Complete = 3,
}

/// What makes the checksums of one segment of one log unlike all others.
#[derive(Clone, Debug)]
pub(crate) struct Seal(Hasher);

impl Seal {
    pub(crate) fn new(log_id: &[u8; 16], segment: u64) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(log_id);
        hasher.update(&segment.to_le_bytes());
        Self(hasher)
    }

    fn crc(&self, offset: u64, bytes: &[u8]) -> u32 {
        let mut hasher = self.0.clone();
        hasher.update(&offset.to_le_bytes());
        hasher.update(bytes);
        hasher.finalize()
    }
}

/// A frame's header that holds what its CRC says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// Bytes of payload.
    pub(crate) len: u32,
    /// Where the frame's batch begins.
    pub(crate) batch: u64,
    crc: u32,
}

impl FrameHeader {
    /// Reads the header of the frame at `offset`. `None` when it is not one.
    pub(crate) fn parse(
        seal: &Seal,
        offset: u64,
        bytes: &[u8; FRAME_HEADER_BYTES],
    ) -> Option<Self> {
        let [len, back, crc, header_crc] = words(bytes);
        let batch = offset.checked_sub(u64::from(back))?;
        (len > 0 && seal.crc(offset, &bytes[..12]) == header_crc).then_some(Self {
            len,
            batch,
            crc,
        })
    }

    /// The payload's kind and body. `None` when it is not what was written.
    pub(crate) fn open<'a>(
        &self,
        seal: &Seal,
        offset: u64,
        payload: &'a [u8],
    ) -> Option<(Kind, &'a [u8])> {
        let (kind, body) = payload.split_first()?;
        if seal.crc(offset, payload) != self.crc {
            return None;
        }
        let kinds = [Kind::Append, Kind::Snapshot, Kind::Complete];
        kinds.into_iter().find(|k| *k as u8 == *kind).map(|kind| (kind, body))
    }

    /// Where the next frame begins.
    pub(crate) fn end(&self, offset: u64) -> u64 {
        (offset + FRAME_HEADER_BYTES as u64 + u64::from(self.len)).next_multiple_of(ALIGN)
    }
}

fn words(bytes: &[u8; FRAME_HEADER_BYTES]) -> [u32; 4] {
    let mut words = [0; 4];
    for (word, four) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = four.iter().rev().fold(0, |n, byte| n << 8 | u32::from(*byte));
    }
    words
}

/// Frames of one batch, on their way to the disk.
#[derive(Debug)]
pub(crate) struct Batch {
    seal: Seal,
    /// Where the batch's first frame goes.
    first: u64,
    /// Where `bytes` go.
    base: u64,
    bytes: Vec<u8>,
}

/// Why something cannot be a frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("a record of {0} bytes is too large for the log")]
    TooLarge(usize),
}

impl Batch {
    pub(crate) fn new(seal: Seal, at: u64) -> Self {
        Self { seal, first: at, base: at, bytes: Vec::new() }
    }

    pub(crate) fn push_records(
        &mut self,
        kind: Kind,
        records: &[Record],
    ) -> Result<(), FrameError> {
        let encode = |out: &mut Vec<u8>| {
            serde_ipld_dagcbor::to_writer(out, &records)
                .map_err(|e| CodecError::Encode { what: "record", why: e.to_string() })
        };
        self.push(kind, encode)
    }

    pub(crate) fn push_complete(&mut self, checkpoint: u64) -> Result<(), FrameError> {
        self.push(Kind::Complete, |out| {
            out.extend_from_slice(&checkpoint.to_le_bytes());
            Ok(())
        })
    }

    fn push(
        &mut self,
        kind: Kind,
        body: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
    ) -> Result<(), FrameError> {
        let start = self.bytes.len();
        let offset = self.base + start as u64;
        self.bytes.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        self.bytes.push(kind as u8);
        body(&mut self.bytes)?;
        let payload = &self.bytes[start + FRAME_HEADER_BYTES..];
        let too_large = |_| FrameError::TooLarge(payload.len());
        let len = u32::try_from(payload.len()).map_err(too_large)?;
        let back = u32::try_from(offset - self.first).map_err(too_large)?;
        let crc = self.seal.crc(offset, payload);
        let header = &mut self.bytes[start..start + FRAME_HEADER_BYTES];
        header[..4].copy_from_slice(&len.to_le_bytes());
        header[4..8].copy_from_slice(&back.to_le_bytes());
        header[8..12].copy_from_slice(&crc.to_le_bytes());
        let header_crc = self.seal.crc(offset, &header[..12]);
        header[12..].copy_from_slice(&header_crc.to_le_bytes());
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGN as usize), 0);
        Ok(())
    }

    /// What is to be written, and where.
    pub(crate) fn bytes(&self) -> (u64, &[u8]) {
        (self.base, &self.bytes)
    }

    /// Where the next frame goes.
    pub(crate) fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// The bytes are written; the batch goes on until they are synced.
    pub(crate) fn written(&mut self) {
        self.base = self.end();
        self.bytes.clear();
    }

    /// Everything is written and synced: what comes next is another batch.
    pub(crate) fn synced(&mut self) {
        self.first = self.end();
    }
}

#[cfg(test)]
mod tests {
    use gadus_ports::fake::sample;

    use super::*;

    fn frame(seal: &Seal, offset: u64) -> Vec<u8> {
        let mut batch = Batch::new(seal.clone(), offset);
        batch.push_records(Kind::Append, &[sample::record(1, 1)]).unwrap();
        batch.bytes().1.to_vec()
    }

    fn header(bytes: &[u8]) -> &[u8; FRAME_HEADER_BYTES] {
        bytes[..FRAME_HEADER_BYTES].try_into().unwrap()
    }

    #[test]
    fn a_frame_reads_back() {
        let seal = Seal::new(&[1; 16], 3);
        let bytes = frame(&seal, 64);
        let head = FrameHeader::parse(&seal, 64, header(&bytes)).unwrap();
        assert_eq!((head.batch, head.end(64)), (64, 64 + bytes.len() as u64));
        let payload = &bytes[FRAME_HEADER_BYTES..][..head.len as usize];
        let (kind, body) = head.open(&seal, 64, payload).unwrap();
        assert_eq!(kind, Kind::Append);
        let records: Vec<Record> = gadus_model::codec::decode(body).unwrap();
        assert_eq!(records, [sample::record(1, 1)]);
    }

    #[test]
    fn a_frame_counts_only_where_it_was_written() {
        let seal = Seal::new(&[1; 16], 3);
        let bytes = frame(&seal, 64);
        assert!(FrameHeader::parse(&seal, 72, header(&bytes)).is_none(), "elsewhere");
        let segment = Seal::new(&[1; 16], 4);
        assert!(FrameHeader::parse(&segment, 64, header(&bytes)).is_none(), "another segment");
        let log = Seal::new(&[2; 16], 3);
        assert!(FrameHeader::parse(&log, 64, header(&bytes)).is_none(), "another log");
    }

    #[test]
    fn frames_point_to_the_begin_of_their_batch() {
        let seal = Seal::new(&[1; 16], 1);
        let mut batch = Batch::new(seal.clone(), 64);
        batch.push_complete(1).unwrap();
        batch.written();
        let (second, first) = (batch.end(), 64);
        batch.push_complete(2).unwrap();
        let head = FrameHeader::parse(&seal, second, header(batch.bytes().1)).unwrap();
        assert_eq!(head.batch, first);
        batch.written();
        batch.synced();
        let third = batch.end();
        batch.push_complete(3).unwrap();
        let head = FrameHeader::parse(&seal, third, header(batch.bytes().1)).unwrap();
        assert_eq!(head.batch, third);
    }
}
