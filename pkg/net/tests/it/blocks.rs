use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use gadus_model::{NodeId, RAW, codec};
use gadus_net::{NetConfig, NetLimits};
use gadus_ports::{BlockExchange, LogRequest, LogStream, Serve, TransportError, Want};
use tokio::sync::Notify;

use crate::node::{Shelf, config, pair, pair_with, want};

const MIB: usize = 1 << 20;

fn block(n: usize, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i * 31 + n * 7) as u8).collect()
}

#[tokio::test]
async fn sixty_four_mib_come_whole_and_in_order() {
    let (shelf, cids) = Shelf::of((0..64).map(|n| block(n, MIB)));
    let (a, b) = pair_with(config(&[]), config(&[]), shelf).await;
    let mut stream = b.net.open(a.id()).await.unwrap();
    stream.want(&cids.iter().map(|cid| want(*cid)).collect::<Vec<_>>()).await.unwrap();
    for (n, cid) in cids.iter().enumerate() {
        let (answered, bytes) = stream.next().await.unwrap();
        assert_eq!(answered, *cid);
        assert_eq!(bytes.unwrap(), block(n, MIB), "block {n}");
    }
    assert_eq!(b.net.stats().block_bytes_received, 64 * MIB as u64);
    assert_eq!(a.net.stats().blocks_served, 64);
}

#[tokio::test]
async fn a_thousand_wants_at_once_are_answered_in_order_present_or_not() {
    let (shelf, cids) = Shelf::of((0..500).map(|n| block(n, n + 1)));
    let (a, b) = pair_with(config(&[]), config(&[]), shelf).await;
    let mut wants = Vec::new();
    for cid in cids {
        wants.push(want(cid));
        wants.push(want(codec::cid_of(RAW, &cid.to_bytes())));
    }
    let mut stream = b.net.open(a.id()).await.unwrap();
    stream.want(&wants).await.unwrap();
    for (n, asked) in wants.iter().enumerate() {
        let (cid, bytes) = stream.next().await.unwrap();
        assert_eq!(cid, asked.cid, "answer {n}");
        let present = (n % 2 == 0).then(|| block(n / 2, n / 2 + 1));
        assert_eq!(bytes.map(Vec::from), present, "answer {n}");
    }
}

