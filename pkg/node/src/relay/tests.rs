use async_trait::async_trait;
use gadus_auth::NodeKey;
use gadus_model::codec::RAW;
use gadus_ports::fake::FakeNetwork;
use gadus_ports::{LogRequest, LogStream, Serve};

use super::*;

/// What a peer does with every want.
#[derive(Clone, Copy)]
enum Peer {
    Gives(&'static [u8]),
    Lacks,
    Hangs,
}

#[async_trait]
impl Serve for Peer {
    async fn block(&self, _: NodeId, _: Want) -> Option<Bytes> {
        match self {
            Self::Gives(bytes) => Some(Bytes::from_static(bytes)),
            Self::Lacks => None,
            Self::Hangs => std::future::pending().await,
        }
    }

    async fn logs(&self, _: NodeId, _: LogRequest) -> Option<LogStream> {
        None
    }
}

const BLOCK: &[u8] = b"the block";

/// What a relay gets from such peers, asked twice.
async fn asked_twice(peers: &[Peer]) -> [Option<Bytes>; 2] {
    let network = FakeNetwork::new();
    let id = |n: usize| NodeKey::from_seed([u8::try_from(n).unwrap(); 32]).id();
    let ids: Vec<NodeId> = (1..=peers.len()).map(id).collect();
    let _seats: Vec<_> =
        ids.iter().zip(peers).map(|(id, peer)| network.join(*id, Arc::new(*peer))).collect();
    let relay = Relay::new(network.join(id(0), Arc::new(Peer::Lacks)), 1);
    let cid = cid_of(RAW, BLOCK);
    [relay.block(cid, &ids).await, relay.block(cid, &ids).await]
}

#[tokio::test(start_paused = true)]
async fn one_honest_peer_is_enough() {
    let block = Some(Bytes::from_static(BLOCK));
    let peers = [Peer::Gives(b"a lie"), Peer::Lacks, Peer::Gives(BLOCK), Peer::Hangs];
    let before = tokio::time::Instant::now();
    assert_eq!(asked_twice(&peers).await, [block.clone(), block]);
    assert!(before.elapsed() < ANSWER_MAX, "nobody waits for the one that hangs");
}

#[tokio::test(start_paused = true)]
async fn what_only_a_liar_has_is_nowhere() {
    assert_eq!(asked_twice(&[Peer::Gives(b"a lie"), Peer::Lacks]).await, [None, None]);
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_holds_a_place_only_for_a_while() {
    assert_eq!(asked_twice(&[Peer::Hangs]).await, [None, None]);
}
