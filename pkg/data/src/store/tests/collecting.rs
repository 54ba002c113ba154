//! What goes, what stays, and what it costs.

use super::*;
use crate::block::dag_pb_cid;
use crate::store::pack::Kind;
use crate::unixfs::node::{Link, encode};

type Blocks = Vec<(Cid, Vec<u8>)>;

fn large(nth: u8) -> (Cid, Vec<u8>) {
    let bytes = vec![nth; 300 << 10];
    (raw_cid(&bytes), bytes)
}

/// A node over blocks.
fn node_over(blocks: &[(Cid, Vec<u8>)]) -> (Cid, Vec<u8>) {
    let link = |(cid, bytes): &(Cid, Vec<u8>)| Link {
        cid: *cid,
        name: String::new(),
        size: bytes.len() as u64,
    };
    let links: Vec<_> = blocks.iter().map(link).collect();
    let bytes = encode(links.iter(), &[]);
    (dag_pb_cid(&bytes), bytes)
}

/// A root, a node, and leaves below it.
fn tree(leaves: Blocks) -> (Cid, Blocks) {
    let node = node_over(&leaves);
    let root = node_over(std::slice::from_ref(&node));
    let cid = root.0;
    (cid, [leaves, vec![node, root]].concat())
}

async fn import(store: &Store, blocks: &[(Cid, Vec<u8>)], pin: Option<Cid>) {
    let (session, blocks) = (store.session(None), blocks.to_vec());
    let pin = pin.map(|root| (root, PinReason::User.into()));
    let import = move || {
        blocks.iter().try_for_each(|(cid, bytes)| session.put(cid, bytes))?;
        session.commit(pin)
    };
    tokio::task::spawn_blocking(import).await.unwrap().unwrap();
}

fn are_here(store: &Store, blocks: &[(Cid, Vec<u8>)]) -> bool {
    blocks.iter().all(|(cid, bytes)| {
        store.get(cid, None).unwrap().is_some_and(|found| found == bytes.as_slice())
    })
}

fn are_gone(store: &Store, blocks: &[(Cid, Vec<u8>)]) -> bool {
    blocks.iter().all(|(cid, _)| !store.has(cid) && store.get(cid, None).unwrap().is_none())
}

fn small(range: std::ops::Range<u32>) -> Blocks {
    range.map(|nth| nth.to_string().into_bytes()).map(|b| (raw_cid(&b), b)).collect()
}

#[tokio::test]
async fn what_nothing_keeps_goes_and_what_is_pinned_stays_whole() {
    let dir = dir();
    let config = ContentConfig { pack_bytes_max: 1 << 20, ..config() };
    let store = Arc::new(Store::open(dir.path(), &config).unwrap());
    let (root, kept) = tree([small(0..200), vec![large(1)]].concat());
    let cached: Blocks = [small(200..400), (2..12).map(large).collect()].concat();
    for part in cached.chunks(70) {
        import(&store, part, None).await;
    }
    import(&store, &kept, Some(root)).await;
    let disk_before = store.inner.packs.disk_bytes();
    let done = collect(&store).await;
    assert_eq!(done.blocks, cached.len() as u64);
    assert!(done.packs >= 3 && done.disk_bytes > 2 << 20, "{done:?}");
    assert!(store.inner.packs.disk_bytes() < disk_before / 3);
    assert!(are_here(&store, &kept) && are_gone(&store, &cached));
    check_accounts(&store);
    drop(store);
    for lose_index in [false, true] {
        if lose_index {
            std::fs::remove_file(dir.path().join("index.redb")).unwrap();
        }
        let store = Arc::new(Store::open(dir.path(), &config).unwrap());
        assert!(are_here(&store, &kept), "index lost: {lose_index}");
        assert_eq!(store.pins().unwrap(), [(root, PinReason::User)]);
        assert_eq!(store.check(false).unwrap().bad, 0);
        assert!(store.stat().unwrap().pinned_blocks == kept.len() as u64);
        collect(&store).await;
        assert!(are_here(&store, &kept) && are_gone(&store, &cached));
    }
}

