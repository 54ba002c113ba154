//! The log thread: drain, one write, one sync, settle.

use std::collections::VecDeque;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gadus_model::event::Record;
use gadus_ports::{CrashAt, StoreError, TicketIssuer};
use uuid::Uuid;

use crate::config::StoreConfig;
use crate::error::failed;
use crate::log::disk::{Disk, SegmentFile, trim};
use crate::log::frame::{Batch, Kind};
use crate::log::growth::Growth;
use crate::log::header::{HEADER_BYTES, Header, segment_path};
use crate::log::inbox::{Inbox, Item};
use crate::log::recover::Recovered;

/// Zeroes are written this far ahead of the frames. A sync that makes a file longer, or writes
/// where room is reserved but was never written, also has to commit the file system's journal,
/// with whatever other files have put into it.
const ZEROES_BYTES: u64 = 1 << 20;

/// What slows the log down when the index cannot follow.
pub(crate) trait Pressure {
    /// Returns when there is room again, or never will be.
    fn wait_for_room(&self);
}

/// What the log thread owns.
pub(crate) struct Writer {
    inbox: Arc<Inbox>,
    growth: Arc<Growth>,
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    segment_bytes: u64,
    batch_bytes_max: usize,
    crash: CrashAt,
    header: Header,
    path: PathBuf,
    file: Box<dyn SegmentFile>,
    batch: Batch,
    /// Up to where the file was written, zeroes included.
    zeroed: u64,
    /// Items whose frames are in the batch.
    batched: u64,
    /// Their tickets, in order.
    unsettled: Vec<TicketIssuer>,
    /// Checkpoints that are not complete yet.
    checkpoints: VecDeque<(u64, TicketIssuer)>,
}

impl Writer {
    /// Makes the log ready to go on where it ends: cuts off a torn tail, or begins a new log.
    ///
    /// # Errors
    /// `Io`, `Full`.
    pub(crate) fn open(
        found: &Recovered,
        config: &StoreConfig,
        disk: Arc<dyn Disk>,
        inbox: Arc<Inbox>,
        growth: Arc<Growth>,
    ) -> Result<Self, StoreError> {
        trim_old(found);
        let (header, end) = match found.segments.last() {
            Some(last) => (*last, found.end),
            None => {
                let log_id = Uuid::new_v4().into_bytes();
                let header = Header { number: 1, checkpoint: 0, previous_end: 0, log_id };
                (header, HEADER_BYTES as u64)
            }
        };
        let path = segment_path(&found.dir, header.number);
        let file = if found.segments.is_empty() {
            create(&*disk, &path, config.segment_bytes, header)?
        } else if found.torn {
            tracing::warn!(file = %path.display(), offset = end, "cut off a torn tail");
            disk.cut(&path, end, config.segment_bytes).map_err(|e| failed("cutting", &path, &e))?
        } else {
            disk.open(&path).map_err(|e| failed("opening", &path, &e))?
        };
        Ok(Self {
            inbox,
            growth,
            disk,
            dir: found.dir.clone(),
            segment_bytes: config.segment_bytes,
            batch_bytes_max: config.batch_bytes_max,
            crash: CrashAt::new(config.crash_at.as_deref()),
            batch: Batch::new(header.seal(), end),
            zeroed: end,
            header,
            path,
            file,
            batched: 0,
            unsettled: Vec::new(),
            checkpoints: VecDeque::new(),
        })
    }

    /// Which log this is.
    pub(crate) fn log_id(&self) -> [u8; 16] {
        self.header.log_id
    }

    /// Writes until the inbox is closed, or until something fails: then everything after it
    /// fails too.
    pub(crate) fn run(mut self, pressure: &dyn Pressure) {
        let mut items = VecDeque::new();
        let mut outcome = Ok(());
        while outcome.is_ok() && self.inbox.take(&mut items) {
            pressure.wait_for_room();
            outcome = self.inbox.failure().map_or(Ok(()), Err);
            outcome = outcome.and_then(|()| self.write(&mut items));
        }
        if let Err(error) = &outcome {
            tracing::error!(%error, "the log has failed");
            self.inbox.fail(error);
        }
        let error = self.inbox.failure().unwrap_or(StoreError::Closed);
        let checkpoints = self.checkpoints.into_iter().map(|(_, issuer)| issuer);
        for issuer in self.unsettled.into_iter().chain(checkpoints) {
            issuer.settle(Err(error.clone()));
        }
        items.into_iter().for_each(|item| item.fail(&error));
    }

