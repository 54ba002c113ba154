use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use gadus_model::{NodeId, RAW, codec};
use gadus_net::{NetConfig, NetLimits};
use gadus_ports::{
    BlockExchange, LogChunk, LogExchange, LogRequest, LogStream, Serve, StdStream, Want,
};

use crate::node::{config, pair_with, want};

/// Answers everything with what was asked.
struct Echo;

#[async_trait]
impl Serve for Echo {
    async fn block(&self, _: NodeId, want: Want) -> Option<Bytes> {
        Some(want.cid.to_bytes().into())
    }

    async fn logs(&self, _: NodeId, request: LogRequest) -> Option<LogStream> {
        let bytes = codec::encode(&request.execution).unwrap().into();
        let chunk = LogChunk { stream: StdStream::Stdout, bytes };
        Some(Box::pin(futures::stream::iter([chunk])))
    }
}

fn request(n: u8) -> LogRequest {
    let execution = codec::decode(&[&[0x50][..], &[n; 16]].concat()).unwrap();
    LogRequest { execution, follow: false, tail: false }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_streams_opened_at_once_are_all_served() {
    let (a, b) = pair_with(config(&[]), config(&[]), Arc::new(Echo)).await;
    let blocks = join_all((0..100).map(async |n: u8| {
        let mut stream = b.net.open(a.id()).await.unwrap();
        let cid = codec::cid_of(RAW, &[n]);
        stream.want(&[want(cid)]).await.unwrap();
        assert_eq!(stream.next().await.unwrap(), (cid, Some(cid.to_bytes().into())));
        stream
    }));
    let logs = join_all((0..100).map(async |n: u8| {
        let mut stream = b.net.logs(a.id(), request(n)).await.unwrap();
        let expected = codec::encode(&request(n).execution).unwrap();
        assert_eq!(stream.next().await.unwrap().bytes, expected);
        stream
    }));
    // All stay open until the last was answered.
    let (blocks, logs) = tokio::join!(blocks, logs);
    assert_eq!(blocks.len() + logs.len(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_streams_than_there_are_places_wait_for_one() {
    let limits = NetLimits { streams_per_peer_max: 4, ..config(&[]).limits };
    let few = || NetConfig { limits: limits.clone(), ..config(&[]) };
    let (a, b) = pair_with(few(), few(), Arc::new(Echo)).await;
    let answered = join_all((0..100).map(async |n: u8| {
        let mut stream = b.net.open(a.id()).await.unwrap();
        let cid = codec::cid_of(RAW, &[n]);
        stream.want(&[want(cid)]).await.unwrap();
        stream.next().await.unwrap().1.is_some()
    }));
    assert!(answered.await.into_iter().all(|answered| answered));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_with_too_many_streams_waits_until_one_ends() {
    let few = NetLimits { streams_per_peer_max: 2, ..config(&[]).limits };
    let (a, b) =
        pair_with(NetConfig { limits: few, ..config(&[]) }, config(&[]), Arc::new(Echo)).await;
    let cid = codec::cid_of(RAW, b"x");
    let mut served = Vec::new();
    for _ in 0..2 {
        let mut stream = b.net.open(a.id()).await.unwrap();
        stream.want(&[want(cid)]).await.unwrap();
        assert!(stream.next().await.is_ok());
        served.push(stream);
    }
    let mut third = b.net.open(a.id()).await.unwrap();
    third.want(&[want(cid)]).await.unwrap();
    served[0].want(&[want(cid)]).await.unwrap();
    assert!(served[0].next().await.is_ok(), "the others go on");
    assert!(third.next().now_or_never().is_none());
    served.pop();
    assert_eq!(third.next().await.unwrap().0, cid);
}
