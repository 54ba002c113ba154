//! Finds out at start what the log holds: the checkpoint to begin at, and the end to go on from.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use gadus_ports::StoreError;

use crate::error::{corrupt, failed};
use crate::log::frame::Kind;
use crate::log::header::{HEADER_BYTES, Header, segment_number, segment_path};
use crate::log::records::{Extent, Records};
use crate::log::segment::{Next, SegmentReader};
use crate::log::tail::Tail;

/// What a log holds.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) dir: PathBuf,
    /// All segments, oldest first.
    pub(crate) segments: Vec<Header>,
    /// Which of them the replay begins with.
    start: usize,
    /// Where the last segment goes on.
    pub(crate) end: u64,
    /// Whether something unfinished is behind that.
    pub(crate) torn: bool,
    /// Bytes of appends, and of the snapshots, since the replay's begin.
    pub(crate) appended_bytes: u64,
    pub(crate) snapshot_bytes: u64,
}

impl Recovered {
    /// The newest complete checkpoint; 0 when there is none.
    pub(crate) fn checkpoint(&self) -> u64 {
        self.segments.get(self.start).map_or(0, |s| s.checkpoint)
    }

    /// The records since the newest complete checkpoint, its snapshots first.
    pub(crate) fn since_checkpoint(&self) -> Records {
        Records::new(&self.dir, self.extents().split_off(self.start))
    }

    /// The records before it.
    pub(crate) fn before_checkpoint(&self) -> Records {
        let mut extents = self.extents();
        extents.truncate(self.start);
        Records::new(&self.dir, extents)
    }

    /// All segments, each with its end: what the next one says, or what was found.
    pub(crate) fn extents(&self) -> Vec<Extent> {
        let ends = self.segments.iter().skip(1).map(|next| next.previous_end).chain([self.end]);
        let extent = |(header, end): (&Header, u64)| Extent { header: *header, end };
        self.segments.iter().zip(ends).map(extent).collect()
    }
}

/// Looks through the log in `dir`. Changes nothing.
///
/// # Errors
/// `Corrupt` for damage that is not a torn tail, `Io`.
pub(crate) fn recover(dir: &Path) -> Result<Recovered, StoreError> {
    let mut segments = headers(dir)?;
    let numbers = segments.iter().zip(segments.iter().skip(1));
    for (before, after) in numbers {
        if after.log_id != before.log_id {
            let path = segment_path(dir, after.number);
            return Err(corrupt(&path, 0, "it belongs to another log than the segment before it"));
        }
    }
    let mut found = Recovered {
        dir: dir.to_owned(),
        segments: Vec::new(),
        start: 0,
        end: HEADER_BYTES as u64,
        torn: false,
        appended_bytes: 0,
        snapshot_bytes: 0,
    };
    let mut complete = Vec::new();
    for i in (0..segments.len()).rev() {
        let next = segments.get(i + 1).copied();
        let walked = walk(dir, &segments[i], next)?;
        if next.is_none() {
            (found.end, found.torn) = (walked.end, walked.torn);
        }
        found.appended_bytes += walked.appended_bytes;
        found.snapshot_bytes = walked.snapshot_bytes;
        complete.extend(walked.complete);
        let checkpoint = segments[i].checkpoint;
        if checkpoint > 0 && complete.contains(&checkpoint) {
            found.start = i;
            break;
        }
        if i == 0 && segments[0].number != 1 {
            let path = segment_path(dir, segments[0].number);
            let why = "older segments are gone, and no checkpoint since is complete";
            return Err(corrupt(&path, 0, why));
        }
    }
    found.segments.append(&mut segments);
    Ok(found)
}

/// The segments' headers, oldest first, without a last one that was never finished.
fn headers(dir: &Path) -> Result<Vec<Header>, StoreError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir).map_err(|e| failed("listing", dir, &e))? {
        let entry = entry.map_err(|e| failed("listing", dir, &e))?;
        numbers.extend(entry.file_name().to_str().and_then(segment_number));
    }
    numbers.sort_unstable();
    let mut headers: Vec<Header> = Vec::with_capacity(numbers.len());
    for (i, number) in numbers.iter().copied().enumerate() {
        let path = segment_path(dir, number);
        if let Some(missing) = headers.last().map(|h| h.number + 1).filter(|m| *m != number) {
            let why = "this segment of the log is missing";
            return Err(corrupt(&segment_path(dir, missing), 0, why));
        }
        match read_header(&path)? {
            Ok(header) if header.number == number => headers.push(header),
            Ok(header) => {
                let why = format!("it says that it is segment {}", header.number);
                return Err(corrupt(&path, 0, why));
            }
            // A header is durable before the first frame is written, so without frames nothing
            // is lost, and a new segment takes its place.
            Err(_) if i + 1 == numbers.len() && is_blank_behind_header(&path)? => {}
            Err(why) => return Err(corrupt(&path, 0, why)),
        }
    }
    Ok(headers)
}

fn read_header(path: &Path) -> Result<Result<Header, String>, StoreError> {
    let mut bytes = [0; HEADER_BYTES];
    let mut file = File::open(path).map_err(|e| failed("opening", path, &e))?;
    match file.read_exact(&mut bytes) {
        Ok(()) => Ok(Header::parse(&bytes)),
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => Ok(Err("it has no header".to_owned())),
        Err(e) => Err(failed("reading", path, &e)),
    }
}

fn is_blank_behind_header(path: &Path) -> Result<bool, StoreError> {
    let anything = Header { number: 0, checkpoint: 0, previous_end: 0, log_id: [0; 16] };
    let len = fs::metadata(path).map_err(|e| failed("reading", path, &e))?.len();
    if len < HEADER_BYTES as u64 {
        return Ok(true);
    }
    Ok(SegmentReader::open(path.to_owned(), &anything)?.tail()? == Tail::Blank)
}

/// What one segment holds.
struct Walked {
    end: u64,
    torn: bool,
    appended_bytes: u64,
    snapshot_bytes: u64,
    /// Checkpoints that are complete by what it says.
    complete: Vec<u64>,
}

/// Reads a segment through. Only the last one (without a `next`) may have a torn tail.
fn walk(dir: &Path, header: &Header, next: Option<Header>) -> Result<Walked, StoreError> {
    let mut reader = SegmentReader::open(segment_path(dir, header.number), header)?;
    let (mut appended_bytes, mut snapshot_bytes) = (0, 0);
    let mut complete = Vec::new();
    let why = loop {
        let before = reader.at();
        let kind = match reader.next()? {
            Next::Frame(kind, body) => {
                if kind == Kind::Complete {
                    complete.extend(body.try_into().map(u64::from_le_bytes));
                }
                kind
            }
            Next::Stop(why) => break why,
        };
        match kind {
            Kind::Append => appended_bytes += reader.at() - before,
            Kind::Snapshot => snapshot_bytes += reader.at() - before,
            Kind::Complete => {}
        }
    };
    let end = reader.at();
    let torn = match next {
        Some(next) if next.previous_end == end => false,
        Some(_) => return Err(corrupt(reader.path(), end, format!("{why}, but more was written"))),
        None => match reader.tail()? {
            Tail::Blank => false,
            Tail::Torn => true,
            Tail::Damaged(later) => {
                let why = format!("{why}, but byte {later} holds what was written later");
                return Err(corrupt(reader.path(), end, why));
            }
        },
    };
    Ok(Walked { end, torn, appended_bytes, snapshot_bytes, complete })
}
