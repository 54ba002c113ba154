use std::net::TcpListener;
use std::sync::Arc;

use gadus_net::{Net, NetConfig, NetLimits};
use gadus_ports::{Inbound, Transport, TransportError};

use crate::node::{Node, Shelf, config, envelope, eventually, pair};

fn shelf() -> Arc<Shelf> {
    Arc::new(Shelf::default())
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn addresses_can_be_dialled_as_soon_as_it_has_started() {
    let a = Node::start(1, &[]).await;
    assert!(a.address().starts_with("/ip4/127.0.0.1/tcp/"), "{}", a.address());
    assert_eq!(gadus_net::node_id_of_address(&a.address()), Some(a.id()));
}

#[tokio::test]
async fn a_peer_that_ends_is_down_and_comes_back_with_its_key() {
    let mut b = Node::start(2, &[]).await;
    let (address, _) =
        b.address().rsplit_once("/p2p/").map(|(a, p)| (a.to_owned(), p.to_owned())).unwrap();
    // The address names no peer.
    let dialler = NetConfig { peers: vec![address.clone()], ..config(&[]) };
    let mut a = Node::with(1, dialler, shelf()).await;
    a.sees(&[&b]).await;
    b.sees(&[&a]).await;
    for seq in 0..3 {
        b.net.shutdown().await;
        a.sees_down(b.id()).await;
        assert!(a.net.peers().is_empty());
        let same = NetConfig { listen: vec![address.clone()], ..config(&[]) };
        b = Node::with(2, same, shelf()).await;
        a.sees(&[&b]).await;
        b.sees(&[&a]).await;
        a.net.send(b.id(), envelope(a.id(), seq));
        assert_eq!(b.message().await, (a.id(), envelope(a.id(), seq)));
        b.net.send(a.id(), envelope(b.id(), seq));
        assert_eq!(a.message().await, (b.id(), envelope(b.id(), seq)));
    }
}

#[tokio::test]
async fn a_peer_that_starts_later_is_found() {
    let address = format!("/ip4/127.0.0.1/tcp/{}", free_port());
    let early = NetConfig { peers: vec![address.clone()], ..config(&[]) };
    let mut a = Node::with(1, early, shelf()).await;
    let mut b = Node::with(2, NetConfig { listen: vec![address], ..config(&[]) }, shelf()).await;
    a.sees(&[&b]).await;
    b.sees(&[&a]).await;
}

#[tokio::test]
async fn two_that_dial_each_other_at_once_become_a_working_pair() {
    for _ in 0..5 {
        let [x, y] = [free_port(), free_port()].map(|port| format!("/ip4/127.0.0.1/tcp/{port}"));
        let towards = |listen: &String, peer: &String| NetConfig {
            listen: vec![listen.clone()],
            peers: vec![peer.clone()],
            ..config(&[])
        };
        let (mut a, mut b) = tokio::join!(
            Node::with(1, towards(&x, &y), shelf()),
            Node::with(2, towards(&y, &x), shelf()),
        );
        a.sees(&[&b]).await;
        b.sees(&[&a]).await;
        for seq in 0..100 {
            a.net.send(b.id(), envelope(a.id(), seq));
            b.net.send(a.id(), envelope(b.id(), seq));
        }
        for seq in 0..100 {
            assert_eq!(b.message().await, (a.id(), envelope(a.id(), seq)));
            assert_eq!(a.message().await, (b.id(), envelope(b.id(), seq)));
        }
    }
}

#[tokio::test]
async fn nodes_of_two_networks_never_see_each_other() {
    let other = NetConfig { network: "other".to_owned(), ..config(&[]) };
    let mut a = Node::start(1, &[]).await;
    let b = Node::with(2, NetConfig { peers: vec![a.address()], ..other }, shelf()).await;
    eventually("one of them cuts the other off", || {
        a.net.stats().nonsense + b.net.stats().nonsense > 0
    })
    .await;
    let mut c = Node::start(3, &[&a]).await;
    c.sees(&[&a]).await;
    a.sees(&[&c]).await;
    assert_eq!(a.net.peers(), [c.id()]);
    assert!(b.net.peers().is_empty());
}

#[tokio::test]
async fn connections_over_the_limit_are_refused_until_one_ends() {
    let limits = NetLimits { connections_max: 2, ..config(&[]).limits };
    let mut hub = Node::with(1, NetConfig { limits, ..config(&[]) }, shelf()).await;
    let (mut b, mut c) = (Node::start(2, &[&hub]).await, Node::start(3, &[&hub]).await);
    hub.sees(&[&b, &c]).await;
    b.sees(&[&hub]).await;
    c.sees(&[&hub]).await;
    let mut d = Node::start(4, &[&hub]).await;
    eventually("the fourth is refused", || hub.net.stats().connections_refused > 0).await;
    assert_eq!(hub.net.peers().len(), 2);
    b.net.shutdown().await;
    hub.sees_down(b.id()).await;
    hub.sees(&[&d]).await;
    d.sees(&[&hub]).await;
}

#[tokio::test]
async fn who_is_not_on_the_allow_list_stays_out() {
    let friend = Node::start(2, &[]).await.id();
    let closed = NetConfig { allow: Some([friend].into()), ..config(&[]) };
    let mut a = Node::with(1, closed, shelf()).await;
    let stranger = Node::start(3, &[&a]).await;
    eventually("the stranger is refused", || a.net.stats().connections_refused > 0).await;
    let mut friend = Node::start(2, &[&a]).await;
    a.sees(&[&friend]).await;
    friend.sees(&[&a]).await;
    assert_eq!(a.net.peers(), [friend.id()]);
    assert!(stranger.net.peers().is_empty());
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let a = Node::start(1, &[]).await;
    let (taken, _) =
        a.address().rsplit_once("/p2p/").map(|(a, p)| (a.to_owned(), p.to_owned())).unwrap();
    let cases = [
        (NetConfig { listen: vec![taken.clone()], ..config(&[]) }, taken.as_str()),
        (NetConfig { listen: vec!["here".to_owned()], ..config(&[]) }, "'here'"),
        (NetConfig { peers: vec!["there".to_owned()], ..config(&[]) }, "'there'"),
        (NetConfig { network: "No Name".to_owned(), ..config(&[]) }, "'No Name'"),
    ];
    for (config, named) in cases {
        let error = Net::start(config, [2; 32], shelf()).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, TransportError::Start { .. }));
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[tokio::test]
async fn after_a_shutdown_nothing_arrives_and_the_port_is_free() {
    let (a, mut b) = pair().await;
    let (address, _) =
        b.address().rsplit_once("/p2p/").map(|(a, p)| (a.to_owned(), p.to_owned())).unwrap();
    b.net.shutdown().await;
    while let Some(last) = b.inbound().recv().await {
        assert!(matches!(last, Inbound::Down(_)), "{last:?}");
    }
    b.net.send(a.id(), envelope(b.id(), 1));
    Node::with(3, NetConfig { listen: vec![address], ..config(&[]) }, shelf()).await;
}
