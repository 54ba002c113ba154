//! The store as the node uses it.

mod crash;
mod full_disk;
mod group_commit;
mod rebuild;

use std::cell::Cell;
use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use gadus_model::event::{Event, JobEvent};
use gadus_ports::contract::store_contract;
use gadus_ports::fake::sample;

use super::*;

/// Makes views of the samples' streams, and counts how many records it was given.
#[derive(Default)]
struct SampleFolder {
    records: usize,
}

impl Folder for SampleFolder {
    fn apply(&mut self, record: Record) -> Option<JobView> {
        self.records += 1;
        let is_end = matches!(record.body, Event::Job(JobEvent::Ended { .. }));
        let digits = &record.job.to_string()[2..10];
        is_end.then(|| sample::view(u32::from_str_radix(digits, 16).unwrap()))
    }
}

fn config() -> StoreConfig {
    StoreConfig { segment_bytes: 256 << 10, ..StoreConfig::default() }
}

fn open(dir: &Path) -> Arc<LogStore> {
    LogStore::open(dir, &config(), &mut SampleFolder::default()).unwrap()
}

/// Ends and folds these jobs.
async fn finish(store: &LogStore, jobs: std::ops::RangeInclusive<u32>) {
    for n in jobs {
        let ticket = store.append(vec![sample::record(n, 1), sample::ended(n, 2)]);
        store.fold(Arc::new(sample::view(n)));
        ticket.await.unwrap();
    }
}

fn total(store: &LogStore) -> usize {
    store.jobs(&JobQuery { limit: 1, ..JobQuery::default() }).unwrap().total
}

const CHILD_DIR: &str = "GADUS_STORE_TEST_DIR";
const CHILD_CRASH_AT: &str = "GADUS_STORE_TEST_CRASH_AT";

/// In a child process: the directory it is to work in.
fn child_dir() -> Option<PathBuf> {
    env::var_os(CHILD_DIR).map(PathBuf::from)
}

/// Runs one of these tests alone, as a child process.
fn run_child(test: &str, dir: &Path, crash_at: &str) -> ExitStatus {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test])
        .env(CHILD_DIR, dir)
        .env(CHILD_CRASH_AT, crash_at)
        .output()
        .unwrap()
        .status
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let root = tempfile::tempdir().unwrap();
    let places = Cell::new(0);
    store_contract(|| {
        places.set(places.get() + 1);
        let dir: PathBuf = root.path().join(places.get().to_string());
        move || open(&dir)
    })
    .await;
}

#[tokio::test]
async fn a_checkpoint_is_wanted_when_the_log_has_grown() {
    let dir = tempfile::tempdir().unwrap();
    let config = StoreConfig { checkpoint_bytes: 4 << 10, ..config() };
    let mut folder = SampleFolder::default();
    let store = LogStore::open(dir.path(), &config, &mut folder).unwrap();
    assert!(!store.wants_checkpoint());
    let mut seq = 0;
    while !store.wants_checkpoint() {
        seq += 1;
        assert!(seq < 1_000, "never wanted");
        store.append(vec![sample::record(1, seq)]).await.unwrap();
    }
    drop(store);
    let store = LogStore::open(dir.path(), &config, &mut folder).unwrap();
    assert!(store.wants_checkpoint(), "a restart does not forget it");
    let ticket = store.checkpoint(vec![sample::snapshot(1, seq, 10)]);
    assert!(!store.wants_checkpoint(), "one is being made");
    ticket.await.unwrap();
    assert!(!store.wants_checkpoint());
}

#[test]
fn a_second_process_is_refused() {
    if let Some(dir) = child_dir() {
        let refusal = LogStore::open(&dir, &config(), &mut SampleFolder::default()).err();
        assert!(matches!(refusal, Some(StoreError::InUse { .. })), "{refusal:?}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let second = LogStore::open(dir.path(), &config(), &mut SampleFolder::default()).err();
    let message = second.unwrap().to_string();
    assert!(message.contains("in use") && message.contains(&dir.path().display().to_string()));
    let test = "store::tests::a_second_process_is_refused";
    assert!(run_child(test, dir.path(), "").success());
    drop(store);
    open(dir.path());
}
