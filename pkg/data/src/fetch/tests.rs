//! Fetches over a network of fakes whose every byte is counted.

mod network;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use gadus_model::{Cid, ExecutionId, NodeId, RAW};
use gadus_ports::{Content as _, ContentError, FetchFrom, Layout, Node, PinReason};
use tempfile::TempDir;

use self::network::{Nature, Network};
use crate::unixfs::data;
use crate::unixfs::node::{Link, encode};
use crate::{ContentConfig, EmbeddedContent, dag_pb_cid, raw_cid};

fn open(config: ContentConfig) -> (TempDir, EmbeddedContent) {
    let dir = tempfile::tempdir().unwrap();
    let content = EmbeddedContent::open(dir.path().join("store"), config).unwrap();
    (dir, content)
}

/// A tree of small files and a file of three chunks, imported somewhere else: its root, and all
/// of its blocks.
async fn tree() -> (Cid, Vec<(Cid, Bytes)>) {
    let (dir, content) = open(ContentConfig::default());
    let source = dir.path().join("source");
    std::fs::create_dir_all(source.join("sub")).unwrap();
    for nth in 0..40 {
        std::fs::write(source.join("sub").join(nth.to_string()), format!("file {nth}")).unwrap();
    }
    let large: Vec<u8> = (0..2_500_000).map(byte_at).collect();
    std::fs::write(source.join("large"), large).unwrap();
    let root = content.import_path(source, Layout::default()).await.unwrap().root;
    let mut blocks = Vec::new();
    let mut stack = vec![root];
    while let Some(cid) = stack.pop() {
        let bytes = content.block(&cid, None).await.unwrap().unwrap();
        stack.extend(crate::dag::links(&cid, &bytes).unwrap().iter().map(|(cid, _)| *cid));
        blocks.push((cid, bytes));
    }
    (root, blocks)
}

/// No two chunks of the large file are equal.
fn byte_at(at: u32) -> u8 {
    (at.wrapping_mul(2_654_435_761) >> 24) as u8
}

fn bytes_of(blocks: &[(Cid, Bytes)]) -> u64 {
    blocks.iter().map(|(_, bytes)| bytes.len() as u64).sum()
}

fn peer(nth: u8) -> NodeId {
    NodeId([nth; 32])
}

fn from(network: &Arc<Network>, peers: &[u8], wait_ms: u64) -> FetchFrom {
    FetchFrom {
        exchange: network.clone(),
        peers: peers.iter().map(|nth| peer(*nth)).collect(),
        namespace: None,
        wait: Duration::from_millis(wait_ms),
    }
}

const PATIENT_MS: u64 = 60_000;

#[tokio::test]
async fn a_tree_comes_from_several_peers_and_then_moves_no_more() {
    let (root, blocks) = tree().await;
    let network = Network::new([(1, Nature::Honest, &blocks), (2, Nature::Honest, &blocks)]);
    let (_dir, content) = open(ContentConfig { fetch_window: 4, ..ContentConfig::default() });
    assert_eq!(content.bytes_missing(&root, 77), 77);
    let from = from(&network, &[1, 2], PATIENT_MS);
    let fetched = content.fetch(root, from.clone(), PinReason::User.into()).await.unwrap();
    assert_eq!(fetched.bytes, bytes_of(&blocks));
    assert_eq!(fetched.by_peer.iter().map(|(_, bytes)| bytes).sum::<u64>(), fetched.bytes);
    for (id, bytes) in &fetched.by_peer {
        assert_eq!(network.bytes_sent(*id), *bytes);
    }
    assert_eq!(content.bytes_missing(&root, 77), 0);
    assert_eq!(content.pins().await.unwrap(), [(root, PinReason::User)]);
    let (asked, opened) = (network.asked(), network.opened());
    let again = content.fetch(root, from, PinReason::User.into()).await.unwrap();
    assert_eq!(again.bytes, 0);
    assert_eq!((network.asked(), network.opened()), (asked, opened), "nobody was troubled");
}