#[tokio::test]
async fn a_sparse_pack_is_emptied_and_those_who_read_it_read_on() {
    let dir = dir();
    let store = Arc::new(open(dir.path()));
    let all: Blocks = (0..10).map(large).collect();
    import(&store, &all, None).await;
    store.pin(all[4].0, &PinReason::User).await.unwrap();
    let key = crate::block::Key::of(&all[4].0);
    let loc = store.inner.public(&key).unwrap();
    let pack = store.inner.packs.get(loc.pack).unwrap();
    assert_eq!(pack.kind, Kind::Bulk);
    let done = collect(&store).await;
    assert_eq!((done.blocks, done.copied_bytes), (9, 300 << 10));
    assert!(store.inner.packs.get(loc.pack).is_none());
    assert_ne!(store.inner.public(&key), Some(loc));
    assert_eq!(pack.read(loc.offset, loc.bytes as usize).unwrap(), all[4].1);
    assert!(are_here(&store, &all[4..5]));
    // Nothing to do is done at once, and copies nothing.
    assert_eq!(collect(&store).await.copied_bytes, 0);
}

#[tokio::test]
async fn a_block_that_one_tree_has_as_a_leaf_and_another_as_a_node_keeps_what_is_below_it() {
    let dir = dir();
    let store = Arc::new(open(dir.path()));
    let (root, kept) = tree(small(0..3));
    let as_leaf = Cid::new_v1(gadus_model::RAW, *root.hash());
    store.pin(as_leaf, &PinReason::Input(namespace(1))).await.unwrap();
    import(&store, &kept, Some(root)).await;
    store.pin(as_leaf, &PinReason::Result(namespace(1))).await.unwrap();
    collect(&store).await;
    assert!(are_here(&store, &kept));
}

#[tokio::test]
async fn an_open_import_keeps_what_it_relies_on() {
    let dir = dir();
    let store = Arc::new(open(dir.path()));
    let shared = small(0..5);
    import(&store, &shared, None).await;
    let (root, all) = tree(shared.clone());
    let session = store.session(None);
    all.iter().for_each(|(cid, bytes)| session.put(cid, bytes).unwrap());
    collect(&store).await;
    assert!(are_here(&store, &shared));
    let commit = move || session.commit(Some((root, PinReason::User.into())));
    tokio::task::spawn_blocking(commit).await.unwrap().unwrap();
    collect(&store).await;
    assert!(are_here(&store, &all));
    store.release(root, &PinReason::User).await.unwrap();
    assert_eq!(collect(&store).await.blocks, all.len() as u64);
    assert_eq!(store.used_bytes(), 0);
}

#[tokio::test]
async fn a_result_in_quarantine_keeps_what_it_shares_with_the_public() {
    let dir = dir();
    let store = Arc::new(open(dir.path()));
    let (root, all) = tree(small(0..5));
    // All of the first result is public already, and a part of the second.
    import(&store, &all, None).await;
    let (second, more) = tree(small(3..8));
    for (id, root, blocks) in [(1, root, &all), (2, second, &more)] {
        let session = store.session(Some(namespace(id)));
        blocks.iter().for_each(|(cid, bytes)| session.put(cid, bytes).unwrap());
        let commit = move || session.commit_outputs(root);
        tokio::task::spawn_blocking(commit).await.unwrap().unwrap();
    }
    let mut store = store;
    for lose_index in [false, true] {
        collect(&store).await;
        drop(store);
        if lose_index {
            std::fs::remove_file(dir.path().join("index.redb")).unwrap();
        }
        store = Arc::new(open(dir.path()));
        assert!(are_here(&store, &all), "index lost: {lose_index}");
        assert!(!store.has(&second));
    }
    store.promote(namespace(1), root, &PinReason::Result(namespace(1))).await.unwrap();
    store.discard(namespace(2)).await.unwrap();
    collect(&store).await;
    assert!(are_here(&store, &all) && are_gone(&store, &more[2..]));
    check_accounts(&store);
}

#[tokio::test]
async fn published_results_survive_their_log_and_a_lost_index() {
    let dir = dir();
    let config = ContentConfig { pack_bytes_max: 2 << 10, gc_live_percent_max: 90, ..config() };
    let mut store = Arc::new(Store::open(dir.path(), &config).unwrap());
    let text = |nth: u128| format!("the answer to question {nth}, at some length: {nth:0200}");
    for nth in 0..60 {
        put_quarantined(&store, namespace(nth), &text(nth)).await;
        let root = block(&text(nth)).0;
        match nth % 4 {
            0 => store.discard(namespace(nth)).await.unwrap(),
            1 => store
                .promote(namespace(nth), root, &PinReason::Result(namespace(nth)))
                .await
                .unwrap(),
            2 => {
                store
                    .promote(namespace(nth), root, &PinReason::Result(namespace(nth)))
                    .await
                    .unwrap();
                store.unpin(&PinReason::Result(namespace(nth))).await.unwrap();
            }
            _ => {}
        }
    }
    for lose_index in [false, false, true, true] {
        let done = collect(&store).await;
        check_accounts(&store);
        drop(store);
        if lose_index {
            std::fs::remove_file(dir.path().join("index.redb")).unwrap();
        }
        store = Arc::new(Store::open(dir.path(), &config).unwrap());
        for nth in 0..60 {
            let (cid, bytes) = block(&text(nth));
            let public = (nth % 4 == 1).then(|| bytes.clone());
            let own = matches!(nth % 4, 1 | 3).then_some(bytes);
            let found = store.get(&cid, Some(namespace(nth))).unwrap();
            assert_eq!(store.get(&cid, None).unwrap(), public, "{nth} {lose_index} {done:?}");
            assert_eq!(found, own, "{nth} {lose_index}");
        }
        assert_eq!(store.pins().unwrap().len(), 15);
    }
}

