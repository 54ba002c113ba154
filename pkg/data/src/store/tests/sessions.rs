//! Imports: all or nothing, in memory and in packs of their own.

use super::*;
use crate::store::pack::Kind;

fn blocks(count: u32, bytes: usize) -> Vec<(Cid, Vec<u8>)> {
    let block = |nth: u32| {
        let mut bytes = vec![0; bytes];
        bytes[..4].copy_from_slice(&nth.to_le_bytes());
        (raw_cid(&bytes), bytes)
    };
    (0..count).map(block).collect()
}

async fn import(store: &Store, id: Option<NamespaceId>, blocks: &[(Cid, Vec<u8>)]) {
    let session = store.session(id);
    for (cid, bytes) in blocks {
        session.put(cid, bytes).unwrap();
    }
    for (cid, bytes) in blocks {
        assert_eq!(session.get(cid).unwrap().as_deref(), Some(bytes.as_slice()));
        assert_eq!(store.get(cid, id).unwrap(), None, "before the commit");
    }
    tokio::task::spawn_blocking(move || session.commit(None)).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_import_counts_when_it_commits_whatever_its_size() {
    // In memory; small ones gathered in a bulk pack; large ones by themselves; both at a border.
    for (count, bytes) in [(3, 100), (500, 1_000), (5, 300 << 10), (9, 64 << 10), (2_000, 2_000)] {
        let dir = dir();
        let all = blocks(count, bytes);
        {
            let store = open(dir.path());
            import(&store, None, &all).await;
            assert!(all.iter().all(|(cid, _)| store.has(cid)));
        }
        for lose_index in [false, true] {
            if lose_index {
                std::fs::remove_file(dir.path().join("index.redb")).unwrap();
            }
            let store = open(dir.path());
            for (cid, bytes) in &all {
                assert_eq!(store.get(cid, None).unwrap().as_deref(), Some(bytes.as_slice()));
            }
        }
    }
}

#[tokio::test]
async fn an_import_that_does_not_commit_never_was() {
    for (count, bytes) in [(3, 100), (5, 300 << 10)] {
        let dir = dir();
        let all = blocks(count, bytes);
        {
            let store = open(dir.path());
            let session = store.session(None);
            for (cid, bytes) in &all {
                session.put(cid, bytes).unwrap();
            }
            assert!(store.used_bytes() > 0);
            drop(session);
            assert_eq!(store.used_bytes(), 0);
            assert!(all.iter().all(|(cid, _)| !store.has(cid)));
            for pack in store.inner.packs.all(Kind::Bulk) {
                assert!(pack.disk_bytes().unwrap() <= 4 << 10, "the disk has its room back");
            }
        }
        let store = open(dir.path());
        assert!(all.iter().all(|(cid, _)| !store.has(cid)), "after a restart");
    }
}

#[tokio::test]
async fn a_pack_that_an_import_left_is_used_by_the_next() {
    let dir = dir();
    let store = open(dir.path());
    let (first, second) = (blocks(4, 200 << 10), blocks(6, 150 << 10));
    {
        let session = store.session(None);
        for (cid, bytes) in &first {
            session.put(cid, bytes).unwrap();
        }
    }
    import(&store, None, &second).await;
    import(&store, Some(namespace(1)), &first).await;
    drop(store);
    let bulk = |entry: &std::fs::DirEntry| entry.path().extension().is_some_and(|e| e == "bulk");
    let packs = std::fs::read_dir(dir.path().join("packs")).unwrap();
    assert_eq!(packs.filter(|entry| bulk(entry.as_ref().unwrap())).count(), 1);
    std::fs::remove_file(dir.path().join("index.redb")).unwrap();
    let store = open(dir.path());
    for (cid, bytes) in &second {
        assert_eq!(store.get(cid, None).unwrap().as_deref(), Some(bytes.as_slice()));
    }
    for (cid, bytes) in &first {
        assert_eq!(store.get(cid, None).unwrap(), None);
        let quarantined = store.get(cid, Some(namespace(1))).unwrap();
        assert_eq!(quarantined.as_deref(), Some(bytes.as_slice()));
    }
}

#[tokio::test]
async fn a_killed_import_leaves_nothing_and_the_next_writes_over_it() {
    let (dir, copy) = (dir(), dir());
    let store = open(dir.path());
    let (done, killed) = (blocks(4, 200 << 10), blocks(6, 150 << 10));
    import(&store, None, &done).await;
    let session = store.session(None);
    for (cid, bytes) in &killed {
        session.put(cid, bytes).unwrap();
    }
    copy_dir(dir.path(), copy.path());
    let again = open(copy.path());
    assert!(done.iter().all(|(cid, _)| again.has(cid)));
    assert!(killed.iter().all(|(cid, _)| !again.has(cid)));
    assert_eq!(again.used_bytes(), done.iter().map(|(_, b)| b.len() as u64 + 160).sum::<u64>());
    import(&again, None, &killed).await;
    assert!(killed.iter().all(|(cid, _)| again.has(cid)));
}

#[tokio::test]
async fn a_full_pack_is_followed_by_another_within_one_import() {
    let dir = dir();
    let config = ContentConfig { pack_bytes_max: 500 << 10, ..config() };
    let all = blocks(20, 100 << 10);
    {
        let store = Store::open(dir.path(), &config).unwrap();
        import(&store, None, &all).await;
    }
    std::fs::remove_file(dir.path().join("index.redb")).unwrap();
    let store = Store::open(dir.path(), &config).unwrap();
    for (cid, bytes) in &all {
        assert_eq!(store.get(cid, None).unwrap().as_deref(), Some(bytes.as_slice()));
    }
}

#[tokio::test]
async fn threads_write_one_import_together() {
    let dir = dir();
    let store = open(dir.path());
    let all = blocks(400, 20 << 10);
    let session = store.session(None);
    std::thread::scope(|scope| {
        for part in all.chunks(100) {
            scope.spawn(|| part.iter().for_each(|(cid, bytes)| session.put(cid, bytes).unwrap()));
        }
    });
    tokio::task::spawn_blocking(move || session.commit(None)).await.unwrap().unwrap();
    for (cid, bytes) in &all {
        assert_eq!(store.get(cid, None).unwrap().as_deref(), Some(bytes.as_slice()));
    }
}

#[tokio::test]
async fn a_large_discarded_namespace_gives_its_disk_space_back() {
    let dir = dir();
    let store = open(dir.path());
    let all = blocks(8, 200 << 10);
    import(&store, Some(namespace(1)), &all).await;
    let pack = store.inner.packs.all(Kind::Bulk).remove(0);
    let before = pack.disk_bytes().unwrap();
    store.discard(namespace(1)).await.unwrap();
    // The hole is punched after the answer; a later answer comes after the hole.
    store.put_verified(vec![block("next")]).await.unwrap();
    assert!(pack.disk_bytes().unwrap() < before / 4, "of {before}");
    assert_eq!(store.used_bytes(), 4 + 160);
}
