use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use gadus_model::{NodeId, codec};
use gadus_net::{NetConfig, NetLimits};
use gadus_ports::{
    LogChunk, LogExchange, LogRequest, LogStream, Serve, StdStream, TransportError, Want,
};
use parking_lot::Mutex;

use crate::node::{config, pair, pair_with};

const REQUEST: fn() -> LogRequest = || LogRequest {
    execution: codec::decode(&[&[0x50][..], &[4; 16]].concat()).unwrap(),
    follow: true,
    tail: true,
};

/// Serves one stream of chunks, to the one request it expects.
struct Printer(Mutex<Option<mpsc::Receiver<LogChunk>>>);

impl Printer {
    fn new() -> (mpsc::Sender<LogChunk>, Arc<Self>) {
        let (sender, receiver) = mpsc::channel(0);
        (sender, Arc::new(Self(Mutex::new(Some(receiver)))))
    }
}

#[async_trait]
impl Serve for Printer {
    async fn block(&self, _: NodeId, _: Want) -> Option<Bytes> {
        None
    }

    async fn logs(&self, _: NodeId, request: LogRequest) -> Option<LogStream> {
        assert_eq!(request, REQUEST());
        Some(Box::pin(self.0.lock().take()?))
    }
}

fn chunk(stream: StdStream, bytes: &[u8]) -> LogChunk {
    LogChunk { stream, bytes: Bytes::copy_from_slice(bytes) }
}

#[tokio::test]
async fn output_comes_as_it_is_written_and_ends() {
    let (mut output, printer) = Printer::new();
    let (a, b) = pair_with(config(&[]), config(&[]), printer).await;
    let mut logs = b.net.logs(a.id(), REQUEST()).await.unwrap();
    for sent in [chunk(StdStream::Stdout, b"one"), chunk(StdStream::Stderr, b"two")] {
        output.send(sent.clone()).await.unwrap();
        assert_eq!(logs.next().await, Some(sent), "before anything else is written");
    }
    drop(output);
    assert_eq!(logs.next().await, None);
}

#[tokio::test]
async fn a_chunk_over_a_frame_comes_in_pieces() {
    let (mut output, printer) = Printer::new();
    let limits = NetLimits { log_chunk_bytes_max: 1_000, ..config(&[]).limits };
    let small = || NetConfig { limits: limits.clone(), ..config(&[]) };
    let (a, b) = pair_with(small(), small(), printer).await;
    let logs = b.net.logs(a.id(), REQUEST()).await.unwrap();
    let bytes: Vec<u8> = (0..10_500u32).map(|n| n as u8).collect();
    output.send(chunk(StdStream::Stdout, &bytes)).await.unwrap();
    drop(output);
    let pieces: Vec<LogChunk> = logs.collect().await;
    assert!(pieces.iter().all(|piece| piece.bytes.len() <= 1_000));
    assert_eq!(pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect::<Vec<_>>(), bytes);
}

#[tokio::test]
async fn a_request_that_is_refused_says_so() {
    let (a, b) = pair().await;
    let error = b.net.logs(a.id(), REQUEST()).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, TransportError::Refused(node) if node == a.id()), "{error}");
}

#[tokio::test]
async fn turning_away_stops_the_server() {
    let (mut output, printer) = Printer::new();
    let (a, b) = pair_with(config(&[]), config(&[]), printer).await;
    let logs = b.net.logs(a.id(), REQUEST()).await.unwrap();
    drop(logs);
    // The server drops its stream: then what writes to it fails.
    while output.send(chunk(StdStream::Stdout, b"more")).await.is_ok() {}
    drop(a);
}