#[tokio::test]
async fn a_full_store_makes_room_of_what_is_cached_and_of_nothing_else() {
    let dir = dir();
    let config = ContentConfig { quota_bytes: 2 << 20, gc_pause_ms: 0, ..config() };
    let store = Arc::new(Store::open(dir.path(), &config).unwrap());
    let kept: Blocks = (0..3).map(large).collect();
    import(&store, &kept, None).await;
    for (cid, _) in &kept {
        store.pin(*cid, &PinReason::User).await.unwrap();
    }
    // Each wants room that those before it have taken.
    for nth in 10..40 {
        let (cid, bytes) = large(nth);
        if nth % 2 == 0 {
            store.put_verified(vec![(cid, bytes.clone().into())]).await.unwrap();
        } else {
            import(&store, &[(cid, bytes.clone())], None).await;
        }
        assert!(are_here(&store, &[(cid, bytes)]) && are_here(&store, &kept), "{nth}");
        assert!(store.used_bytes() <= 2 << 20);
    }
    let (root, tree) = tree(vec![large(50), large(51), large(52)]);
    import(&store, &tree, Some(root)).await;
    let error = store.put_verified(vec![(large(60).0, large(60).1.into())]).await.unwrap_err();
    assert!(matches!(error, ContentError::Full { .. }), "{error}");
    assert!(are_here(&store, &kept) && are_here(&store, &tree));
    collect(&store).await;
    check_accounts(&store);
}

#[tokio::test]
async fn the_oldest_goes_first_and_no_more_than_must() {
    let dir = dir();
    let config = ContentConfig { pack_bytes_max: 300 << 10, ..config() };
    let store = Arc::new(Store::open(dir.path(), &config).unwrap());
    for nth in 0..6 {
        import(&store, &[large(nth)], None).await;
    }
    let (store_of, used) = (store.clone(), store.used_bytes());
    let goal = crate::store::Goal::Below(used / 2);
    let run = move || {
        let appends = &store_of.weak_appends;
        crate::store::Collection { inner: &store_of.inner, appends }.run(goal)
    };
    let done = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    assert_eq!(done.blocks, 3);
    let left: Vec<bool> = (0..6).map(|nth| store.has(&large(nth).0)).collect();
    assert_eq!(left, [false, false, false, true, true, true]);
}

/// Everything at once: whatever is pinned when its pinning is answered is whole until it is
/// unpinned.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn trees_that_are_pinned_while_a_collection_goes_on_are_whole() {
    let dir = dir();
    let config = ContentConfig { pack_bytes_max: 64 << 10, gc_live_percent_max: 90, ..config() };
    let store = Arc::new(Store::open(dir.path(), &config).unwrap());
    let writers: Vec<_> = (0..4_u32)
        .map(|who| {
            let store = store.clone();
            tokio::spawn(async move {
                for turn in 0..40_u32 {
                    // Half of each tree is shared with others, and often about to go.
                    let own = small(10_000 * (who + 1) + turn..10_000 * (who + 1) + turn + 8);
                    let (root, all) = tree([small(turn % 5..turn % 5 + 8), own].concat());
                    import(&store, &all, Some(root)).await;
                    assert!(are_here(&store, &all), "{who} {turn}");
                    store.release(root, &PinReason::User).await.unwrap();
                    if turn % 2 == 0 {
                        // Perhaps it is still here: then it is pinned as it is.
                        store.pin(root, &PinReason::User).await.unwrap();
                        if are_here(&store, &all) {
                            tokio::task::yield_now().await;
                            assert!(are_here(&store, &all), "{who} {turn}");
                        }
                        store.release(root, &PinReason::User).await.unwrap();
                    }
                }
            })
        })
        .collect();
    let mut collections = 0;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        collect(&store).await;
        collections += 1;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(collections > 0);
    collect(&store).await;
    assert_eq!(store.used_bytes(), 0);
    assert_eq!(store.check(false).unwrap().bad, 0);
}
