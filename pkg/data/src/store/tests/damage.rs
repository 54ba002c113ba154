//! What a check finds, and what it does about it.

use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::*;

fn large() -> (Cid, Bytes) {
    let bytes = vec![9; 100 << 10];
    (raw_cid(&bytes), Bytes::from(bytes))
}

async fn filled(dir: &Path) -> Store {
    let store = open(dir);
    for text in ["one", "two", "three"] {
        store.put_verified(vec![block(text)]).await.unwrap();
        store.pin(block(text).0, &PinReason::User).await.unwrap();
    }
    let (cid, bytes) = large();
    let session = store.session(None);
    session.put(&cid, &bytes).unwrap();
    let commit = move || session.commit(Some((cid, PinReason::User.into())));
    tokio::task::spawn_blocking(commit).await.unwrap().unwrap();
    put_quarantined(&store, namespace(1), "hidden").await;
    store
}

/// Changes one byte of a block on the disk, so many bytes before or after where it begins.
fn spoil(dir: &Path, store: &Store, cid: &Cid, by: i64) -> (String, u64) {
    let key = crate::block::Key::of(cid);
    let hidden = store.inner.state.read().quarantined(namespace(1), &key);
    let loc = hidden.or_else(|| store.inner.public(&key)).unwrap();
    let name = store.inner.packs.get(loc.pack).unwrap().name();
    let file = std::fs::File::options().read(true).write(true).open(dir.join("packs").join(&name));
    let (file, at) = (file.unwrap(), loc.offset.checked_add_signed(by).unwrap());
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    (name, loc.offset)
}

#[tokio::test]
async fn a_whole_store_is_found_whole() {
    let dir = dir();
    let store = filled(dir.path()).await;
    let found = store.check(true).unwrap();
    assert_eq!((found.good_blocks, found.bad, found.repaired), (5, 0, 0));
    assert_eq!(found.packs, 2);
}

#[tokio::test]
async fn a_bad_block_is_named_and_forgotten_only_when_asked() {
    for cid in [block("two").0, large().0, block("hidden").0] {
        let dir = dir();
        let store = filled(dir.path()).await;
        let (pack, offset) = spoil(dir.path(), &store, &cid, 1);
        for _ in 0..2 {
            let found = store.check(false).unwrap();
            assert_eq!((found.good_blocks, found.bad, found.repaired), (4, 1, 0));
            let bad = &found.named[0];
            assert_eq!((&bad.pack, bad.offset, bad.cid), (&pack, offset, Some(cid)));
        }
        assert_eq!(store.check(true).unwrap().repaired, 1);
        assert_eq!(store.get(&cid, Some(namespace(1))).unwrap(), None);
        check_accounts(&store);
        drop(store);
        std::fs::remove_file(dir.path().join("index.redb")).unwrap();
        let store = open(dir.path());
        assert!(!store.has(&cid), "a lost index does not bring it back");
        let found = store.check(false).unwrap();
        assert_eq!((found.good_blocks, found.bad), (4, 0));
        let again = [block("two"), large(), block("hidden")].into_iter().find(|b| b.0 == cid);
        store.put_verified(vec![again.clone().unwrap()]).await.unwrap();
        assert_eq!(store.get(&cid, None).unwrap(), again.map(|(_, bytes)| bytes));
        assert_eq!(store.check(false).unwrap().bad, 0);
    }
}

/// The log pack of a store that is closed, with its number.
fn log_of(dir: &Path) -> (PathBuf, String) {
    let packs = std::fs::read_dir(dir.join("packs")).unwrap().map(|file| file.unwrap().path());
    let mut logs: Vec<_> = packs.filter(|path| path.extension().unwrap() == "log").collect();
    logs.sort();
    let last = logs.pop().unwrap();
    let name = last.file_name().unwrap().to_string_lossy().into_owned();
    (last, name)
}