#[tokio::test]
async fn only_what_is_missing_is_fetched() {
    let (root, blocks) = tree().await;
    let network = Network::new([(1, Nature::Honest, &blocks)]);
    let (_dir, content) = open(ContentConfig::default());
    let (here, missing) = blocks.split_at(blocks.len() / 2);
    content.put(here.to_vec()).await.unwrap();
    assert!(content.bytes_missing(&root, 1) >= bytes_of(missing));
    let fetched =
        content.fetch(root, from(&network, &[1], PATIENT_MS), PinReason::User.into()).await;
    assert_eq!(fetched.unwrap().bytes, bytes_of(missing));
    assert_eq!(network.bytes_sent(peer(1)), bytes_of(missing));
}

#[tokio::test]
async fn a_lying_peer_is_left_and_another_asked() {
    let (root, blocks) = tree().await;
    let network = Network::new([(1, Nature::Liar, &blocks), (2, Nature::Honest, &blocks)]);
    // One block at a time, so that a lie is known before the next question.
    let (_dir, content) = open(ContentConfig { fetch_window: 1, ..ContentConfig::default() });
    let from = from(&network, &[1, 2], PATIENT_MS);
    let fetched = content.fetch(root, from, PinReason::User.into()).await.unwrap();
    assert_eq!(fetched.by_peer, [(peer(2), bytes_of(&blocks))]);
    assert!(network.asked_of(peer(1)).len() <= 1, "a liar is asked once at most");
    for (cid, bytes) in &blocks {
        assert_eq!(content.block(cid, None).await.unwrap().as_ref(), Some(bytes));
    }
}

#[tokio::test]
async fn liars_alone_end_in_a_named_missing_block() {
    let (root, blocks) = tree().await;
    let natures = [(1, Nature::Liar, &blocks), (2, Nature::Nonsense, &blocks)];
    let network = Network::new(natures);
    let (_dir, content) = open(ContentConfig::default());
    let from = from(&network, &[1, 2], PATIENT_MS);
    let error = content.fetch(root, from, PinReason::User.into()).await.unwrap_err();
    assert!(matches!(error, ContentError::Missing { cid, asked: 2, .. } if cid == root), "{error}");
    assert!(!content.has(&root));
    assert_eq!(content.pins().await.unwrap(), []);
}

#[tokio::test]
async fn a_requester_relays_between_nodes_that_cannot_reach_each_other() {
    let (root, blocks) = tree().await;
    let nothing = Vec::new();
    let network = Network::new([
        (1, Nature::Relay { to: 2 }, &nothing),
        (2, Nature::Honest, &blocks),
        (3, Nature::Unreachable, &blocks),
    ]);
    let (_dir, content) = open(ContentConfig::default());
    let from = from(&network, &[3, 1], PATIENT_MS);
    let fetched = content.fetch(root, from, PinReason::User.into()).await.unwrap();
    assert_eq!(fetched.by_peer, [(peer(1), bytes_of(&blocks))]);
    let asked = network.asked_of(peer(1));
    assert!(!asked[0].relay && asked[1].relay && asked[0].cid == asked[1].cid);
    assert!(network.asked_of(peer(2)).is_empty(), "not by us");
}

#[tokio::test]
async fn what_nobody_has_is_missing_by_name_after_the_wait() {
    let (root, mut blocks) = tree().await;
    let gone = blocks.iter().position(|(cid, _)| *cid == raw_cid(b"file 7")).unwrap();
    let (gone, _) = blocks.remove(gone);
    let network = Network::new([(1, Nature::Honest, &blocks)]);
    let (_dir, content) = open(ContentConfig::default());
    let error =
        content.fetch(root, from(&network, &[1], 120), PinReason::User.into()).await.unwrap_err();
    let ContentError::Missing { cid, asked: 1, waited_ms } = error else { panic!("{error}") };
    assert_eq!(cid, gone);
    assert!(waited_ms >= 120);
    assert!(network.asked_of(peer(1)).iter().filter(|want| want.cid == gone).count() >= 2);
    // What came is kept: the next attempt asks for the rest alone.
    let whole = Network::new([(1, Nature::Honest, &tree().await.1)]);
    let again =
        content.fetch(root, from(&whole, &[1], PATIENT_MS), PinReason::User.into()).await.unwrap();
    assert_eq!(again.bytes, 6);
}

