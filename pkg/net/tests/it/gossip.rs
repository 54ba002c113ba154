use std::collections::BTreeSet;

use gadus_model::OwnerId;
use gadus_ports::Transport;

use crate::node::{Node, announcement, pair};

/// All nodes here have a heartbeat of one hour, so what arrives did not wait for one.
async fn star() -> (Node, [Node; 3]) {
    let mut hub = Node::start(1, &[]).await;
    let mut leaves = [
        Node::start(2, &[&hub]).await,
        Node::start(3, &[&hub]).await,
        Node::start(4, &[&hub]).await,
    ];
    for leaf in &mut leaves {
        leaf.sees(&[&hub]).await;
    }
    hub.sees(&leaves.each_ref()).await;
    (hub, leaves)
}

#[tokio::test]
async fn an_announcement_reaches_every_node_at_once() {
    let (hub, mut leaves) = star().await;
    hub.net.gossip(OwnerId(hub.id()), 3, announcement(1));
    for leaf in &mut leaves {
        let (from, gossip) = leaf.gossip().await;
        assert_eq!((from, gossip.owner, gossip.term), (hub.id(), OwnerId(hub.id()), 3));
        assert_eq!(gossip.announcements, [announcement(1)]);
    }
}

#[tokio::test]
async fn that_a_round_is_filled_reaches_every_node_at_once() {
    let (hub, mut leaves) = star().await;
    hub.net.gossip(OwnerId(hub.id()), 3, announcement(1));
    for leaf in &mut leaves {
        assert_eq!(leaf.gossip().await.1.announcements.len(), 1);
    }
    hub.net.gossip_filled(OwnerId(hub.id()), 3, announcement(1).round);
    for leaf in &mut leaves {
        let (from, gossip) = leaf.gossip().await;
        assert_eq!((from, gossip.owner, gossip.term), (hub.id(), OwnerId(hub.id()), 3));
        assert_eq!(gossip.filled, [announcement(1).round]);
        assert!(gossip.announcements.is_empty());
    }
}

#[tokio::test]
async fn a_relayed_announcement_names_its_signer() {
    let (mut hub, mut leaves) = star().await;
    let signer = leaves[0].id();
    leaves[0].net.gossip(OwnerId(signer), 1, announcement(1));
    assert_eq!(hub.gossip().await.0, signer);
    for leaf in &mut leaves[1..] {
        let (from, gossip) = leaf.gossip().await;
        assert_eq!((from, gossip.announcements), (signer, vec![announcement(1)]));
    }
}

#[tokio::test]
async fn a_line_of_four_relays_from_end_to_end() {
    let mut a = Node::start(1, &[]).await;
    let mut b = Node::start(2, &[&a]).await;
    let mut c = Node::start(3, &[&b]).await;
    let mut d = Node::start(4, &[&c]).await;
    a.sees(&[&b]).await;
    b.sees(&[&a, &c]).await;
    c.sees(&[&b, &d]).await;
    d.sees(&[&c]).await;
    d.net.gossip(OwnerId(d.id()), 1, announcement(1));
    a.net.gossip(OwnerId(a.id()), 1, announcement(2));
    assert_eq!(a.gossip().await.0, d.id());
    assert_eq!(d.gossip().await.0, a.id());
    let b_heard = BTreeSet::from([b.gossip().await.0, b.gossip().await.0]);
    assert_eq!(b_heard, BTreeSet::from([a.id(), d.id()]));
}

#[tokio::test]
async fn what_is_pending_goes_out_as_one_gossip() {
    const COUNT: u32 = 2_000;
    let (a, mut b) = pair().await;
    for n in 0..COUNT {
        a.net.gossip(OwnerId(a.id()), 1, announcement(n));
    }
    let mut rounds = Vec::new();
    while rounds.len() < COUNT as usize {
        let (_, gossip) = b.gossip().await;
        rounds.extend(gossip.announcements.iter().map(|a| a.round.round));
    }
    rounds.sort_unstable();
    assert_eq!(rounds, (0..COUNT).collect::<Vec<_>>(), "each exactly once");
    let stats = a.net.stats();
    assert_eq!(stats.announcements_sent, u64::from(COUNT));
    assert!(stats.gossips_sent < u64::from(COUNT) / 10, "{} gossips", stats.gossips_sent);
    assert_eq!(b.net.stats().gossips_received, stats.gossips_sent);
}

#[tokio::test]
async fn an_announcement_nobody_hears_is_dropped_not_kept() {
    let a = Node::start(1, &[]).await;
    a.net.gossip(OwnerId(a.id()), 1, announcement(1));
    crate::node::eventually("it is dropped", || a.net.stats().announcements_dropped == 1).await;
    assert_eq!(a.net.stats().gossips_sent, 0);
}
