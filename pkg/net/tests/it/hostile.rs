use std::sync::Arc;

use futures::AsyncWriteExt;
use gadus_model::{RAW, codec};
use gadus_net::{NetConfig, NetLimits};
use gadus_ports::{BlockExchange, Inbound, Transport, TransportError};

use crate::node::{Node, Shelf, config, envelope, eventually, want};
use crate::raw::Raw;

const MESSAGES: &str = "/gadus/test/messages/1";
const BLOCKS: &str = "/gadus/test/blocks/1";
const LOGS: &str = "/gadus/test/logs/1";

/// A pair that works, whose first node counts a peer as up even if it never joins the gossip.
async fn pair() -> (Node, Node) {
    let limits = NetLimits { settle_ms: 1, ..config(&[]).limits };
    let mut a =
        Node::with(1, NetConfig { limits, ..config(&[]) }, Arc::new(Shelf::default())).await;
    let mut b = Node::start(2, &[&a]).await;
    a.sees(&[&b]).await;
    b.sees(&[&a]).await;
    (a, b)
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes()[..], body].concat()
}

/// Sends bytes on a stream and expects to be cut off, while the others go on.
async fn is_cut_off(protocol: &str, bytes: &[u8]) {
    let (mut a, mut b) = pair().await;
    let raw = Raw::dial(9, &a.address()).await;
    let mut stream = raw.open(protocol).await.unwrap();
    // It may be cut off before all is written.
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    raw.closed().await;
    assert_eq!(a.net.stats().nonsense, 1);
    eventually("it is no peer", || a.net.peers() == [b.id()]).await;
    a.net.send(b.id(), envelope(a.id(), 1));
    assert_eq!(b.message().await.1.seq, 1);
    b.net.send(a.id(), envelope(b.id(), 2));
    loop {
        match a.next().await {
            Inbound::Up { node, .. } | Inbound::Down(node) => assert_eq!(node, raw.id),
            Inbound::Message { from, .. } => break assert_eq!(from, b.id()),
            other @ Inbound::Gossip { .. } => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_frame_that_is_no_cbor() {
    is_cut_off(MESSAGES, &frame(&[0xff; 100])).await;
}

#[tokio::test]
async fn an_empty_frame() {
    is_cut_off(MESSAGES, &frame(&[])).await;
}

#[tokio::test]
async fn cbor_that_is_no_message() {
    is_cut_off(MESSAGES, &frame(&codec::encode(&[1, 2, 3]).unwrap())).await;
}

#[tokio::test]
async fn a_message_with_something_after_it() {
    let message = codec::encode(&envelope(gadus_model::NodeId([1; 32]), 1)).unwrap();
    is_cut_off(MESSAGES, &frame(&[&message[..], &[0]].concat())).await;
}

#[tokio::test]
async fn cbor_that_is_nested_without_end() {
    is_cut_off(MESSAGES, &frame(&[0x81; 1 << 20])).await;
}

#[tokio::test]
async fn a_frame_over_the_limit() {
    is_cut_off(MESSAGES, &u32::MAX.to_be_bytes()).await;
    is_cut_off(MESSAGES, &((1u32 << 20) + 1).to_be_bytes()).await;
}

#[tokio::test]
async fn wants_that_are_none() {
    is_cut_off(BLOCKS, &frame(&[0xff; 100])).await;
    is_cut_off(BLOCKS, &u32::MAX.to_be_bytes()).await;
}

#[tokio::test]
async fn a_log_request_that_is_none() {
    is_cut_off(LOGS, &frame(&[0xff; 100])).await;
    is_cut_off(LOGS, &u32::MAX.to_be_bytes()).await;
}

#[tokio::test]
async fn a_message_of_a_later_version_is_ignored_and_the_next_is_not() {
    let (mut a, _b) = pair().await;
    let raw = Raw::dial(9, &a.address()).await;
    let mut stream = raw.open(MESSAGES).await.unwrap();
    let mut later = envelope(raw.id, 1);
    later.v += 1;
    let now = envelope(raw.id, 2);
    for message in [&later, &now] {
        stream.write_all(&frame(&codec::encode(message).unwrap())).await.unwrap();
    }
    stream.flush().await.unwrap();
    assert!(matches!(a.next().await, Inbound::Up { node, prefix: None } if node == raw.id));
    assert_eq!(a.message().await, (raw.id, now));
}

#[tokio::test]
async fn a_block_answer_that_nobody_asked_for() {
    let (mut a, b) = pair().await;
    let raw = Raw::dial(9, &a.address()).await;
    assert!(matches!(a.next().await, Inbound::Up { node, prefix: None } if node == raw.id));
    // The wants come back as an answer: their length's first byte, 0, says "missing".
    let mut stream = a.net.open(raw.id).await.unwrap();
    stream.want(&[want(codec::cid_of(RAW, b"x"))]).await.unwrap();
    assert!(stream.next().await.is_ok());
    assert!(
        matches!(stream.next().await, Err(TransportError::Nonsense { from, .. }) if from == raw.id)
    );
    raw.closed().await;
    a.sees_down(raw.id).await;
    assert_eq!(a.net.peers(), [b.id()]);
}

#[tokio::test]
async fn who_was_cut_off_is_kept_away_for_a_while() {
    let (a, _b) = pair().await;
    let raw = Raw::dial(9, &a.address()).await;
    let mut stream = raw.open(MESSAGES).await.unwrap();
    stream.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    raw.closed().await;
    let again = Raw::dial(9, &a.address()).await;
    again.closed().await;
    assert!(a.net.stats().connections_refused > 0);
    let other = Raw::dial(8, &a.address()).await;
    assert!(other.open(MESSAGES).await.is_some());
}

#[tokio::test]
async fn a_newer_message_stream_takes_the_place_of_an_older_one() {
    let (mut a, _b) = pair().await;
    let raw = Raw::dial(9, &a.address()).await;
    assert!(matches!(a.next().await, Inbound::Up { node, prefix: None } if node == raw.id));
    let mut streams = Vec::new();
    for seq in 0..10 {
        let mut stream = raw.open(MESSAGES).await.unwrap();
        stream.write_all(&frame(&codec::encode(&envelope(raw.id, seq)).unwrap())).await.unwrap();
        stream.flush().await.unwrap();
        assert_eq!(a.message().await, (raw.id, envelope(raw.id, seq)));
        streams.push(stream);
    }
}

#[tokio::test]
async fn streams_without_end_cost_the_connection() {
    let limits = NetLimits { streams_per_peer_max: 2, ..config(&[]).limits };
    let a = Node::with(1, NetConfig { limits, ..config(&[]) }, Arc::new(Shelf::default())).await;
    let raw = Raw::dial(9, &a.address()).await;
    let mut streams = Vec::new();
    while let Some(stream) = raw.open(BLOCKS).await {
        streams.push(stream);
        assert!(streams.len() < 200);
    }
    raw.closed().await;
    assert!(a.net.peers().is_empty());
}
