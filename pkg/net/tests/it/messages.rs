use std::sync::Arc;

use gadus_net::{NetConfig, NetLimits};
use gadus_ports::Transport;

use crate::node::{Node, Shelf, big_envelope, config, envelope, pair, pair_with};

#[tokio::test]
async fn messages_go_both_ways_and_name_their_sender() {
    let (mut a, mut b) = pair().await;
    a.net.send(b.id(), envelope(a.id(), 1));
    assert_eq!(b.message().await, (a.id(), envelope(a.id(), 1)));
    b.net.send(a.id(), envelope(b.id(), 2));
    assert_eq!(a.message().await, (b.id(), envelope(b.id(), 2)));
    assert_eq!((a.net.peers(), b.net.peers()), (vec![b.id()], vec![a.id()]));
}

#[tokio::test]
async fn ten_thousand_messages_arrive_in_order_in_few_writes() {
    const COUNT: u64 = 10_000;
    let limits = NetLimits { send_queue_max: 10_000, ..config(&[]).limits };
    let (a, mut b) =
        pair_with(NetConfig { limits, ..config(&[]) }, config(&[]), Arc::new(Shelf::default()))
            .await;
    for seq in 0..COUNT {
        a.net.send(b.id(), envelope(a.id(), seq));
    }
    for seq in 0..COUNT {
        assert_eq!(b.message().await, (a.id(), envelope(a.id(), seq)));
    }
    let stats = a.net.stats();
    assert_eq!(stats.messages_sent, COUNT);
    assert!(stats.message_writes < COUNT / 4, "{} writes", stats.message_writes);
    assert_eq!(b.net.stats().messages_received, COUNT);
}

#[tokio::test]
async fn a_message_to_oneself_comes_back_like_any_other() {
    let mut a = Node::start(1, &[]).await;
    for seq in 0..1_000 {
        a.net.send(a.id(), envelope(a.id(), seq));
    }
    for seq in 0..1_000 {
        assert_eq!(a.message().await, (a.id(), envelope(a.id(), seq)));
    }
    assert!(a.net.peers().is_empty(), "oneself is no peer");
}

#[tokio::test]
async fn a_message_to_nobody_is_dropped_and_counted() {
    let (a, b) = pair().await;
    let stranger = gadus_model::NodeId([7; 32]);
    a.net.send(stranger, envelope(a.id(), 1));
    assert_eq!(a.net.stats().dropped_unreachable, 1);
    drop(b);
}

#[tokio::test]
async fn a_slow_node_makes_its_peers_wait_and_loses_nothing() {
    const COUNT: u64 = 4_000;
    let slow = NetLimits { inbound_queue_max: 2, ..config(&[]).limits };
    let fast = NetLimits { send_queue_bytes_max: 1 << 30, ..config(&[]).limits };
    let (a, mut b) = pair_with(
        NetConfig { limits: fast, ..config(&[]) },
        NetConfig { limits: slow, ..config(&[]) },
        Arc::new(Shelf::default()),
    )
    .await;
    // 32 MB: more than the stream's window and the sockets hold.
    for seq in 0..COUNT {
        a.net.send(b.id(), big_envelope(a.id(), seq, 8_000));
    }
    assert_eq!(b.message().await.1.seq, 0);
    assert!(a.net.stats().messages_sent < COUNT, "it waits for the slow one");
    for seq in 1..COUNT {
        assert_eq!(b.message().await.1.seq, seq);
    }
    assert_eq!(a.net.stats().dropped_queue_full, 0);
}

#[tokio::test]
async fn a_full_queue_drops_the_newest_and_counts_them() {
    let limits = NetLimits { send_queue_max: 10, ..config(&[]).limits };
    let slow = NetLimits { inbound_queue_max: 1, ..config(&[]).limits };
    let (a, mut b) = pair_with(
        NetConfig { limits, ..config(&[]) },
        NetConfig { limits: slow, ..config(&[]) },
        Arc::new(Shelf::default()),
    )
    .await;
    let mut sent = 0;
    while a.net.stats().dropped_queue_full == 0 {
        a.net.send(b.id(), big_envelope(a.id(), sent, 100_000));
        sent += 1;
    }
    // All but the one that was dropped arrive, without a gap.
    for seq in 0..sent - 1 {
        assert_eq!(b.message().await.1.seq, seq);
    }
    a.net.send(b.id(), envelope(a.id(), sent));
    assert_eq!(b.message().await.1.seq, sent, "then there is room again");
}

#[tokio::test]
async fn a_message_over_the_limit_is_dropped_by_its_sender() {
    let (a, mut b) = pair().await;
    a.net.send(b.id(), big_envelope(a.id(), 1, 1 << 20));
    a.net.send(b.id(), envelope(a.id(), 2));
    assert_eq!(b.message().await.1.seq, 2);
    assert_eq!(a.net.stats().dropped_too_big, 1);
}

#[tokio::test]
async fn the_receiver_is_given_once() {
    let a = Node::start(1, &[]).await;
    assert!(a.net.inbound().is_none());
}
