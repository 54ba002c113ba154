//! Cuts, flips, kills, and lost indexes.

use std::path::{Path, PathBuf};

use super::*;
use crate::block::Key;

/// Where the log ends in a file that has room behind it, and where its records end.
async fn small_log(dir: &Path) -> (PathBuf, Vec<u8>, Vec<usize>) {
    let log = dir.join("packs/00000000.log");
    let store = open(dir);
    let mut ends = Vec::new();
    for nth in 0..3 {
        store.put_verified(vec![block(&format!("block {nth}"))]).await.unwrap();
        ends.push(usize::try_from(store.inner.state.read().position().offset).unwrap());
    }
    store.pin(block("block 2").0, &PinReason::User).await.unwrap();
    ends.push(usize::try_from(store.inner.state.read().position().offset).unwrap());
    drop(store);
    let bytes = std::fs::read(&log).unwrap();
    (log, bytes, ends)
}

fn with_log(bytes: &[u8]) -> TempDir {
    let dir = dir();
    std::fs::create_dir_all(dir.path().join("packs")).unwrap();
    std::fs::write(dir.path().join("packs/00000000.log"), bytes).unwrap();
    dir
}

#[tokio::test]
async fn a_log_cut_at_any_byte_keeps_what_is_whole_and_goes_on() {
    let first = dir();
    let (_, bytes, ends) = small_log(first.path()).await;
    for cut in 0..=*ends.last().unwrap() {
        let dir = with_log(&bytes[..cut]);
        {
            let store = open(dir.path());
            for (nth, end) in ends[..3].iter().enumerate() {
                let (cid, bytes) = block(&format!("block {nth}"));
                let expected = (*end <= cut).then_some(bytes);
                assert_eq!(store.get(&cid, None).unwrap(), expected, "cut at {cut}, block {nth}");
            }
            assert_eq!(store.pins().unwrap().len(), usize::from(cut == ends[3]), "cut at {cut}");
            store.put_verified(vec![block("new")]).await.unwrap();
        }
        let store = open(dir.path());
        assert!(store.has(&block("new").0), "cut at {cut}");
        assert_eq!(store.has(&block("block 0").0), ends[0] <= cut, "cut at {cut}");
    }
}

#[tokio::test]
async fn a_damaged_block_costs_itself_alone() {
    let first = dir();
    let (_, mut bytes, ends) = small_log(first.path()).await;
    bytes[ends[0] - 1] ^= 0x10;
    let dir = with_log(&bytes);
    let lost = block("block 0").0;
    for _ in 0..2 {
        let store = open(dir.path());
        assert_eq!(store.get(&lost, None).unwrap(), None);
        for text in ["block 1", "block 2"] {
            let (cid, bytes) = block(text);
            assert_eq!(store.get(&cid, None).unwrap(), Some(bytes));
        }
        assert_eq!(store.pins().unwrap().len(), 1);
        // It is not known which trees lack it.
        assert!(store.inner.state.read().has_holes());
    }
    let store = open(dir.path());
    store.put_verified(vec![block("block 0")]).await.unwrap();
    assert!(store.has(&lost));
}

#[tokio::test]
async fn what_the_index_has_does_not_hang_on_the_log() {
    let (dir, copy) = (dir(), dir());
    let config = ContentConfig { index_pause_ms: 1, ..ContentConfig::default() };
    let store = Store::open(dir.path(), &config).unwrap();
    store.put_verified(vec![block("one"), block("two")]).await.unwrap();
    let known = |text| store.inner.index.get(&Key::of(&block(text).0)).unwrap().is_some();
    while !(known("one") && known("two")) {
        std::thread::yield_now();
    }
    copy_dir(dir.path(), copy.path());
    let log = copy.path().join("packs/00000000.log");
    let mut bytes = std::fs::read(&log).unwrap();
    // The head of the first record: nothing behind it could be found.
    bytes[20] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    let store = open(copy.path());
    assert!(store.get(&block("two").0, None).unwrap().is_some());
}