    fn write(&mut self, items: &mut VecDeque<Item>) -> Result<(), StoreError> {
        loop {
            // Before an item is taken, so that its ticket is not lost if this fails.
            if self.batch.end() >= self.segment_bytes {
                self.roll(0)?;
            }
            let Some(item) = items.pop_front() else { return self.flush() };
            self.push(item)?;
            self.batched += 1;
            if self.batch.bytes().1.len() >= self.batch_bytes_max {
                self.flush()?;
            }
        }
    }

    fn push(&mut self, item: Item) -> Result<(), StoreError> {
        match item {
            Item::Append { records, issuer } => {
                self.unsettled.push(issuer);
                let before = self.batch.end();
                self.push_records(Kind::Append, &records)?;
                self.growth.appended(self.batch.end() - before);
            }
            Item::Checkpoint { number, snapshots, issuer } => {
                self.checkpoints.push_back((number, issuer));
                self.roll(number)?;
                let before = self.batch.end();
                for snapshot in snapshots.chunks(1) {
                    self.push_records(Kind::Snapshot, snapshot)?;
                    if self.batch.bytes().1.len() >= self.batch_bytes_max {
                        self.flush()?;
                    }
                }
                self.growth.checkpoint_written(self.batch.end() - before);
            }
            Item::Complete(number) => {
                self.batch.push_complete(number).map_err(|e| self.refused(&e))?;
                while self.checkpoints.front().is_some_and(|(n, _)| *n <= number) {
                    self.unsettled.extend(self.checkpoints.pop_front().map(|(_, issuer)| issuer));
                }
                self.growth.checkpoint_complete();
            }
        }
        Ok(())
    }

    fn push_records(&mut self, kind: Kind, records: &[Record]) -> Result<(), StoreError> {
        self.batch.push_records(kind, records).map_err(|e| self.refused(&e))
    }

    fn refused(&self, error: &dyn std::error::Error) -> StoreError {
        let doing = format!("writing a frame to {}", self.path.display());
        StoreError::Io { doing, why: error.to_string() }
    }

    /// Makes the batch durable and settles its tickets.
    fn flush(&mut self) -> Result<(), StoreError> {
        let (offset, bytes) = self.batch.bytes();
        if !bytes.is_empty() {
            self.crash.reach("store.before_write");
            self.file.write_at(bytes, offset).map_err(|e| failed("writing", &self.path, &e))?;
            self.crash.reach("store.after_write");
            self.write_zeroes()?;
            self.file.sync().map_err(|e| failed("syncing", &self.path, &e))?;
            self.growth.synced();
            self.crash.reach("store.after_sync");
            self.batch.written();
            self.batch.synced();
        }
        self.inbox.advance(mem::take(&mut self.batched));
        self.unsettled.drain(..).for_each(|issuer| issuer.settle(Ok(())));
        Ok(())
    }

    /// Writes zeroes behind the batch, if it has used up those that were there.
    fn write_zeroes(&mut self) -> Result<(), StoreError> {
        let end = self.batch.end();
        if end < self.zeroed || end >= self.segment_bytes {
            return Ok(());
        }
        let room = ZEROES_BYTES.min(self.segment_bytes - end);
        let zeroes = vec![0; room as usize];
        self.file.write_at(&zeroes, end).map_err(|e| failed("writing", &self.path, &e))?;
        self.zeroed = end + room;
        Ok(())
    }

    /// Goes on in a new segment. The old one is complete and durable before.
    fn roll(&mut self, checkpoint: u64) -> Result<(), StoreError> {
        self.flush()?;
        let header = Header {
            number: self.header.number + 1,
            checkpoint,
            previous_end: self.batch.end(),
            log_id: self.header.log_id,
        };
        self.path = segment_path(&self.dir, header.number);
        self.file = create(&*self.disk, &self.path, self.segment_bytes, header)?;
        self.growth.synced();
        self.batch = Batch::new(header.seal(), HEADER_BYTES as u64);
        self.zeroed = HEADER_BYTES as u64;
        self.header = header;
        Ok(())
    }
}

/// A new segment whose header is durable.
fn create(
    disk: &dyn Disk,
    path: &Path,
    bytes: u64,
    header: Header,
) -> Result<Box<dyn SegmentFile>, StoreError> {
    let create = || {
        let file = disk.create(path, bytes)?;
        file.write_at(&header.to_bytes(), 0)?;
        file.sync()?;
        Ok(file)
    };
    create().map_err(|e| failed("creating", path, &e))
}

/// Gives back what earlier segments reserved and did not use. At start only: cutting a file
/// while others are synced is slow.
fn trim_old(found: &Recovered) {
    let mut extents = found.extents();
    extents.pop();
    for extent in extents {
        let path = segment_path(&found.dir, extent.header.number);
        if let Err(error) = trim(&path, extent.end) {
            tracing::warn!(file = %path.display(), %error, "could not give back reserved room");
        }
    }
}
