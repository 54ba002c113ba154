//! The plan alone: rules one by one, and random networks that must not make it stall.

use proptest::prelude::*;

use super::*;
use crate::block::raw_cid;

const SILENCE_MAX_MS: u64 = 1_000_000;

fn block(nth: u32) -> Cid {
    raw_cid(&nth.to_le_bytes())
}

fn plan(peers: u8, wait_ms: u64, blocks: u32) -> Plan {
    let ids: Vec<NodeId> = (0..peers).map(|nth| NodeId([nth; 32])).collect();
    let mut plan = Plan::new(&ids, 0, wait_ms, SILENCE_MAX_MS);
    plan.want((0..blocks).map(block));
    plan
}

#[test]
fn blocks_are_asked_in_order_and_no_more_than_the_window() {
    let mut plan = plan(2, 100, 5);
    assert_eq!(plan.take(0, 9), [], "it is not up yet");
    plan.up(0, 0);
    plan.up(1, 0);
    assert_eq!(plan.take(0, 2), [(block(0), false), (block(1), false)]);
    assert_eq!(plan.take(0, 2), []);
    assert_eq!(plan.take(1, 2), [(block(2), false), (block(3), false)]);
    plan.received(0, 0);
    plan.stored(0, &block(0), 4, vec![block(7), block(8), block(1)]);
    assert_eq!(plan.take(0, 2), [(block(7), false)], "children first, and none twice");
}

#[test]
fn what_one_lacks_the_next_is_asked_and_at_last_the_relays() {
    let mut plan = plan(2, 100, 1);
    plan.up(0, 0);
    plan.up(1, 0);
    assert_eq!(plan.take(0, 9), [(block(0), false)]);
    plan.absent(0, &block(0), 0);
    assert_eq!(plan.take(0, 9), []);
    assert_eq!(plan.take(1, 9), [(block(0), false)]);
    plan.absent(1, &block(0), 0);
    assert_eq!(plan.take(1, 9), [(block(0), true)]);
    plan.received(1, 0);
    plan.stored(1, &block(0), 4, vec![block(1)]);
    assert_eq!(plan.take(1, 9), [(block(1), true)], "a relay that had one is asked at once");
    plan.stored(1, &block(1), 4, vec![]);
    assert_eq!(plan.verdict(0), Verdict::Done);
    assert_eq!(plan.bytes_by_peer(), [(NodeId([1; 32]), 8)]);
}

/// Two near peers, and one that is far: the third.
fn plan_with_far(blocks: u32) -> Plan {
    let near = [NodeId([0; 32]), NodeId([1; 32])];
    let mut plan = Plan::new(&near, 1, 1_000, SILENCE_MAX_MS);
    plan.want((0..blocks).map(block));
    plan.up(2, 0);
    plan
}

#[test]
fn what_is_far_is_asked_for_what_all_near_ones_lack() {
    let mut plan = plan_with_far(2);
    plan.up(0, 0);
    plan.up(1, 0);
    assert_eq!(plan.take(0, 1), [(block(0), false)]);
    plan.absent(0, &block(0), 0);
    assert_eq!(plan.take(2, 9), [], "another near one may have it");
    assert_eq!(plan.take(1, 1), [(block(0), false)]);
    plan.absent(1, &block(0), 0);
    assert_eq!(plan.take(2, 9), [(block(0), false)]);
    plan.absent(2, &block(0), 0);
    assert_eq!(plan.take(2, 9), [], "the relays first");
    assert_eq!(plan.take(0, 1), [(block(0), true)]);
    plan.received(0, 0);
    plan.stored(0, &block(0), 4, vec![]);
    plan.down(0, 0);
    plan.down(1, 0);
    assert_eq!(plan.take(2, 9).len(), 1, "all that is left, when nobody is near");
    plan.stored(2, &block(1), 5, vec![]);
    assert_eq!((plan.bytes(), plan.bytes_by_peer()), (9, vec![(NodeId([0; 32]), 4)]));
    assert_eq!(plan.verdict(0), Verdict::Done);
}

#[test]
fn what_is_far_waits_a_moment_for_the_near_ones_to_come() {
    let mut plan = plan_with_far(1);
    assert_eq!(plan.verdict(0), Verdict::Working { wake_ms: NEAR_GRACE_MS });
    assert_eq!(plan.take(2, 9), []);
    plan.verdict(NEAR_GRACE_MS);
    assert_eq!(plan.take(2, 9), [(block(0), false)]);
    let mut plan = plan_with_far(1);
    plan.down(0, 0);
    plan.down(1, 0);
    assert_eq!(plan.take(2, 9), [(block(0), false)], "at once, when none will");
}

/// Near ones that lacked many in a row leave what is new to each other, and what is far leaves it to
/// them: somebody has to take it.
#[test]
fn a_tree_that_only_a_far_one_has_comes_without_a_pause() {
    for near_up in [1, 2] {
        let mut plan = plan_with_far(1);
        (0..near_up).for_each(|peer| plan.up(peer, 0));
        (near_up..2).for_each(|peer| plan.down(peer, 0));
        let mut stored = 0;
        for _ in 0..1_000 {
            for peer in 0..3 {
                for (cid, _) in plan.take(peer, 2) {
                    if peer < 2 {
                        plan.absent(peer, &cid, 0);
                        continue;
                    }
                    plan.received(peer, 0);
                    let children =
                        if cid == block(0) { (1..50).map(block).collect() } else { vec![] };
                    plan.stored(peer, &cid, 1, children);
                    stored += 1;
                }
            }
        }
        assert_eq!((stored, plan.verdict(0)), (50, Verdict::Done), "{near_up} near");
    }
}

