//! How long a node that heard of a job by gossip waits before it bids.

use super::*;

fn announce(window_ms: u64, nodes_hint: u32, want: u32) -> Announce {
    use gadus_model::message::RoundId;
    use gadus_model::{Code, Engine, JobId, Network, Resources};
    let job: JobId = codec::decode(&[&[0x50][..], &[1; 16]].concat()).unwrap();
    let module = codec::cid_of(gadus_model::RAW, b"module");
    Announce {
        round: RoundId { job, version: 1, round: 1 },
        requirements: Requirements {
            engine: Engine::Wasm,
            resources: Resources::default(),
            constraints: Vec::new(),
            network: Network::None,
            publishes_to: None,
        },
        code: Code::Wasm { module, entry: String::new() },
        inputs: Vec::new(),
        want,
        window_ms,
        nodes_hint,
        draw_commitment: [0; 32],
    }
}

/// What a window, a crowd and the seats that it may fill make of the delay, in microseconds.
const CASES: [(u64, u32, u32, u64); 6] = [
    // window_ms, nodes, want, the widest draw
    (2, 1, 1, 250),
    (10, 8, 1, 10_000),
    (100, 1_000, 1, 12_500_000),
    (100, 1_000, 100, 125_000),
    (10, 8, 0, 10_000),
    (0, 1_000, 1, 0),
];

#[test]
fn who_fits_perfectly_speaks_within_the_draw_alone() {
    for (window_ms, nodes, want, widest_us) in CASES {
        let announcement = announce(window_ms, nodes, want);
        let delays = [0, 1, 7, 1 << 40, u64::MAX].map(|n| bid_delay_us(&announcement, 1_000, n));
        assert!(delays.iter().all(|us| *us <= widest_us), "{delays:?} of {widest_us}");
        assert_eq!(bid_delay_us(&announcement, 1_000, 0), 0);
        assert_eq!(bid_delay_us(&announcement, 1_000, widest_us), widest_us);
    }
}

#[test]
fn who_fits_less_waits_for_a_share_of_the_window() {
    for (window_ms, nodes, want, _) in CASES {
        let announcement = announce(window_ms, nodes, want);
        for (fit, share) in [(1_000, 0), (750, 250), (500, 500), (0, 1_000)] {
            let delay = bid_delay_us(&announcement, fit, 0);
            assert_eq!(delay, window_ms * share, "a fit of {fit} in {window_ms} ms");
        }
        assert_eq!(bid_delay_us(&announcement, u16::MAX, 0), 0, "no fit is better than perfect");
    }
}

#[test]
fn nobody_waits_for_longer_than_a_round_does() {
    for (window_ms, nodes, want, _) in CASES {
        let announcement = announce(window_ms, nodes, want);
        let spread_ms = spread(window_ms, u64::from(nodes), u64::from(want));
        // A round waits for the window, the spread in whole milliseconds, and then a grace.
        let round_us = (window_ms + spread_ms + 1) * 1_000;
        for draw in (0..2_000).map(|n| n * 7_919) {
            assert!(bid_delay_us(&announcement, 0, draw) < round_us);
        }
    }
}

#[test]
fn no_announcement_makes_a_node_wait_for_ever() {
    let absurd = announce(u64::MAX, u32::MAX, 0);
    let longest_us = 60_000_000 + spread(60_000_000, u64::from(u32::MAX), 0);
    assert!(bid_delay_us(&absurd, 0, u64::MAX) <= longest_us);
}
