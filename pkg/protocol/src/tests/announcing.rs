//! Rounds of bidding: who is asked, how long, and what counts as an answer.

use gadus_model::message::{ANNOUNCE_INPUTS_MAX, Announce, Message, RoundId};
use gadus_model::{Engine, Input, JobState, JobType, Limits, Reason};

use super::rig::{Outcome, TestRequester, cid, info, job, job_id, limits, node, round};

fn asked(outcome: &Outcome) -> Vec<Announce> {
    let mut asked = Vec::new();
    for (_, message) in outcome.messages() {
        if let Message::Ask(announcement) = message {
            asked.push(announcement.clone());
        }
    }
    asked
}

#[test]
fn the_known_nodes_that_could_take_it_are_asked() {
    let mut r = TestRequester::with_nodes([node(1), node(2)]);
    let mut without_engine = info(node(3));
    without_engine.engines.remove(&Engine::Wasm);
    r.meets(without_engine);
    let outcome = r.submit(job(1));
    assert_eq!(outcome.events(), ["Submitted", "Announced"]);
    assert_eq!(outcome.effects(), ["Ask to 1", "Ask to 2"]);
    assert_eq!(r.state(job_id(1)), Some(JobState::Bidding));
    // A node that is met while bids are gathered is asked too.
    assert_eq!(r.meets(info(node(4))).effects(), ["SyncReply to 4", "Ask to 4"]);
}

#[test]
fn nodes_are_all_asked_up_to_a_number_and_beyond_it_a_sample() {
    for (nodes, expected) in [(1, 1), (32, 32), (33, 16), (90, 16)] {
        let mut r = TestRequester::with_nodes((1..=nodes).map(node));
        let outcome = r.submit(job(1));
        assert_eq!(asked(&outcome).len(), expected, "{nodes} nodes");
        assert_eq!(outcome.times_of("Gossip"), [0u64; 0], "{nodes} nodes");
        // Others hear of it once those who were asked had their chance.
        let gossips = r.wait_ms(300).times_of("Gossip");
        assert!(gossips.first().is_some_and(|ms| (10..=200).contains(ms)), "{nodes}: {gossips:?}");
    }
}

#[test]
fn with_too_few_nodes_to_ask_it_is_gossiped_at_once() {
    let mut r = TestRequester::new(limits());
    assert_eq!(r.submit(job(1)).effects(), ["Gossip"]);
    let mut r = TestRequester::with_nodes([node(1)]);
    let mut two = job(1);
    two.kind = JobType::Batch.kind(2);
    assert_eq!(r.submit(two).effects(), ["Ask to 1", "Gossip"]);
}

#[test]
fn an_announcement_says_what_it_takes_and_no_more() {
    let mut r = TestRequester::with_nodes([node(1), node(2)]);
    let mut many = job(1);
    many.kind = JobType::Batch.kind(3);
    let task = many.tasks.values_mut().next().unwrap();
    for n in 0..20 {
        task.inputs.insert(format!("/in/{n}"), Input::Cid(cid(&n.to_string())));
    }
    let code = task.code.clone();
    let context = many.context.clone();
    let announcement = asked(&r.submit(many)).remove(0);
    assert_eq!(announcement.round, round(job_id(1)));
    assert_eq!(announcement.requirements.resources, context.resources);
    assert_eq!((&announcement.code, announcement.want), (&code, 3));
    assert_eq!((announcement.window_ms, announcement.nodes_hint), (10, 2));
    assert_eq!(announcement.inputs.len(), ANNOUNCE_INPUTS_MAX);
    // Every job has a commitment to a draw, so it tells nothing; each round has its own.
    let first = announcement.draw_commitment;
    r.wait_ms(60_000);
    assert!(r.round(job_id(1)).round > 1);
    let again = asked(&r.meets(info(node(3)))).pop().unwrap();
    assert!(first != [0; 32] && again.draw_commitment != first);
}

