use super::*;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

fn peer(seed: u8) -> PeerId {
    identity::keypair([seed; 32]).unwrap().public().to_peer_id()
}

fn redial(addresses: &[String], now: Instant) -> Redial {
    let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
    Redial::new(addresses, FIRST, LONGEST, now)
}

fn named(seed: u8) -> String {
    format!("/ip4/127.0.0.1/tcp/1/p2p/{}", peer(seed))
}

fn nobody(_: &PeerId) -> bool {
    false
}

#[test]
fn it_dials_at_once_and_then_ever_more_rarely_for_ever() {
    let mut now = Instant::now();
    let mut redial = redial(&[named(1)], now);
    let mut waits = Vec::new();
    for _ in 0..100 {
        let dials = redial.due(now, nobody);
        assert_eq!(dials.len(), 1);
        assert!(redial.next().is_none(), "a dial is under way");
        redial.failed(dials[0].connection_id(), false, now);
        let next = redial.next().unwrap();
        waits.push(next - now);
        assert!(redial.due(next - Duration::from_millis(1), nobody).is_empty());
        now = next;
    }
    assert_eq!(waits[..4], [FIRST, FIRST * 2, FIRST * 4, FIRST * 8]);
    assert!(waits[4..].iter().all(|wait| *wait == LONGEST));
}

#[test]
fn a_lost_peer_is_dialled_soon_if_it_had_lasted() {
    let now = Instant::now();
    let mut redial = redial(&[named(1)], now);
    for (lived, wait) in
        [(LONGEST, FIRST), (LONGEST, FIRST), (FIRST, FIRST * 2), (FIRST, FIRST * 4)]
    {
        let dial = redial.due(now + LONGEST, nobody).remove(0);
        redial.established(dial.connection_id(), peer(1));
        assert_eq!(redial.next(), None);
        redial.lost(&peer(1), lived, now);
        assert_eq!(redial.next(), Some(now + wait));
    }
}

#[test]
fn an_address_without_a_peer_learns_it_and_takes_another_next_time() {
    let now = Instant::now();
    let mut redial = redial(&["/ip4/127.0.0.1/tcp/1".to_owned()], now);
    for seed in [1, 2] {
        let dial = redial.due(now + LONGEST, nobody).remove(0);
        assert_eq!(dial.get_peer_id(), None);
        redial.established(dial.connection_id(), peer(seed));
        redial.lost(&peer(9), LONGEST, now);
        assert_eq!(redial.next(), None, "another peer's end is no concern");
        redial.lost(&peer(seed), LONGEST, now);
        assert!(redial.next().is_some());
    }
}

#[test]
fn a_peer_that_came_by_itself_is_not_dialled() {
    let now = Instant::now();
    let mut redial = redial(&[named(1)], now);
    assert!(redial.due(now, |p| *p == peer(1)).is_empty());
    redial.lost(&peer(1), LONGEST, now);
    assert_eq!(redial.due(now + FIRST, nobody).len(), 1);
}

#[test]
fn the_own_address_is_dialled_once() {
    let now = Instant::now();
    let mut redial = redial(&["/ip4/127.0.0.1/tcp/1".to_owned()], now);
    let dial = redial.due(now, nobody).remove(0);
    assert_eq!(redial.failed(dial.connection_id(), true, now), None);
    assert_eq!(redial.next(), None);
}

#[test]
fn found_peers_are_bounded_and_forgotten() {
    let now = Instant::now();
    let mut redial = redial(&[named(1)], now);
    let address = || "/ip4/127.0.0.1/tcp/2".parse().unwrap();
    redial.found(peer(1), address(), now);
    assert_eq!(redial.entries.len(), 1, "known by config");
    for _ in 0..2 * FOUND_MAX {
        redial.found(PeerId::random(), address(), now);
    }
    assert_eq!(redial.entries.len(), 1 + FOUND_MAX);
    let gone = redial.entries[5].peer.unwrap();
    redial.expired(&gone);
    assert_eq!(redial.entries.len(), FOUND_MAX);
}
