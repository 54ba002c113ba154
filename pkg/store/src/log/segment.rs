//! Reads one segment, frame by frame.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::PathBuf;

use gadus_ports::StoreError;

use crate::error::failed;
use crate::log::frame::{FRAME_HEADER_BYTES, FrameHeader, Kind, Seal};
use crate::log::header::{HEADER_BYTES, Header};
use crate::log::tail::{Tail, judge};

const BUFFER_BYTES: usize = 64 << 10;

/// One segment, from its first frame on.
pub(crate) struct SegmentReader {
    path: PathBuf,
    file: BufReader<File>,
    seal: Seal,
    /// Bytes of the file.
    len: u64,
    /// Where the next frame begins.
    at: u64,
    payload: Vec<u8>,
}

/// What a segment has next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    /// A good frame.
    Frame(Kind, &'a [u8]),
    /// No good frame, and what there is instead.
    Stop(&'static str),
}

impl SegmentReader {
    /// Begins behind the header, which was read before.
    pub(crate) fn open(path: PathBuf, header: &Header) -> Result<Self, StoreError> {
        let open = || {
            let mut file = File::open(&path)?;
            let len = file.metadata()?.len();
            file.read_exact(&mut [0; HEADER_BYTES])?;
            Ok((file, len))
        };
        let (file, len) = open().map_err(|e| failed("opening", &path, &e))?;
        let file = BufReader::with_capacity(BUFFER_BYTES, file);
        let at = HEADER_BYTES as u64;
        Ok(Self { path, file, seal: header.seal(), len, at, payload: Vec::new() })
    }

    /// Where the next frame begins: after a stop, where the good ones end.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// The next frame. After a stop there is no next.
    pub(crate) fn next(&mut self) -> Result<Next<'_>, StoreError> {
        let room = self.len.saturating_sub(self.at);
        let mut bytes = [0; FRAME_HEADER_BYTES];
        if room < bytes.len() as u64 {
            return Ok(Next::Stop("the file ends"));
        }
        if !self.fill(&mut bytes)? {
            return Ok(Next::Stop("the file ends"));
        }
        let Some(header) = FrameHeader::parse(&self.seal, self.at, &bytes) else {
            return Ok(Next::Stop("what is here is no frame"));
        };
        let end = header.end(self.at);
        // A file without reserved room may end before the padding does.
        let padded = end - self.at - FRAME_HEADER_BYTES as u64;
        if room < FRAME_HEADER_BYTES as u64 + u64::from(header.len) {
            return Ok(Next::Stop("the file ends in the middle of a frame"));
        }
        let mut payload = std::mem::take(&mut self.payload);
        payload.resize(padded.min(room - FRAME_HEADER_BYTES as u64) as usize, 0);
        let filled = self.fill(&mut payload)?;
        self.payload = payload;
        if !filled {
            return Ok(Next::Stop("the file ends in the middle of a frame"));
        }
        let payload = &self.payload[..header.len as usize];
        let Some((kind, body)) = header.open(&self.seal, self.at, payload) else {
            return Ok(Next::Stop("a frame does not match its checksum"));
        };
        self.at = end;
        Ok(Next::Frame(kind, body))
    }

    /// After a stop: what is behind the good frames.
    pub(crate) fn tail(&self) -> Result<Tail, StoreError> {
        judge(self.file.get_ref(), &self.seal, self.at)
            .map_err(|e| failed("reading", &self.path, &e))
    }

    fn fill(&mut self, buf: &mut [u8]) -> Result<bool, StoreError> {
        match self.file.read_exact(buf) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(e) => Err(failed("reading", &self.path, &e)),
        }
    }
}