#[tokio::test]
async fn a_store_that_lacks_what_its_index_has_read_is_not_opened_and_loses_nothing_more() {
    let dir = dir();
    let store = filled(dir.path()).await;
    store.inner.flush().unwrap();
    drop(store);
    let (log, name) = log_of(dir.path());
    let whole = std::fs::read(&log).unwrap();
    let mut headless = whole.clone();
    headless[..8].fill(0);
    for damaged in [None, Some(headless)] {
        match damaged {
            None => std::fs::remove_file(&log).unwrap(),
            Some(bytes) => std::fs::write(&log, bytes).unwrap(),
        }
        let error = Store::open(dir.path(), &config()).map(|_| ()).unwrap_err();
        let why = format!("{error}: {:?}", std::error::Error::source(&error));
        assert!(why.contains(&name), "{why}");
        std::fs::write(&log, &whole).unwrap();
        let store = open(dir.path());
        assert!(store.has(&large().0) && store.has(&block("two").0));
    }
}

#[tokio::test]
async fn what_a_check_finds_bad_is_not_taken_for_good_any_more() {
    let dir = dir();
    let store = filled(dir.path()).await;
    let (cid, bytes) = large();
    assert_eq!(store.get(&cid, None).unwrap(), Some(bytes), "its bytes are known to be good");
    spoil(dir.path(), &store, &cid, 1);
    assert_eq!(store.check(false).unwrap().bad, 1);
    assert_eq!(store.get(&cid, None).unwrap(), None);
}

#[tokio::test]
async fn a_damaged_record_does_not_hide_those_behind_it() {
    let dir = dir();
    let store = filled(dir.path()).await;
    // In the head: nothing tells any more where the record ends.
    spoil(dir.path(), &store, &block("two").0, -3);
    let found = store.check(false).unwrap();
    assert_eq!((found.good_blocks, found.bad), (4, 2), "{found:?}");
    assert_eq!(found.named[0].cid, None);
    assert_eq!(found.named[1].cid, Some(block("two").0));
    assert_eq!(store.check(true).unwrap().repaired, 1);
    assert!(!store.has(&block("two").0) && store.has(&block("three").0));
}

#[tokio::test]
async fn a_lost_pack_is_noticed() {
    let dir = dir();
    let store = filled(dir.path()).await;
    let key = crate::block::Key::of(&large().0);
    let pack = store.inner.packs.get(store.inner.public(&key).unwrap().pack).unwrap();
    store.inner.packs.remove(&pack).unwrap();
    let found = store.check(false).unwrap();
    assert_eq!((found.good_blocks, found.bad), (4, 1));
    assert_eq!(found.named[0].cid, Some(large().0));
    let more = store.check(true).unwrap();
    assert_eq!(more.repaired, 1);
    assert!(!store.has(&large().0));
}

#[tokio::test]
async fn a_pack_with_a_damaged_block_is_not_emptied() {
    let dir = dir();
    let store = Arc::new(filled(dir.path()).await);
    spoil(dir.path(), &store, &block("two").0, 1);
    for text in ["one", "three"] {
        store.release(block(text).0, &PinReason::User).await.unwrap();
    }
    collect(&store).await;
    assert!(store.has(&block("two").0), "it may be saved yet");
    assert!(dir.path().join("packs/00000000.log").exists());
    assert_eq!(store.check(true).unwrap().repaired, 1);
    collect(&store).await;
    assert!(!dir.path().join("packs/00000000.log").exists());
    assert!(store.get(&block("hidden").0, Some(namespace(1))).unwrap().is_some());
}

#[tokio::test]
async fn what_a_disk_gives_back_changed_is_given_to_nobody_and_can_come_again() {
    for cid in [block("two").0, large().0, block("hidden").0] {
        let dir = dir();
        drop(filled(dir.path()).await);
        // A new process: nothing was looked at yet.
        let store = open(dir.path());
        spoil(dir.path(), &store, &cid, 1);
        let sweeps = store.sweeps().load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!(store.get(&cid, Some(namespace(1))).unwrap(), None);
        assert!(!store.has(&cid));
        let later = store.sweeps().load(std::sync::atomic::Ordering::SeqCst);
        assert!(later > sweeps, "what was whole is looked at again");
        assert_eq!(store.check(false).unwrap().bad, 0, "it is not counted as here");
        let good = match cid == large().0 {
            true => large(),
            false => [block("two"), block("hidden")].into_iter().find(|b| b.0 == cid).unwrap(),
        };
        store.put_verified(vec![good.clone()]).await.unwrap();
        assert_eq!(store.get(&cid, None).unwrap(), Some(good.1));
    }
}