#[tokio::test]
async fn giving_up_on_an_answer_half_way_loses_nothing() {
    let (shelf, cids) = Shelf::of((0..8).map(|n| block(n, MIB)));
    let (a, b) = pair_with(config(&[]), config(&[]), shelf).await;
    let mut stream = b.net.open(a.id()).await.unwrap();
    stream.want(&cids.iter().map(|cid| want(*cid)).collect::<Vec<_>>()).await.unwrap();
    for (n, cid) in cids.iter().enumerate() {
        let answer = loop {
            // Each attempt is polled once and dropped.
            if let Some(answer) = futures::FutureExt::now_or_never(stream.next()) {
                break answer.unwrap();
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(answer, (*cid, Some(Bytes::from(block(n, MIB)))));
    }
}

/// Answers the first want only after the second was asked for.
#[derive(Default)]
struct Reluctant {
    asked: AtomicUsize,
    second: Notify,
}

#[async_trait]
impl Serve for Reluctant {
    async fn block(&self, _: NodeId, want: Want) -> Option<Bytes> {
        if self.asked.fetch_add(1, Ordering::SeqCst) == 0 {
            self.second.notified().await;
        } else {
            self.second.notify_one();
        }
        Some(want.cid.to_bytes().into())
    }

    async fn logs(&self, _: NodeId, _: LogRequest) -> Option<LogStream> {
        None
    }
}

#[tokio::test]
async fn lookups_run_ahead_and_answers_keep_their_order() {
    let (a, b) = pair_with(config(&[]), config(&[]), Arc::new(Reluctant::default())).await;
    let cids = [codec::cid_of(RAW, b"slow"), codec::cid_of(RAW, b"fast")];
    let mut stream = b.net.open(a.id()).await.unwrap();
    stream.want(&cids.map(want)).await.unwrap();
    for cid in cids {
        assert_eq!(stream.next().await.unwrap(), (cid, Some(cid.to_bytes().into())));
    }
}

#[tokio::test]
async fn a_want_says_everything_it_is_asked_to() {
    struct Echo;
    #[async_trait]
    impl Serve for Echo {
        async fn block(&self, from: NodeId, want: Want) -> Option<Bytes> {
            Some(format!("{from} {want:?}").into())
        }
        async fn logs(&self, _: NodeId, _: LogRequest) -> Option<LogStream> {
            None
        }
    }
    let (a, b) = pair_with(config(&[]), config(&[]), Arc::new(Echo)).await;
    let namespace = codec::decode(&[&[0x50][..], &[4; 16]].concat()).unwrap();
    let wanted = Want { cid: codec::cid_of(RAW, b"x"), namespace, relay: true };
    let mut stream = b.net.open(a.id()).await.unwrap();
    stream.want(&[wanted]).await.unwrap();
    let (_, bytes) = stream.next().await.unwrap();
    assert_eq!(bytes.unwrap(), format!("{} {wanted:?}", b.id()));
}

#[tokio::test]
async fn a_block_over_the_limit_is_not_sent() {
    let (shelf, cids) = Shelf::of([block(0, 1_000), block(1, 1_001)]);
    let limits = NetLimits { block_bytes_max: 1_000, ..config(&[]).limits };
    let (a, b) = pair_with(NetConfig { limits, ..config(&[]) }, config(&[]), shelf).await;
    let mut stream = b.net.open(a.id()).await.unwrap();
    stream.want(&[want(cids[0]), want(cids[1])]).await.unwrap();
    assert!(stream.next().await.unwrap().1.is_some());
    assert_eq!(stream.next().await.unwrap().1, None);
}

#[tokio::test]
async fn a_block_over_our_limit_is_nonsense() {
    let (shelf, cids) = Shelf::of([block(0, 1_001)]);
    let limits = NetLimits { block_bytes_max: 1_000, ..config(&[]).limits };
    let (a, mut b) = pair_with(config(&[]), NetConfig { limits, ..config(&[]) }, shelf).await;
    let mut stream = b.net.open(a.id()).await.unwrap();
    stream.want(&[want(cids[0])]).await.unwrap();
    let error = stream.next().await.unwrap_err();
    assert!(matches!(&error, TransportError::Nonsense { from, .. } if *from == a.id()), "{error}");
    b.sees_down(a.id()).await;
}

#[tokio::test]
async fn a_stream_ends_with_its_peer_and_opening_one_to_nobody_fails() {
    let (shelf, _) = Shelf::of([]);
    let (a, mut b) = pair_with(config(&[]), config(&[]), shelf).await;
    let mut stream = b.net.open(a.id()).await.unwrap();
    stream.want(&[want(codec::cid_of(RAW, b"x"))]).await.unwrap();
    assert_eq!(stream.next().await.unwrap().1, None);
    a.net.shutdown().await;
    b.sees_down(a.id()).await;
    assert!(matches!(stream.next().await, Err(TransportError::Closed(node)) if node == a.id()));
    let opened = b.net.open(a.id()).await.map(|_| ());
    assert!(matches!(opened, Err(TransportError::Unreachable(node)) if node == a.id()));
}

#[tokio::test]
async fn many_streams_of_one_peer_share_its_lookups() {
    let (shelf, cids) = Shelf::of((0..64).map(|n| block(n, 100_000)));
    let limits = NetLimits { lookups_per_peer_max: 1, ..config(&[]).limits };
    let (a, b) = pair_with(NetConfig { limits, ..config(&[]) }, config(&[]), shelf).await;
    let wants: Vec<_> = cids.iter().map(|cid| want(*cid)).collect();
    let fetch = async |n: usize| {
        let mut stream = b.net.open(a.id()).await.unwrap();
        stream.want(&wants).await.unwrap();
        for (i, cid) in cids.iter().enumerate() {
            let (answered, bytes) = stream.next().await.unwrap();
            assert_eq!((answered, bytes.map(Vec::from)), (*cid, Some(block(i, 100_000))), "{n}");
        }
    };
    tokio::join!(fetch(0), fetch(1), fetch(2), fetch(3));
}

#[tokio::test]
async fn streams_work_both_ways_over_one_connection() {
    let (a, b) = pair().await;
    let cid = codec::cid_of(RAW, b"x");
    for (from, to) in [(&a, &b), (&b, &a)] {
        let mut stream = from.net.open(to.id()).await.unwrap();
        stream.want(&[want(cid)]).await.unwrap();
        assert_eq!(stream.next().await.unwrap(), (cid, None));
    }
}
