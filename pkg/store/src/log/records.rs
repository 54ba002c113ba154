//! The records of a run of segments, one by one.

use std::path::{Path, PathBuf};
use std::{mem, vec};

use gadus_model::codec;
use gadus_model::event::Record;
use gadus_ports::StoreError;

use crate::error::corrupt;
use crate::log::frame::Kind;
use crate::log::header::{Header, segment_path};
use crate::log::segment::{Next, SegmentReader};

/// A segment, and where its frames are known to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) header: Header,
    pub(crate) end: u64,
}

/// Records in the order of the log. Snapshots come from the first segment only: the later ones
/// stand for what was read already. After an error there is nothing more.
pub(crate) struct Records {
    dir: PathBuf,
    segments: vec::IntoIter<Extent>,
    is_first: bool,
    /// The segment being read, and where it ends.
    reader: Option<(SegmentReader, u64)>,
    /// What the last frame held.
    ready: vec::IntoIter<Record>,
}

impl Records {
    pub(crate) fn new(dir: &Path, segments: Vec<Extent>) -> Self {
        Self {
            dir: dir.to_owned(),
            segments: segments.into_iter(),
            is_first: true,
            reader: None,
            ready: Vec::new().into_iter(),
        }
    }

    /// Reads on until records are ready. False at the end.
    fn advance(&mut self) -> Result<bool, StoreError> {
        loop {
            let Some((reader, end)) = &mut self.reader else {
                let Some(Extent { header, end }) = self.segments.next() else { return Ok(false) };
                let path = segment_path(&self.dir, header.number);
                self.reader = Some((SegmentReader::open(path, &header)?, end));
                continue;
            };
            let at = reader.at();
            match reader.next()? {
                Next::Frame(Kind::Complete, _) => {}
                Next::Frame(Kind::Snapshot, _) if !self.is_first => {}
                Next::Frame(Kind::Append | Kind::Snapshot, body) => {
                    let records: Vec<Record> = codec::decode(body)
                        .map_err(|e| e.to_string())
                        .map_err(|why| corrupt(reader.path(), at, why))?;
                    self.ready = records.into_iter();
                    return Ok(true);
                }
                Next::Stop(why) if at != *end => {
                    let why = format!("{why}, but {end} bytes were written");
                    return Err(corrupt(reader.path(), at, why));
                }
                Next::Stop(_) => {
                    self.reader = None;
                    self.is_first = false;
                }
            }
        }
    }
}

impl Iterator for Records {
    type Item = Result<Record, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.ready.next() {
                return Some(Ok(record));
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(e) => {
                    self.reader = None;
                    drop(mem::take(&mut self.segments));
                    return Some(Err(e));
                }
            }
        }
    }
}