#[test]
fn an_ask_is_repeated_until_it_is_answered() {
    let mut r = TestRequester::with_nodes([node(1), node(2)]);
    let mut two = job(1);
    two.kind = JobType::Batch.kind(2);
    r.submit(two);
    r.hears_bid(node(1), job_id(1));
    let outcome = r.wait_ms(1_900);
    assert_eq!(outcome.times_of("Ask to 1"), [0u64; 0]);
    assert_eq!(outcome.times_of("Ask to 2"), [200, 600, 1_400]);
}

#[test]
fn no_bid_is_concluded_after_the_longest_delay_and_a_grace() {
    // closes = window + window × nodes / (8 × want) + grace
    for (window_ms, nodes, want, closes_ms) in
        [(2, 1, 1, 2_002), (10, 8, 1, 2_020), (100, 40, 1, 2_600), (100, 40, 5, 2_200)]
    {
        let mut r = TestRequester::new(Limits { window_ms, ..limits() });
        (1..=nodes).for_each(|n| _ = r.meets(info(node(n))));
        let mut wide = job(1);
        wide.kind = JobType::Batch.kind(want);
        r.submit(wide);
        let case = format!("window {window_ms}, {nodes} nodes, {want} seats");
        assert_eq!(r.wait_ms(closes_ms - 1).events(), [""; 0], "{case}");
        assert_eq!(r.wait_ms(1).events(), ["Queued"], "{case}");
    }
}

#[test]
fn a_bid_for_a_job_that_wants_none_is_answered_filled() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    let mut bid = r.bid(job_id(1));
    r.runs(job_id(1), node(1));
    for (what, round) in [
        ("filled", round(job_id(1))),
        ("an older round", RoundId { round: 0, ..round(job_id(1)) }),
        ("another version", RoundId { version: 2, ..round(job_id(1)) }),
        ("an unknown job", round(job_id(9))),
    ] {
        bid.round = round;
        let outcome = r.hears(node(2), Message::Bid(bid.clone()));
        assert_eq!(
            (outcome.events().len(), outcome.effects()),
            (0, vec!["Filled to 2".to_owned()]),
            "{what}"
        );
    }
}

#[test]
fn only_a_decline_with_a_reason_of_one_who_was_asked_is_an_answer() {
    let decline = |reasons: Vec<Reason>, round| Message::Decline { round, reasons };
    let mut r = TestRequester::with_nodes([node(1), node(2)]);
    r.submit(job(1));
    r.hears_bid(node(1), job_id(1));
    let ours = round(job_id(1));
    let older = RoundId { round: 0, ..ours };
    for (from, message) in [
        (node(3), decline(vec![Reason::Draining], ours)),
        (node(2), decline(vec![], ours)),
        (node(2), decline(vec![Reason::Draining], older)),
    ] {
        assert!(r.hears(from, message).is_nothing());
    }
    // Now everybody who was asked has answered, and the seat is given.
    let outcome = r.hears(node(2), decline(vec![Reason::Draining], ours));
    assert_eq!(outcome.effects(), ["Award to 1"]);
}

#[test]
fn what_a_node_declines_for_is_what_explain_shows() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    let reasons = vec![Reason::ImageArch { image: "arm64".to_owned(), node: "amd64".to_owned() }];
    let round = round(job_id(1));
    r.hears(node(1), Message::Decline { round, reasons: reasons.clone() });
    let plan = r.machine.explain(r.now, &job(1));
    assert_eq!(plan.turned_down[0].reasons, reasons);
    assert_eq!((plan.feasible, plan.may_pass), (0, false));
}

#[test]
fn a_job_that_no_node_can_ever_take_fails_with_the_reasons() {
    let mut r = TestRequester::with_nodes([node(1), node(2)]);
    let mut large = job(1);
    large.context.resources.cpu_millis = 64_000;
    r.submit(large);
    let outcome = r.wait_ms(3_000);
    assert_eq!(outcome.events(), ["Ended"]);
    let (state, message) = outcome.ended().unwrap();
    assert_eq!(state, JobState::Failed);
    assert_eq!(
        message,
        "not enough nodes to run job. requested: 1, available: 2, suitable: 0.\n\
         • 2 of 2 nodes: has too little cpu: the job needs 64.000 cores, it gives a job at most \
         4.000 cores"
    );
}
