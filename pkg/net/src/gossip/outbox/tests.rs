use gadus_model::NodeId;

use super::*;
use crate::gossip::judge::tests::announcement;

fn owner(n: u8) -> OwnerId {
    OwnerId(NodeId([n; 32]))
}

fn taken(outbox: &Outbox) -> Option<Gossip> {
    let batch = outbox.take()?;
    let gossip: Gossip = codec::decode(&batch.bytes).unwrap();
    assert_eq!(gossip.announcements.len() as u64, batch.announcements);
    Some(gossip)
}

#[test]
fn all_that_is_pending_is_one_gossip_in_order() {
    let outbox = Outbox::new(100, 60_000);
    for round in 0..50 {
        outbox.push(owner(1), 7, announcement(round)).unwrap();
    }
    let gossip = taken(&outbox).unwrap();
    assert_eq!((gossip.v, gossip.owner, gossip.term), (MESSAGE_VERSION, owner(1), 7));
    let rounds: Vec<u32> = gossip.announcements.iter().map(|a| a.round.round).collect();
    assert_eq!(rounds, (0..50).collect::<Vec<_>>());
    assert!(outbox.take().is_none());
}

#[test]
fn owners_and_terms_do_not_share_a_gossip() {
    let outbox = Outbox::new(100, 60_000);
    for (o, term) in [(1, 1), (1, 1), (1, 2), (2, 2)] {
        outbox.push(owner(o), term, announcement(0)).unwrap();
    }
    let sizes: Vec<usize> =
        std::iter::from_fn(|| taken(&outbox)).map(|g| g.announcements.len()).collect();
    assert_eq!(sizes, [2, 1, 1]);
}

#[test]
fn a_gossip_stays_under_its_bytes_and_none_is_lost() {
    let outbox = Outbox::new(1_000, 4_000);
    for round in 0..200 {
        outbox.push(owner(1), 1, announcement(round)).unwrap();
    }
    let mut rounds = Vec::new();
    while let Some(batch) = outbox.take() {
        assert!(batch.bytes.len() <= 4_000, "{}", batch.bytes.len());
        let gossip: Gossip = codec::decode(&batch.bytes).unwrap();
        rounds.extend(gossip.announcements.iter().map(|a| a.round.round));
    }
    assert_eq!(rounds, (0..200).collect::<Vec<_>>());
}

#[test]
fn bounds_hold() {
    let outbox = Outbox::new(1, 1_000);
    outbox.push(owner(1), 1, announcement(0)).unwrap();
    assert_eq!(outbox.push(owner(1), 1, announcement(1)), Err(NotTaken::Full));
    let mut huge = announcement(2);
    huge.inputs = vec![(codec::cid_of(gadus_model::RAW, b"x"), 1); 100];
    assert_eq!(Outbox::new(1, 1_000).push(owner(1), 1, huge), Err(NotTaken::TooBig));
}

fn filled(gossip: &Gossip) -> Vec<u32> {
    gossip.filled.iter().map(|round| round.round).collect()
}

#[test]
fn rounds_that_are_filled_share_a_gossip_with_announcements() {
    let outbox = Outbox::new(100, 60_000);
    outbox.push(owner(1), 1, announcement(3)).unwrap();
    outbox.push_filled(owner(1), 1, announcement(1).round).unwrap();
    outbox.push_filled(owner(1), 1, announcement(2).round).unwrap();
    let gossip = taken(&outbox).unwrap();
    assert_eq!(
        (gossip.announcements.as_slice(), filled(&gossip)),
        (&[announcement(3)][..], vec![1, 2])
    );
    assert!(outbox.take().is_none());
}

#[test]
fn a_round_that_is_filled_before_it_was_gossiped_is_not_gossiped_at_all() {
    let outbox = Outbox::new(100, 60_000);
    outbox.push(owner(1), 1, announcement(1)).unwrap();
    outbox.push(owner(2), 1, announcement(1)).unwrap();
    outbox.push_filled(owner(1), 1, announcement(1).round).unwrap();
    let gossip = taken(&outbox).unwrap();
    assert_eq!((gossip.owner, gossip.announcements.len(), filled(&gossip)), (owner(2), 1, vec![]));
    assert!(outbox.take().is_none());
}
