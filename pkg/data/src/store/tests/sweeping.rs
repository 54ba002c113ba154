//! What a collection takes and leaves while others look, put and pin: its steps are taken one at a
//! time here.

use super::*;
use crate::block::dag_pb_cid;
use crate::dag::{Complete, gaps};
use crate::store::barrier::{Raised, Root};
use crate::store::collect::mark::{self, Marks};
use crate::store::collect::sweep::sweep;
use crate::unixfs::node::{Link, encode};

/// The first steps: from here on what comes is told to the barrier.
fn begin(store: &Store) -> (Raised<'_>, Marks) {
    let up = store.inner.barrier.raise();
    store.inner.flush().unwrap();
    let marks = mark::all(&store.inner).unwrap();
    (up, marks)
}

/// Takes what is not kept; answers how many blocks went.
fn sweep_all(store: &Store, marks: &mut Marks) -> u64 {
    let packs = store.inner.packs.below(u32::MAX).iter().map(|pack| pack.id).collect();
    sweep(&store.inner, marks, &packs).unwrap().blocks
}

/// Marks what was pinned meanwhile, and takes nothing.
fn settle(store: &Store, marks: &mut Marks) {
    sweep(&store.inner, marks, &[].into()).unwrap();
}

/// A leaf, and a node over it.
fn tree() -> [(Cid, Bytes); 2] {
    let leaf = block("leaf");
    let link = Link { cid: leaf.0, name: String::new(), size: 4 };
    let node = encode([link].iter(), &[]);
    [leaf, (dag_pb_cid(&node), node.into())]
}

#[tokio::test]
async fn nothing_keeps_a_block_before_its_pin() {
    let dir = dir();
    let store = Arc::new(open(dir.path()));
    let (cid, bytes) = block("early");
    store.put_verified(vec![(cid, bytes.clone())]).await.unwrap();
    collect(&store).await;
    store.pin(cid, &PinReason::User).await.unwrap();
    assert!(!store.has(&cid), "a pin brings nothing back");
    store.put_verified(vec![(cid, bytes)]).await.unwrap();
    collect(&store).await;
    assert!(store.has(&cid), "what is put under a pin stays");
}

#[tokio::test]
async fn what_is_here_when_its_pin_is_answered_stays() {
    let dir = dir();
    let store = open(dir.path());
    let (cid, bytes) = block("in time");
    store.put_verified(vec![(cid, bytes)]).await.unwrap();
    let (_up, mut marks) = begin(&store);
    store.pin(cid, &PinReason::User).await.unwrap();
    assert_eq!(sweep_all(&store, &mut marks), 0);
    assert!(store.has(&cid));
}

#[tokio::test]
async fn a_tree_whose_root_comes_after_its_first_pin_is_followed_at_the_next() {
    let dir = dir();
    let store = open(dir.path());
    let [leaf, root] = tree();
    let cid = root.0;
    store.put_verified(vec![leaf.clone()]).await.unwrap();
    let (_up, mut marks) = begin(&store);
    store.pin(cid, &PinReason::User).await.unwrap();
    settle(&store, &mut marks);
    store.put_verified(vec![root]).await.unwrap();
    store.pin(cid, &PinReason::User).await.unwrap();
    assert_eq!(sweep_all(&store, &mut marks), 0);
    assert!(store.has(&leaf.0));
}

#[tokio::test]
async fn a_pin_is_told_before_its_blocks_count_and_after() {
    let dir = dir();
    let store = open(dir.path());
    let [leaf, root] = tree();
    let cid = root.0;
    let (up, _) = begin(&store);
    let session = store.session(None);
    [leaf, root].iter().for_each(|(cid, bytes)| session.put(cid, bytes).unwrap());
    let commit = move || session.commit(Some((cid, PinReason::User.into())));
    tokio::task::spawn_blocking(commit).await.unwrap().unwrap();
    let told = store.inner.barrier.settle(|_| ()).unwrap_err();
    assert_eq!(told, [Root { cid, namespace: None }; 2]);
    drop(up);
}

#[tokio::test]
async fn a_tree_that_was_looked_at_while_blocks_went_is_not_taken_for_whole() {
    let dir = dir();
    let store = open(dir.path());
    let [leaf, root] = tree();
    let cid = root.0;
    store.put_verified(vec![leaf, root]).await.unwrap();
    let complete = Complete::of(&store);
    let (_up, mut marks) = begin(&store);
    let as_of = complete.sweep();
    assert_eq!(gaps(&store, &complete, &cid, usize::MAX).unwrap().missing, []);
    assert_eq!(sweep_all(&store, &mut marks), 2);
    complete.add_as_of(&cid, as_of);
    assert!(!complete.has(&cid));
    // Where nothing went, what was seen holds.
    let as_of = complete.sweep();
    assert_eq!(sweep_all(&store, &mut marks), 0);
    assert_eq!(complete.sweep(), as_of);
}