#[tokio::test]
async fn a_fetch_that_is_cut_goes_on_from_its_last_segment() {
    let (root, mut blocks) = tree().await;
    let all = bytes_of(&blocks);
    let gone = blocks.iter().position(|(cid, _)| *cid == raw_cid(b"file 7")).unwrap();
    let gone = blocks.remove(gone);
    let network = Network::new([(1, Nature::Honest, &blocks)]);
    let config = ContentConfig { fetch_segment_bytes: 1 << 20, ..ContentConfig::default() };
    let (dir, content) = open(config.clone());
    let cut = {
        let (content, from) = (content.clone(), from(&network, &[1], PATIENT_MS));
        tokio::spawn(async move { content.fetch(root, from, PinReason::User.into()).await })
    };
    let large: Vec<Cid> =
        blocks.iter().filter(|(_, b)| b.len() == 1 << 20).map(|(cid, _)| *cid).collect();
    while !large.iter().all(|cid| content.has(cid)) {
        tokio::task::yield_now().await;
    }
    cut.abort();
    let _ = cut.await;
    drop(content);
    // As after a crash: what is not durable is gone.
    let content = EmbeddedContent::open(dir.path().join("store"), config).unwrap();
    blocks.push(gone);
    let whole = Network::new([(1, Nature::Honest, &blocks)]);
    let from = from(&whole, &[1], PATIENT_MS);
    let again = content.fetch(root, from, PinReason::User.into()).await.unwrap();
    assert!(again.bytes > 0 && again.bytes <= all - (2 << 20), "{} of {all}", again.bytes);
}

#[tokio::test]
async fn a_block_that_appears_within_the_wait_is_found() {
    let (root, blocks) = tree().await;
    let network = Network::new([(1, Nature::Late { misses: 4 }, &blocks)]);
    let (_dir, content) = open(ContentConfig::default());
    let from = from(&network, &[1], PATIENT_MS);
    let fetched = content.fetch(root, from, PinReason::User.into()).await.unwrap();
    assert_eq!(fetched.bytes, bytes_of(&blocks));
}

#[tokio::test]
async fn silent_and_breaking_peers_do_not_stop_a_fetch() {
    let (root, blocks) = tree().await;
    let network = Network::new([
        (1, Nature::Silent, &blocks),
        (2, Nature::Breaks { after: 7 }, &blocks),
        (3, Nature::Unreachable, &blocks),
    ]);
    let config = ContentConfig { fetch_answer_ms: 50, fetch_window: 8, ..ContentConfig::default() };
    let (_dir, content) = open(config);
    let from = from(&network, &[1, 2, 3], PATIENT_MS);
    let fetched = content.fetch(root, from, PinReason::User.into()).await.unwrap();
    assert_eq!(fetched.by_peer.len(), 1);
    assert_eq!(fetched.by_peer[0].0, peer(2));
    assert_eq!(content.bytes_missing(&root, 1), 0);
}

#[tokio::test]
async fn those_who_want_the_same_tree_share_one_download() {
    let (root, blocks) = tree().await;
    let network = Network::new([(1, Nature::Honest, &blocks)]);
    let (_dir, content) = open(ContentConfig::default());
    let execution = |nth| PinReason::Input(ExecutionId(uuid::Uuid::from_u128(nth))).into();
    let fetch = |nth| content.fetch(root, from(&network, &[1], PATIENT_MS), execution(nth));
    let all = futures::future::join_all((0..8).map(fetch)).await;
    let moved: u64 = all.into_iter().map(|fetched| fetched.unwrap().bytes).sum();
    assert_eq!(moved, bytes_of(&blocks));
    assert_eq!(network.bytes_sent(peer(1)), bytes_of(&blocks));
    assert_eq!(content.pins().await.unwrap().len(), 8, "each has its pin");
}

#[tokio::test]
async fn when_the_one_who_downloads_gives_up_another_goes_on() {
    let (root, blocks) = tree().await;
    let silent = Network::new([(1, Nature::Silent, &blocks)]);
    let network = Network::new([(1, Nature::Honest, &blocks)]);
    let (_dir, content) = open(ContentConfig::default());
    let first = {
        let (content, from) = (content.clone(), from(&silent, &[1], PATIENT_MS));
        tokio::spawn(async move { content.fetch(root, from, PinReason::User.into()).await })
    };
    silent.wait_until_asked().await;
    let second = {
        let (content, from) = (content.clone(), from(&network, &[1], PATIENT_MS));
        tokio::spawn(async move { content.fetch(root, from, PinReason::User.into()).await })
    };
    tokio::task::yield_now().await;
    first.abort();
    assert_eq!(second.await.unwrap().unwrap().bytes, bytes_of(&blocks));
}

