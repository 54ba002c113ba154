//! The log by itself, without threads: an inbox is filled and closed, and the log thread's
//! function is run on it, so that what goes into one batch is known.

mod checkpoint;
mod damage;
mod failure;
mod tail;

use std::fs::File;
use std::io::Result as IoResult;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use gadus_model::event::Record;
use gadus_ports::fake::sample;
use gadus_ports::{StoreError, Ticket};

use super::disk::{Disk, RealDisk, SegmentFile};
use super::header::segment_path;
use super::{Growth, Inbox, Pressure, Recovered, Writer, recover};
use crate::config::StoreConfig;

struct NoPressure;

impl Pressure for NoPressure {
    fn wait_for_room(&self) {}
}

fn config() -> StoreConfig {
    StoreConfig { segment_bytes: 16 << 10, ..StoreConfig::default() }
}

/// Runs the log on what `fill` puts into its inbox: one batch, but for checkpoints.
fn write_on(
    disk: Arc<dyn Disk>,
    dir: &Path,
    config: &StoreConfig,
    fill: impl FnOnce(&Inbox),
) -> Result<(), StoreError> {
    let found = recover(dir)?;
    let newest = found.segments.iter().map(|s| s.checkpoint).max().unwrap_or(0);
    let inbox = Arc::new(Inbox::new(usize::MAX, newest));
    let growth = Arc::new(Growth::default());
    let writer = Writer::open(&found, config, disk, Arc::clone(&inbox), growth)?;
    fill(&inbox);
    inbox.close();
    writer.run(&NoPressure);
    Ok(())
}

/// The disk without its slowness: what is read back is the same.
struct Unsynced;

struct UnsyncedFile(File);

impl Disk for Unsynced {
    fn create(&self, path: &Path, _: u64) -> IoResult<Box<dyn SegmentFile>> {
        Ok(Box::new(UnsyncedFile(File::create(path)?)))
    }

    fn cut(&self, path: &Path, end: u64, _: u64) -> IoResult<Box<dyn SegmentFile>> {
        let file = File::options().write(true).open(path)?;
        file.set_len(end)?;
        Ok(Box::new(UnsyncedFile(file)))
    }

    fn open(&self, path: &Path) -> IoResult<Box<dyn SegmentFile>> {
        Ok(Box::new(UnsyncedFile(File::options().write(true).open(path)?)))
    }
}

impl SegmentFile for UnsyncedFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> IoResult<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> IoResult<()> {
        Ok(())
    }
}

fn write(dir: &Path, fill: impl FnOnce(&Inbox)) {
    write_on(Arc::new(Unsynced), dir, &config(), fill).unwrap();
}

/// One batch of appends.
fn append(dir: &Path, appends: &[Vec<Record>]) {
    write(dir, |inbox| appends.iter().for_each(|records| drop(inbox.append(records.clone()))));
}

/// Appends of the first job: 1, 2, 1, 2 … records, with these sequence numbers.
fn appends(seqs: std::ops::RangeInclusive<u64>) -> Vec<Vec<Record>> {
    let mut next = *seqs.start();
    let mut appends = Vec::new();
    while next <= *seqs.end() {
        let n = 1 + (appends.len() as u64) % 2;
        let last = (next + n - 1).min(*seqs.end());
        appends.push((next..=last).map(|seq| sample::record(1, seq)).collect());
        next = last + 1;
    }
    appends
}

fn replayed(found: &Recovered) -> Vec<Record> {
    found.since_checkpoint().collect::<Result<_, _>>().unwrap()
}

fn records(dir: &Path) -> Vec<Record> {
    replayed(&recover(dir).unwrap())
}

fn segment(dir: &Path, number: u64) -> PathBuf {
    segment_path(dir, number)
}

/// The outcome of a ticket whose log has ended.
fn outcome(ticket: Ticket) -> Result<(), StoreError> {
    let mut ticket = std::pin::pin!(ticket);
    match ticket.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the log has ended, and the ticket is not ready"),
    }
}
