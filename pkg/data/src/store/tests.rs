//! The store against crashes, cuts and its own model.

mod collecting;
mod damage;
mod keeping;
mod kills;
mod model;
mod recovery;
mod sessions;
mod sweeping;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use gadus_model::{Cid, ExecutionId};
use gadus_ports::{Collected, ContentError, NamespaceId, PinReason};
use tempfile::TempDir;

use super::collect::sweep::each_row;
use super::committer::Committer;
use super::state::cost;
use super::{Item, Store, ask, recover};
use crate::block::raw_cid;
use crate::config::ContentConfig;
use crate::error::OpenError;

/// A directory in memory where there is one: these tests open stores by the hundred.
pub(super) fn dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

pub(super) fn config() -> ContentConfig {
    ContentConfig {
        preallocate_bytes: 4 << 10,
        session_memory_bytes: 8 << 10,
        index_cache_bytes: 1 << 20,
        ..ContentConfig::default()
    }
}

pub(super) fn open(dir: &Path) -> Store {
    Store::open(dir, &config()).unwrap()
}

pub(super) fn block(text: &str) -> (Cid, Bytes) {
    (raw_cid(text.as_bytes()), Bytes::copy_from_slice(text.as_bytes()))
}

pub(super) fn namespace(nth: u128) -> NamespaceId {
    ExecutionId(uuid::Uuid::from_u128(nth))
}

pub(super) async fn put_quarantined(store: &Store, id: NamespaceId, text: &str) {
    let (cid, bytes) = block(text);
    let session = store.session(Some(id));
    session.put(&cid, &bytes).unwrap();
    tokio::task::spawn_blocking(move || session.commit(None)).await.unwrap().unwrap();
}

/// What a killed process leaves: the files as they are now.
pub(super) fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join("packs")).unwrap();
    for folder in ["", "packs"] {
        for file in std::fs::read_dir(from.join(folder)).unwrap() {
            let file = file.unwrap();
            if file.file_type().unwrap().is_file() {
                std::fs::copy(file.path(), to.join(folder).join(file.file_name())).unwrap();
            }
        }
    }
}

/// What the quota counts is what is there.
pub(super) fn check_accounts(store: &Store) {
    let inner = &store.inner;
    inner.flush().unwrap();
    let mut bytes = 0;
    each_row(inner, |rows| {
        bytes += rows.iter().map(|(_, loc)| cost(loc.bytes as usize)).sum::<u64>();
        Ok(())
    })
    .unwrap();
    let state = inner.state.read();
    bytes += state.quarantined_locs().map(|loc| cost(loc.bytes as usize)).sum::<u64>();
    assert_eq!((state.stored_bytes(), inner.quota.used()), (bytes, bytes));
}

/// Collects on a thread that may wait.
pub(super) async fn collect(store: &Arc<Store>) -> Collected {
    let store = store.clone();
    tokio::task::spawn_blocking(move || store.collect()).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_put_is_there_again_after_a_restart() {
    let dir = dir();
    let (cid, bytes) = block("hello");
    {
        let store = open(dir.path());
        assert!(!store.has(&cid));
        store.put_verified(vec![(cid, bytes.clone())]).await.unwrap();
        assert!(store.has(&cid));
    }
    let store = open(dir.path());
    assert!(store.has(&cid));
    assert_eq!(store.get(&cid, None).unwrap(), Some(bytes));
    assert_eq!(store.get(&raw_cid(b"other"), None).unwrap(), None);
}

#[test]
fn a_second_process_is_refused_with_the_directory_named() {
    let dir = dir();
    let first = open(dir.path());
    let error = Store::open(dir.path(), &config()).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }));
    assert!(error.to_string().contains(dir.path().to_str().unwrap()), "{error}");
    drop(first);
    open(dir.path());
}

#[test]
fn all_that_waits_shares_one_sync() {
    let dir = dir();
    let inner = Arc::new(recover::open(dir.path(), &config()).unwrap());
    let (behind, _) = std::sync::mpsc::sync_channel(1);
    let (appends, queue) = tokio::sync::mpsc::channel(100);
    let committer = Committer::new(inner.clone(), behind).unwrap();
    let mut answers = Vec::new();
    for nth in 0..100 {
        let (cid, bytes) = block(&nth.to_string());
        let items = vec![Item::Block { cid, bytes, namespace: None }];
        let (append, answer) = ask(items, true);
        appends.try_send(append).unwrap();
        answers.push(answer);
    }
    drop(appends);
    let before = inner.packs.syncs();
    committer.run(queue);
    assert_eq!(inner.packs.syncs() - before, 1);
    assert!(answers.into_iter().all(|answer| answer.blocking_recv().unwrap().is_ok()));
}

