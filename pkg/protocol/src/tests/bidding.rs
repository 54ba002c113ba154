//! What a compute node says to an announcement.

use gadus_model::message::{Announce, Bid, Message};
use gadus_model::{Engine, Job, Limits, OwnerId, Reason};

use super::rig::{GIB, Outcome, TestCompute, announce, award, job, job_id, limits, node, round};
use crate::compute::{BIDS_OUT_MAX, Facts, Input};

fn bid(outcome: &Outcome) -> Option<Bid> {
    let mut bids = Vec::new();
    for (_, message) in outcome.messages() {
        if let Message::Bid(bid) = message {
            bids.push(bid.clone());
        }
    }
    assert!(bids.len() <= 1);
    bids.pop()
}

fn large(n: u8) -> Job {
    let mut job = job(n);
    job.context.resources.cpu_millis = 4_001;
    job
}

#[test]
fn a_bid_is_facts() {
    let mut config = TestCompute::config();
    config.price = 7;
    let mut c = TestCompute::of(config);
    let facts =
        Facts { bytes_missing: GIB, module_warm: true, image_digest: Some("sha256:a".to_owned()) };
    let outcome = c.announced(announce(&job(1)), true, facts);
    let expected = Bid {
        round: round(job_id(1)),
        fit_permille: 750,
        seats: 4,
        bytes_missing: GIB,
        module_warm: true,
        image_digest: Some("sha256:a".to_owned()),
        price: 7,
    };
    assert_eq!((bid(&outcome), outcome.events()), (Some(expected), vec![]));
    // Nothing is reserved by it.
    assert_eq!(bid(&c.asked(&job(2))).unwrap().fit_permille, 750);
    c.awarded(award(&job(1), 1));
    let next = bid(&c.asked(&job(3))).unwrap();
    assert_eq!((next.fit_permille, next.seats), (500, 3));
}

#[test]
fn only_who_is_asked_declines_and_gives_every_reason() {
    let mut c = TestCompute::new();
    let outcome = c.asked(&large(1));
    let Some((_, Message::Decline { round: of, reasons })) = outcome.messages().next() else {
        panic!("{outcome:?}");
    };
    assert_eq!(*of, round(job_id(1)));
    assert!(matches!(reasons[..], [Reason::TooBig { .. }]));
    assert!(c.announced(announce(&large(1)), false, Facts::default()).is_nothing());
    assert!(c.wait_ms(60_000).is_nothing());
}

#[test]
fn a_node_says_why_it_works_for_nobody_or_has_no_place() {
    let busy = Limits { executions_max: 1, running_max: 1, ..limits() };
    let mut config = TestCompute::config();
    config.owners = Some(vec![OwnerId(node(5))]);
    let mut of_another = TestCompute::of(config);
    let mut full = TestCompute::with_limits(busy);
    full.runs(&job(9));
    for (c, expected) in [
        (&mut of_another, vec![Reason::NotAllowed]),
        (&mut full, vec![Reason::TooMany { max: 1 }, Reason::TooMany { max: 1 }]),
    ] {
        let outcome = c.asked(&job(1));
        let Some((_, Message::Decline { reasons, .. })) = outcome.messages().next() else {
            panic!("{outcome:?}");
        };
        assert_eq!(*reasons, expected);
    }
}

#[test]
fn a_gossip_is_answered_after_a_while_and_once() {
    let mut c = TestCompute::new();
    let crowd = Announce { window_ms: 100, nodes_hint: 80, ..announce(&job(1)) };
    assert!(c.announced(crowd.clone(), false, Facts::default()).is_nothing());
    assert!(c.announced(crowd.clone(), false, Facts::default()).is_nothing(), "heard before");
    let outcome = c.wait_ms(1_100);
    let bids = outcome.times_of("Bid to 99");
    // It fits to 750 of 1000, so a quarter of the window passes; then a draw up to 1 s.
    assert!(bids.len() == 1 && (25..=1_025).contains(&bids[0]), "{bids:?}");
    assert!(c.announced(crowd, false, Facts::default()).is_nothing(), "answered before");
    assert!(c.wait_ms(2_000).is_nothing());
    // Whoever asks directly wants an answer now, and every time.
    assert!(bid(&c.asked(&job(1))).is_some() && bid(&c.asked(&job(1))).is_some());
}

#[test]
fn what_fits_no_more_when_its_moment_comes_is_not_bid_for() {
    let mut c = TestCompute::new();
    let mut half = job(1);
    half.context.resources.cpu_millis = 2_500;
    c.announced(announce(&half), false, Facts::default());
    let mut other = job(2);
    other.context.resources.cpu_millis = 2_500;
    c.runs(&other);
    assert_eq!(c.wait_ms(1_000).times_of("Bid to 99").len(), 0);
}

#[test]
fn engines_that_are_gone_and_capacity_that_shrank_count_at_once() {
    let mut c = TestCompute::new();
    let mut less = c.machine.info();
    less.engines.remove(&Engine::Wasm);
    c.input(Input::Info(Box::new(less)));
    assert_eq!(c.asked(&job(1)).effects(), ["Decline to 99"]);
}

#[test]
fn offers_are_forgotten_when_they_are_over_and_only_so_many_are_remembered() {
    let mut c = TestCompute::new();
    let size = |c: &TestCompute| c.machine.footprint().iter().map(|(_, n)| n).sum::<usize>();
    for n in 0..=u32::try_from(BIDS_OUT_MAX).unwrap() + 10 {
        let mut announcement = announce(&job(1));
        announcement.round.round = n;
        // The rig replays after every input; the machine alone is quicker.
        let (from, owner) = (super::rig::REQUESTER, super::rig::OWNER);
        let announcement = Box::new(announcement);
        let facts = Facts::default();
        let input = Input::Announced { from, owner, term: 1, announcement, asked: true, facts };
        let _ = c.machine.handle(c.now, input);
    }
    assert_eq!(size(&c), 2 * BIDS_OUT_MAX);
    c.wait_ms(61_000);
    assert_eq!(size(&c), 0);
}