#[test]
fn a_block_that_is_nowhere_is_missing_after_the_wait_and_not_before() {
    let mut plan = plan(1, 1_000, 1);
    plan.up(0, 0);
    let mut now_ms = 0;
    loop {
        let wake_ms = match plan.verdict(now_ms) {
            Verdict::Working { wake_ms } => wake_ms,
            Verdict::Missing { cid, asked, waited_ms } => {
                assert_eq!((cid, asked, waited_ms, now_ms), (block(0), 1, 1_000, 1_000));
                return;
            }
            Verdict::Done => panic!("nobody had it"),
        };
        match plan.take(0, 9)[..] {
            [(cid, _)] => plan.absent(0, &cid, now_ms),
            _ => now_ms = wake_ms,
        }
    }
}

#[test]
fn a_liar_is_never_asked_again_and_its_blocks_are_asked_of_another() {
    let mut plan = plan(2, 100, 3);
    plan.up(0, 0);
    plan.up(1, 0);
    assert_eq!(plan.take(0, 9).len(), 3);
    plan.received(0, 0);
    plan.lied(0, 0);
    plan.up(0, 0);
    plan.down(0, 0);
    plan.up(0, 0);
    assert_eq!(plan.take(0, 9), []);
    let mut asked: Vec<Cid> = plan.take(1, 9).into_iter().map(|(cid, _)| cid).collect();
    asked.sort();
    let mut all: Vec<Cid> = (0..3).map(block).collect();
    all.sort();
    assert_eq!(asked, all);
    plan.lied(1, 5);
    assert!(matches!(plan.verdict(5), Verdict::Missing { asked: 2, .. }), "all lie");
}

#[test]
fn nobody_to_ask_is_missing_at_once_and_nobody_up_after_the_wait() {
    assert!(matches!(plan(0, 100, 1).verdict(0), Verdict::Missing { asked: 0, .. }));
    let mut plan = plan(1, 100, 1);
    assert_eq!(plan.verdict(0), Verdict::Working { wake_ms: 100 });
    assert!(matches!(plan.verdict(100), Verdict::Missing { waited_ms: 100, .. }));
    plan.up(0, 100);
    assert_eq!(plan.verdict(100), Verdict::Working { wake_ms: SILENCE_MAX_MS });
}

#[test]
fn peers_that_open_and_fall_silent_do_not_hold_a_fetch_for_ever() {
    let mut plan = plan(1, 100, 1);
    let mut now_ms = 0;
    for _ in 0..100 {
        plan.up(0, now_ms);
        assert_eq!(plan.take(0, 9), [(block(0), false)]);
        now_ms += SILENCE_MAX_MS / 100;
        plan.down(0, now_ms);
        if now_ms < SILENCE_MAX_MS {
            assert!(matches!(plan.verdict(now_ms), Verdict::Working { .. }));
        }
    }
    assert!(matches!(plan.verdict(now_ms), Verdict::Missing { asked: 1, .. }));
}

/// What a peer of a random network does.
#[derive(Clone, Debug)]
struct Nature {
    has: u16,
    lies: bool,
    /// It is down in the steps whose bit is set, and up at last.
    down: u32,
}

fn nature() -> impl Strategy<Value = Nature> {
    (any::<u16>(), prop::bool::weighted(0.2), any::<u32>()).prop_map(|(has, lies, down)| Nature {
        has,
        lies,
        down,
    })
}

proptest! {
    /// Whatever peers have, lie and break, a fetch ends: done if some honest peer has each block.
    #[test]
    fn a_fetch_ends_as_it_should(natures in proptest::collection::vec(nature(), 1..5)) {
        const BLOCKS: u32 = 16;
        let mut plan = plan(u8::try_from(natures.len()).unwrap(), 10_000, BLOCKS);
        let honest = natures.iter().filter(|nature| !nature.lies);
        let had = honest.fold(0, |had, nature| had | nature.has);
        let mut now_ms = 0;
        let mut verdict = Verdict::Done;
        for step in 0..10_000_u32 {
            for (peer, nature) in natures.iter().enumerate() {
                if step < 32 && nature.down & (1 << step) != 0 {
                    plan.down(peer, now_ms);
                    continue;
                }
                plan.up(peer, now_ms);
                for (cid, _) in plan.take(peer, 3) {
                    let nth = (0..BLOCKS).find(|nth| block(*nth) == cid).unwrap();
                    if nature.has & (1 << nth) == 0 {
                        plan.absent(peer, &cid, now_ms);
                    } else if nature.lies {
                        plan.received(peer, now_ms);
                        plan.lied(peer, now_ms);
                    } else {
                        plan.received(peer, now_ms);
                        plan.stored(peer, &cid, 1, vec![]);
                    }
                }
            }
            verdict = plan.verdict(now_ms);
            match verdict {
                Verdict::Working { wake_ms } if step >= 32 => now_ms = wake_ms,
                Verdict::Working { .. } => {}
                Verdict::Done | Verdict::Missing { .. } => break,
            }
        }
        if had == u16::MAX {
            prop_assert_eq!(verdict, Verdict::Done);
        } else {
            prop_assert!(matches!(verdict, Verdict::Missing { .. }), "{:?}", verdict);
        }
    }
}

/// A daemon that looks for a block as long as it is let: what it took counts.
#[test]
fn what_is_far_and_slow_is_asked_once() {
    let mut plan = Plan::new(&[], 1, 1_000, 30_000);
    plan.want([block(0)].into_iter());
    plan.up(0, 0);
    assert_eq!(plan.verdict(0), Verdict::Working { wake_ms: 500 });
    assert_eq!(plan.take(0, 9).len(), 1);
    plan.absent(0, &block(0), 10_000);
    assert!(matches!(plan.verdict(10_000), Verdict::Missing { waited_ms: 10_000, .. }));
    assert_eq!(plan.take(0, 9), []);
}
