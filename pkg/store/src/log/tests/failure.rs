//! A disk that fails, and one that is slow.

use std::io::{Error, ErrorKind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use parking_lot::{Condvar, Mutex};

use super::*;

/// Lets some calls pass, then fails one kind of them.
#[derive(Clone)]
struct Faulty {
    what: &'static str,
    kind: ErrorKind,
    passes: Arc<AtomicU32>,
}

impl Faulty {
    fn new(what: &'static str, kind: ErrorKind, passes: u32) -> Self {
        Self { what, kind, passes: Arc::new(passes.into()) }
    }

    fn reach(&self, what: &str) -> IoResult<()> {
        let passes =
            || self.passes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if what == self.what && passes().is_err() {
            return Err(Error::new(self.kind, "as the test has it"));
        }
        Ok(())
    }

    fn wrap(&self, file: Box<dyn SegmentFile>) -> Box<dyn SegmentFile> {
        Box::new(FaultyFile { disk: self.clone(), file })
    }
}

struct FaultyFile {
    disk: Faulty,
    file: Box<dyn SegmentFile>,
}

impl SegmentFile for FaultyFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> IoResult<()> {
        self.disk.reach("write").and_then(|()| self.file.write_at(bytes, offset))
    }

    fn sync(&self) -> IoResult<()> {
        self.disk.reach("sync").and_then(|()| self.file.sync())
    }
}

impl Disk for Faulty {
    fn create(&self, path: &Path, bytes: u64) -> IoResult<Box<dyn SegmentFile>> {
        self.reach("create")?;
        Ok(self.wrap(RealDisk.create(path, bytes)?))
    }

    fn cut(&self, path: &Path, end: u64, bytes: u64) -> IoResult<Box<dyn SegmentFile>> {
        Ok(self.wrap(RealDisk.cut(path, end, bytes)?))
    }

    fn open(&self, path: &Path) -> IoResult<Box<dyn SegmentFile>> {
        Ok(self.wrap(RealDisk.open(path)?))
    }
}

/// Runs a log whose disk fails at the second batch; gives the outcomes of both batches' tickets,
/// and of one that came after the end.
fn run_on(disk: Faulty, segment_bytes: u64) -> (tempfile::TempDir, Vec<Result<(), StoreError>>) {
    let dir = tempfile::tempdir().unwrap();
    let config = StoreConfig { batch_bytes_max: 1, segment_bytes, ..config() };
    let found = recover(dir.path()).unwrap();
    let inbox = Arc::new(Inbox::new(usize::MAX, 0));
    let growth = Arc::new(Growth::default());
    let writer = Writer::open(&found, &config, Arc::new(disk), Arc::clone(&inbox), growth).unwrap();
    let mut tickets: Vec<Ticket> =
        appends(1..=3).into_iter().map(|records| inbox.append(records)).collect();
    let (checkpoint, _) = inbox.checkpoint(vec![sample::snapshot(1, 3, 10)]);
    tickets.push(checkpoint);
    inbox.close();
    writer.run(&NoPressure);
    tickets.push(inbox.append(vec![sample::record(1, 9)]));
    (dir, tickets.into_iter().map(outcome).collect())
}

#[test]
fn after_a_failed_write_or_sync_everything_fails() {
    // The header takes the first write and the first sync, the zeroes another write.
    for (what, passes) in [("write", 3), ("sync", 2)] {
        let (dir, outcomes) = run_on(Faulty::new(what, ErrorKind::Other, passes), 16 << 10);
        assert!(outcomes[0].is_ok(), "{what}: the batch before it is durable");
        for failed in &outcomes[1..] {
            let error = failed.as_ref().unwrap_err().to_string();
            assert!(error.contains("as the test has it"), "{what}: {error}");
        }
        let left = records(dir.path());
        assert!(left.starts_with(&appends(1..=1)[0]), "{what}: {left:?}");
    }
}

#[test]
fn a_full_disk_is_named() {
    let (_dir, outcomes) = run_on(Faulty::new("write", ErrorKind::StorageFull, 3), 16 << 10);
    let error = outcomes[1].clone().unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(error.to_string().contains("make room"), "{error}");

    // The first segment is made. The checkpoint's is not; or it is the second append's, where
    // one fills a segment.
    for (segment_bytes, durable) in [(16 << 10, 2), (100, 1)] {
        let disk = Faulty::new("create", ErrorKind::StorageFull, 1);
        let (_dir, outcomes) = run_on(disk, segment_bytes);
        assert!(outcomes[..durable].iter().all(Result::is_ok));
        for failed in &outcomes[durable..] {
            assert!(matches!(failed, Err(StoreError::Full { .. })), "{failed:?}");
        }
    }
}

/// Holds its first sync after opening until it is told to go on.
struct Gated(Arc<(Mutex<bool>, Condvar)>);

struct GatedFile(Arc<(Mutex<bool>, Condvar)>, Box<dyn SegmentFile>);

impl SegmentFile for GatedFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> IoResult<()> {
        self.1.write_at(bytes, offset)
    }

    fn sync(&self) -> IoResult<()> {
        let mut open = self.0.0.lock();
        while !*open {
            self.0.1.wait(&mut open);
        }
        self.1.sync()
    }
}

impl Disk for Gated {
    fn create(&self, _: &Path, _: u64) -> IoResult<Box<dyn SegmentFile>> {
        Err(Error::other("this test needs no new segment"))
    }

    fn cut(&self, _: &Path, _: u64, _: u64) -> IoResult<Box<dyn SegmentFile>> {
        Err(Error::other("this test needs no torn one"))
    }

    fn open(&self, path: &Path) -> IoResult<Box<dyn SegmentFile>> {
        Ok(Box::new(GatedFile(Arc::clone(&self.0), RealDisk.open(path)?)))
    }
}

#[test]
fn all_that_comes_during_a_sync_shares_the_next_one() {
    const APPENDS: u64 = 2_000;
    let dir = tempfile::tempdir().unwrap();
    let config = StoreConfig { segment_bytes: 4 << 20, ..config() };
    write_on(Arc::new(RealDisk), dir.path(), &config, |_| {}).unwrap();
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let found = recover(dir.path()).unwrap();
    let inbox = Arc::new(Inbox::new(usize::MAX, 0));
    let growth = Arc::new(Growth::default());
    let disk = Arc::new(Gated(Arc::clone(&gate)));
    let writer =
        Writer::open(&found, &config, disk, Arc::clone(&inbox), Arc::clone(&growth)).unwrap();
    let log = thread::spawn(move || writer.run(&NoPressure));

    let appenders: Vec<_> = (0..8)
        .map(|n| {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || {
                let seqs = 1..=APPENDS / 8;
                seqs.map(|seq| inbox.append(vec![sample::record(n, seq)])).collect::<Vec<_>>()
            })
        })
        .collect();
    let tickets: Vec<Ticket> = appenders.into_iter().flat_map(|a| a.join().unwrap()).collect();
    *gate.0.lock() = true;
    gate.1.notify_all();
    inbox.close();
    log.join().unwrap();
    tickets.into_iter().for_each(|ticket| outcome(ticket).unwrap());
    assert!(growth.fsyncs() <= 2, "{} fsyncs for {APPENDS} appends", growth.fsyncs());
    assert_eq!(inbox.durable(), APPENDS);
    assert_eq!(records(dir.path()).len() as u64, APPENDS);
}