#[tokio::test]
async fn a_full_store_ends_a_fetch_and_keeps_nothing_of_it() {
    let (root, blocks) = tree().await;
    let network = Network::new([(1, Nature::Honest, &blocks)]);
    let (_dir, content) = open(ContentConfig { quota_bytes: 1 << 20, ..ContentConfig::default() });
    let from = from(&network, &[1], PATIENT_MS);
    let error = content.fetch(root, from, PinReason::User.into()).await.unwrap_err();
    assert!(matches!(error, ContentError::Full { .. }), "{error}");
    assert!(!content.has(&root));
    assert_eq!(content.core.store.used_bytes(), 0);
}

#[tokio::test]
async fn reading_fetches_what_is_read_and_no_more() {
    let (root, blocks) = tree().await;
    let network = Network::new([(1, Nature::Honest, &blocks)]);
    let (_dir, content) = open(ContentConfig::default());
    let from = from(&network, &[1], PATIENT_MS);
    let Node::File { cid, reader, size, .. } =
        content.open(root, "large", Some(from.clone())).await.unwrap()
    else {
        panic!("it is a file")
    };
    assert_eq!(size, 2_500_000);
    let byte = reader.read(1_500_000, 1).try_collect::<Vec<_>>().await.unwrap().concat();
    assert_eq!(byte, [byte_at(1_500_000)]);
    let size_of = |wanted: &Cid| {
        blocks.iter().find(|(cid, _)| cid == wanted).map_or(0, |(_, bytes)| bytes.len() as u64)
    };
    assert_eq!(network.bytes_sent(peer(1)), size_of(&root) + size_of(&cid) + (1 << 20));
    let Err(error) = content.open(root, "nothing", Some(from)).await else {
        panic!("there is no such file")
    };
    assert!(matches!(error, ContentError::NoSuchPath { .. }));
}

#[tokio::test]
async fn a_namespace_is_asked_for_by_name() {
    let (root, blocks) = tree().await;
    let network = Network::new([(1, Nature::Honest, &blocks)]);
    let (_dir, content) = open(ContentConfig::default());
    let namespace = Some(ExecutionId(uuid::Uuid::from_u128(5)));
    let from = FetchFrom { namespace, ..from(&network, &[1], PATIENT_MS) };
    content.fetch(root, from, PinReason::User.into()).await.unwrap();
    assert!(network.asked_of(peer(1)).iter().all(|want| want.namespace == namespace));
}

#[tokio::test]
async fn a_node_that_is_named_as_a_leaf_too_is_followed() {
    let below = (raw_cid(b"below"), Bytes::from_static(b"below"));
    let node = |links: &[(&str, Cid)]| {
        let link =
            |(name, cid): &(&str, Cid)| Link { cid: *cid, name: (*name).to_owned(), size: 0 };
        let links: Vec<Link> = links.iter().map(link).collect();
        let block = encode(links.iter(), &data::directory(None));
        (dag_pb_cid(&block), Bytes::from(block))
    };
    let inner = node(&[("below", below.0)]);
    let as_leaf = Cid::new_v1(RAW, *inner.0.hash());
    for names in [[("a", as_leaf), ("b", inner.0)], [("a", inner.0), ("b", as_leaf)]] {
        let root = node(&names);
        let leaf = (as_leaf, inner.1.clone());
        let blocks = vec![root.clone(), inner.clone(), leaf, below.clone()];
        let network = Network::new([(1, Nature::Honest, &blocks)]);
        let (_dir, content) = open(ContentConfig::default());
        let fetch =
            || content.fetch(root.0, from(&network, &[1], PATIENT_MS), PinReason::User.into());
        fetch().await.unwrap();
        assert!(content.block(&below.0, None).await.unwrap().is_some(), "{names:?}");
        // The same where all but the last is here already.
        let (_dir, content) = open(ContentConfig::default());
        content.put(vec![root.clone(), inner.clone()]).await.unwrap();
        assert_ne!(content.bytes_missing(&root.0, 1), 0, "{names:?}");
    }
}
