//! What waits for the index thread, without the thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use gadus_ports::fake::sample;

use super::pending::{Pending, Work};
use super::*;
use crate::log::Pressure;

/// A queue on an empty index, and the log's inbox behind it.
struct Bench {
    _dir: tempfile::TempDir,
    db: Database,
    inbox: Arc<Inbox>,
    pending: Arc<Pending>,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::create(dir.path().join("index.redb")).unwrap();
        let inbox = Arc::new(Inbox::new(100, 0));
        let config = StoreConfig { overlay_max: 2, index_linger_ms: 0, ..StoreConfig::default() };
        let snapshot = db.begin_read().unwrap();
        let pending = Arc::new(Pending::new(Arc::clone(&inbox), &config, snapshot));
        Self { _dir: dir, db, inbox, pending }
    }

    /// Appends the end of a job, and folds it.
    fn finish(&self, n: u32) {
        drop(self.inbox.append(vec![sample::ended(n, 1)]));
        let view = Arc::new(sample::view(n));
        self.pending.enter(|inbox| (inbox.entered(), Work::Fold(view)));
    }

    fn fresh(&self) -> usize {
        self.pending.look(|fresh| fresh.by_creation(None).len()).0
    }
}

#[test]
fn what_is_not_durable_in_the_log_stays_out_of_the_file() {
    let bench = Bench::new();
    bench.finish(1);
    bench.finish(2);
    bench.inbox.advance(1);
    bench.pending.close();
    let mut batch = Vec::new();
    assert!(bench.pending.take(&mut batch));
    assert_eq!(batch.len(), 1, "the first alone");
    bench.pending.committed(&batch, bench.db.begin_read().unwrap());
    assert!(!bench.pending.take(&mut Vec::new()), "the second never was durable");
    assert_eq!(bench.fresh(), 1);
}

#[test]
fn a_job_folded_again_meanwhile_stays_in_memory() {
    let bench = Bench::new();
    bench.finish(1);
    bench.inbox.advance(1);
    let mut batch = Vec::new();
    assert!(bench.pending.take(&mut batch));
    let again = JobView { message: "seen later".to_owned(), ..sample::view(1) };
    bench.pending.enter(|inbox| (inbox.entered(), Work::Fold(Arc::new(again.clone()))));
    bench.pending.committed(&batch, bench.db.begin_read().unwrap());
    let (view, _) = bench.pending.look(|fresh| fresh.get(sample::job_id(1)).cloned());
    assert_eq!(view.as_deref(), Some(&again));
    let (by_key, _) = bench.pending.look(|fresh| fresh.by_key("tester", "key-1"));
    assert_eq!(by_key, Some(sample::job_id(1)));
}

#[test]
fn the_log_waits_while_too_many_durable_jobs_wait() {
    let bench = Bench::new();
    (1..=3).for_each(|n| bench.finish(n));
    bench.pending.wait_for_room();
    // Nothing was durable, so the log had to go on. Now three are, and two may wait.
    bench.inbox.advance(3);
    let has_room = Arc::new(AtomicBool::new(false));
    let log = {
        let (pending, has_room) = (Arc::clone(&bench.pending), Arc::clone(&has_room));
        thread::spawn(move || {
            pending.wait_for_room();
            assert!(has_room.load(Ordering::SeqCst), "it went on too early");
        })
    };
    has_room.store(true, Ordering::SeqCst);
    let mut batch = Vec::new();
    assert!(bench.pending.take(&mut batch));
    bench.pending.committed(&batch, bench.db.begin_read().unwrap());
    log.join().unwrap();
    assert_eq!(bench.fresh(), 0);
}

#[test]
fn a_failed_index_does_not_hold_the_log() {
    let bench = Bench::new();
    (1..=3).for_each(|n| bench.finish(n));
    bench.inbox.advance(3);
    bench.pending.fail();
    bench.pending.wait_for_room();
    assert_eq!(bench.fresh(), 3, "queries still see them");
}