#[tokio::test]
async fn a_flipped_bit_costs_at_most_the_records_from_there_on() {
    let first = dir();
    let (_, bytes, ends) = small_log(first.path()).await;
    for at in 8..*ends.last().unwrap() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        let dir = with_log(&flipped);
        let store = open(dir.path());
        for (nth, end) in ends[..3].iter().enumerate() {
            let (cid, bytes) = block(&format!("block {nth}"));
            match store.get(&cid, None).unwrap() {
                Some(found) => assert_eq!(found, bytes, "flipped at {at}"),
                None => assert!(at < *end, "flipped at {at}, lost block {nth}"),
            }
        }
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let (dir, copy) = (dir(), dir());
    let store = open(dir.path());
    for nth in 0..20 {
        store.put_verified(vec![block(&format!("block {nth}"))]).await.unwrap();
        if nth == 9 {
            // The index knows the first half only.
            store.inner.flush().unwrap();
        }
    }
    put_quarantined(&store, namespace(1), "secret").await;
    store.pin(block("block 3").0, &PinReason::User).await.unwrap();
    copy_dir(dir.path(), copy.path());
    let used = store.used_bytes();
    let again = open(copy.path());
    for nth in 0..20 {
        assert!(again.has(&block(&format!("block {nth}")).0), "{nth}");
    }
    assert!(again.get(&block("secret").0, Some(namespace(1))).unwrap().is_some());
    assert!(!again.has(&block("secret").0));
    assert_eq!(again.pins().unwrap().len(), 1);
    assert_eq!(again.used_bytes(), used);
}

#[tokio::test]
async fn a_lost_or_spoilt_index_is_made_again() {
    let dir = dir();
    let large = vec![7; 300 << 10];
    let used = {
        let store = open(dir.path());
        store.put_verified(vec![block("small")]).await.unwrap();
        let session = store.session(None);
        session.put(&raw_cid(&large), &large).unwrap();
        let commit =
            move || session.commit(Some((raw_cid(&[7; 300 << 10]), PinReason::User.into())));
        tokio::task::spawn_blocking(commit).await.unwrap().unwrap();
        store.used_bytes()
    };
    let spoil: [fn(&Path); 3] = [
        |index| std::fs::remove_file(index).unwrap(),
        |index| std::fs::write(index, b"not a database").unwrap(),
        |index| std::fs::write(index, b"").unwrap(),
    ];
    for spoil in spoil {
        spoil(&dir.path().join("index.redb"));
        let store = open(dir.path());
        assert!(store.has(&block("small").0));
        assert_eq!(store.get(&raw_cid(&large), None).unwrap().unwrap(), large);
        assert_eq!(store.pins().unwrap(), [(raw_cid(&large), PinReason::User)]);
        assert_eq!(store.used_bytes(), used);
    }
}

#[tokio::test]
async fn an_index_that_is_ahead_of_the_packs_is_made_again() {
    let dir = dir();
    {
        let store = open(dir.path());
        store.put_verified(vec![block("lost")]).await.unwrap();
    }
    // A restored backup, say: the index is newer than the packs.
    let log = std::fs::File::options().write(true).open(dir.path().join("packs/00000000.log"));
    log.unwrap().set_len(8).unwrap();
    let store = open(dir.path());
    assert!(!store.has(&block("lost").0));
    store.put_verified(vec![block("lost")]).await.unwrap();
    assert!(store.get(&block("lost").0, None).unwrap().is_some());
}

#[tokio::test]
async fn logs_go_on_in_new_packs_and_all_are_read() {
    let dir = dir();
    let config = ContentConfig { pack_bytes_max: 1 << 10, ..config() };
    {
        let store = Store::open(dir.path(), &config).unwrap();
        for nth in 0..50 {
            store.put_verified(vec![block(&format!("block {nth}"))]).await.unwrap();
        }
    }
    assert!(std::fs::read_dir(dir.path().join("packs")).unwrap().count() > 3);
    std::fs::remove_file(dir.path().join("index.redb")).unwrap();
    let store = Store::open(dir.path(), &config).unwrap();
    for nth in 0..50 {
        assert!(store.get(&block(&format!("block {nth}")).0, None).unwrap().is_some(), "{nth}");
    }
}