#[tokio::test]
async fn a_namespace_is_seen_by_those_who_name_it_until_it_is_promoted() {
    let dir = dir();
    let (cid, bytes) = block("an answer");
    let (ours, other) = (namespace(1), namespace(2));
    let store = open(dir.path());
    put_quarantined(&store, ours, "an answer").await;
    assert!(!store.has(&cid));
    assert_eq!(store.get(&cid, None).unwrap(), None);
    assert_eq!(store.get(&cid, Some(other)).unwrap(), None);
    assert_eq!(store.get(&cid, Some(ours)).unwrap(), Some(bytes.clone()));
    drop(store);
    let store = open(dir.path());
    assert!(!store.has(&cid), "a restart does not make it public");
    assert_eq!(store.get(&cid, Some(ours)).unwrap(), Some(bytes.clone()));
    store.promote(ours, cid, &PinReason::Result(ours)).await.unwrap();
    assert!(store.has(&cid));
    assert_eq!(store.pins().unwrap(), [(cid, PinReason::Result(ours))]);
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.get(&cid, None).unwrap(), Some(bytes));
    assert_eq!(store.pins().unwrap(), [(cid, PinReason::Result(ours))]);
}

#[tokio::test]
async fn a_discarded_namespace_is_gone_and_gives_its_room_back() {
    let dir = dir();
    let store = open(dir.path());
    let (cid, _) = block("an answer");
    put_quarantined(&store, namespace(1), "an answer").await;
    assert!(store.used_bytes() > 0);
    store.discard(namespace(1)).await.unwrap();
    assert_eq!(store.get(&cid, Some(namespace(1))).unwrap(), None);
    assert_eq!(store.used_bytes(), 0);
}

#[tokio::test]
async fn a_block_that_is_public_and_quarantined_stays_public() {
    let dir = dir();
    let (cid, bytes) = block("shared");
    let store = open(dir.path());
    put_quarantined(&store, namespace(1), "shared").await;
    store.put_verified(vec![(cid, bytes.clone())]).await.unwrap();
    put_quarantined(&store, namespace(2), "shared").await;
    store.discard(namespace(1)).await.unwrap();
    store.discard(namespace(2)).await.unwrap();
    assert_eq!(store.get(&cid, None).unwrap(), Some(bytes));
}

#[tokio::test]
async fn the_quota_is_hard() {
    let dir = dir();
    let store = Store::open(dir.path(), &ContentConfig { quota_bytes: 1_000, ..config() }).unwrap();
    let (cid, bytes) = (raw_cid(&[1; 700]), Bytes::from(vec![1; 700]));
    store.put_verified(vec![(cid, bytes.clone())]).await.unwrap();
    store.pin(cid, &PinReason::User).await.unwrap();
    let more = vec![(raw_cid(&[2; 700]), Bytes::from(vec![2; 700]))];
    let error = store.put_verified(more.clone()).await.unwrap_err();
    assert!(matches!(error, ContentError::Full { .. }), "{error}");
    assert!(!store.has(&more[0].0));
    let session = store.hasty_session(None);
    assert!(matches!(session.put(&more[0].0, &more[0].1), Err(ContentError::Full { .. })));
}

#[tokio::test]
async fn putting_a_block_again_costs_no_room() {
    let dir = dir();
    let store = open(dir.path());
    let (cid, bytes) = block("again");
    store.put_verified(vec![(cid, bytes.clone()), (cid, bytes.clone())]).await.unwrap();
    let used = store.used_bytes();
    store.put_verified(vec![(cid, bytes)]).await.unwrap();
    assert_eq!(store.used_bytes(), used);
}

#[tokio::test]
async fn pins_are_kept_by_reason() {
    let dir = dir();
    let (a, b) = (raw_cid(b"a"), raw_cid(b"b"));
    let (input, result) = (PinReason::Input(namespace(1)), PinReason::Result(namespace(1)));
    {
        let store = open(dir.path());
        store.pin(a, &PinReason::User).await.unwrap();
        store.pin(a, &input).await.unwrap();
        store.pin(b, &input).await.unwrap();
        store.pin(b, &result).await.unwrap();
    }
    let store = open(dir.path());
    assert_eq!(store.pins().unwrap().len(), 4);
    store.unpin(&input).await.unwrap();
    let mut left = vec![(a, PinReason::User), (b, result)];
    left.sort();
    assert_eq!(store.pins().unwrap(), left);
    drop(store);
    assert_eq!(open(dir.path()).pins().unwrap(), left);
}
