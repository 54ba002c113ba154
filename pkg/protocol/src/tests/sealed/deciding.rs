//! What the answers come to, and who is called in where they come to nothing.

use std::collections::BTreeSet;

use gadus_model::message::Message;
use gadus_model::sealed::Stage;
use gadus_model::verdict::Decision;
use gadus_model::{Engine, ExecutionState, JobState, NodeId, Quorum, RAW, Verification, codec};

use super::rig::{Seat, TWO, answers, bids, draws, knows, knows_itself_and, sealed_job, two};
use crate::requester::{Approved, Input, SubmitError};
use crate::tests::rig::{TestRequester, info, job_id, limits, node};
use crate::verify::{Record, TRUSTED_AFTER, recompute};

/// A requester that knows so many nodes and whose operator trusts some.
fn trusting(nodes: u8, trusted: &[u8]) -> TestRequester {
    let mut config = TestRequester::new(limits()).config();
    let trusted: BTreeSet<NodeId> = trusted.iter().copied().map(node).collect();
    config.approved = Approved { trusted, ..Approved::default() };
    let mut r = TestRequester::of(config);
    (1..=nodes).for_each(|n| _ = r.meets(info(node(n))));
    r
}

/// The verdict of a job, which anyone comes to again from its records.
fn verdict(r: &TestRequester) -> Decision {
    let view = r.machine.job(job_id(1)).unwrap();
    let sealed = &view.sealed[0];
    let verdict = &sealed.verdict.as_ref().unwrap().body;
    let record = Record {
        verdict,
        closes: &sealed.closes,
        reveals: &sealed.reveals,
        referee: verdict.referee.and(sealed.referee.as_ref()),
        engine: Engine::Wasm,
    };
    recompute(&record, &|_| true).unwrap();
    verdict.decision.clone()
}

#[test]
fn answers_that_differ_come_to_nothing_where_nobody_else_can_be_asked() {
    let mut r = knows(2);
    let seats = two(&mut r, ["answer", "a lie"]);
    let outcome = answers(&mut r, &seats);
    let (state, message) = outcome.ended().unwrap();
    assert_eq!(state, JobState::Failed);
    assert!(message.starts_with("inconclusive: two different answers"), "{message}");
    assert_eq!(message.matches("• node").count(), 2, "who said what: {message}");
    assert_eq!(outcome.effects().iter().filter(|e| e.starts_with("Reject")).count(), 2);
}

#[test]
fn a_trusted_node_is_called_in_and_its_answer_tips_the_scales() {
    let mut r = trusting(3, &[3]);
    // The trusted one is not among the bidders at first.
    let awards = draws(&mut r, sealed_job(1, TWO), &[1, 2]);
    let awards = <[_; 2]>::try_from(awards).unwrap();
    let [one, other] = awards;
    let seats = [Seat::new(one, "a lie"), Seat::new(other, "answer")];
    let outcome = answers(&mut r, &seats);
    assert_eq!(outcome.events()[..2], ["Revealed", "Escalated"]);
    let third = bids(&mut r, job_id(1), &[1, 2, 3]);
    assert_eq!(third.len(), 1);
    assert_eq!(third[0].0, node(3));
    let third = Seat::new(third[0].clone(), "answer");
    let closed = third.commits(&mut r);
    assert_eq!(closed.effects(), ["Close to 3"], "the others have shown theirs");
    third.reveals(&mut r);
    assert_eq!(verdict(&r), Decision::Accepted { manifest: third.claim.receipt.body.manifest });
    assert_eq!(r.state_of(&seats[0].award.execution), Some(ExecutionState::Rejected));
    assert!(r.machine.banned().eq([seats[0].node]), "it was caught");
}

/// A seat whose node runs another engine, and says so.
fn by_other_engine(r: &mut TestRequester, mut seat: Seat) -> Seat {
    let mut about = info(seat.node);
    about.engines.get_mut(&Engine::Wasm).unwrap().id = "other/2".to_owned();
    r.meets(about);
    seat.claim.receipt.body.engine = "other/2".to_owned();
    seat
}

#[test]
fn an_answer_by_another_engine_is_no_lie() {
    let mut r = trusting(3, &[3]);
    let awards = draws(&mut r, sealed_job(1, TWO), &[1, 2]);
    let [one, other] = <[_; 2]>::try_from(awards).unwrap();
    let other_engine = by_other_engine(&mut r, Seat::new(one, "as its fuel runs out"));
    let liar = other_engine.node;
    answers(&mut r, &[other_engine, Seat::new(other, "answer")]);
    let third = bids(&mut r, job_id(1), &[3]);
    let third = Seat::new(third[0].clone(), "answer");
    third.commits(&mut r);
    third.reveals(&mut r);
    assert!(matches!(verdict(&r), Decision::Accepted { .. }));
    assert_eq!(r.machine.banned().count(), 0, "nobody came to another by its rules");
    let row = r.machine.trust().find(|row| row.node == liar).unwrap();
    assert_eq!((row.standing.inconclusive, row.standing.faults), (1, 0));
}

#[test]
fn an_engine_that_a_node_does_not_run_is_not_its_answer_s() {
    let mut r = knows(2);
    let mut seats = two(&mut r, ["answer", "answer"]);
    seats[0].claim.receipt.body.engine = "of its own".to_owned();
    for seat in &seats {
        seat.commits(&mut r);
    }
    assert_eq!(seats[0].reveals(&mut r).events(), ["Faulted"]);
    assert_eq!(r.state_of(&seats[0].award.execution), Some(ExecutionState::Faulted));
    let view = r.machine.job(job_id(1)).unwrap();
    let told = view.executions.iter().any(|e| e.message.contains("of its own"));
    assert!(told, "{:?}", view.executions);
}

#[test]
fn a_crony_gets_no_seat_once_a_set_was_closed() {
    let mut r = trusting(6, &[6]);
    let awards = draws(&mut r, sealed_job(1, TWO), &[1, 2]);
    let [one, other] = <[_; 2]>::try_from(awards).unwrap();
    answers(&mut r, &[Seat::new(one, "a lie"), Seat::new(other, "answer")]);
    assert!(bids(&mut r, job_id(1), &[3, 4, 5]).is_empty(), "only who is trusted");
    assert_eq!(bids(&mut r, job_id(1), &[6]).len(), 1);
}

#[test]
fn the_requester_s_own_node_referees_where_answers_differ() {
    let mut r = knows_itself_and(2);
    let seats = two(&mut r, ["answer", "a lie"]);
    answers(&mut r, &seats);
    let own = bids(&mut r, job_id(1), &[99]);
    assert_eq!(own.len(), 1);
    let own = Seat::new(own[0].clone(), "answer");
    own.commits(&mut r);
    own.reveals(&mut r);
    assert!(matches!(verdict(&r), Decision::Accepted { .. }));
    assert_eq!(r.machine.banned().count(), 1);
}

#[test]
fn a_referee_that_contradicts_everybody_rejects_the_job() {
    let mut config = TestRequester::new(limits()).config();
    config.approved.referees.insert(node(3));
    config.limits.verify_rounds_max = 1;
    let mut r = TestRequester::of(config);
    (1..=3).for_each(|n| _ = r.meets(info(node(n))));
    let awards = draws(&mut r, sealed_job(1, TWO), &[1, 2]);
    let [one, other] = <[_; 2]>::try_from(awards).unwrap();
    answers(&mut r, &[Seat::new(one, "a lie"), Seat::new(other, "another")]);
    assert_eq!(r.machine.job(job_id(1)).unwrap().sealed[0].stage, Stage::Referee);
    let referee = bids(&mut r, job_id(1), &[3]);
    let referee = Seat::new(referee[0].clone(), "answer");
    referee.commits(&mut r);
    let outcome = referee.reveals(&mut r);
    let (state, message) = outcome.ended().unwrap();
    assert_eq!(state, JobState::Failed);
    assert!(message.starts_with("rejected: the referee came to"), "{message}");
    assert_eq!(r.machine.banned().count(), 2);
}

#[test]
fn a_referee_that_was_drawn_need_not_be_asked_again() {
    let mut config = TestRequester::new(limits()).config();
    config.approved.referees.insert(node(2));
    let mut r = TestRequester::of(config);
    (1..=2).for_each(|n| _ = r.meets(info(node(n))));
    let awards = draws(&mut r, sealed_job(1, TWO), &[1, 2]);
    let seats: Vec<Seat> = awards
        .into_iter()
        .map(|award| {
            let word = if award.0 == node(2) { "answer" } else { "a lie" };
            Seat::new(award, word)
        })
        .collect();
    answers(&mut r, &seats);
    assert!(matches!(verdict(&r), Decision::Accepted { .. }));
    assert!(r.machine.banned().eq([node(1)]));
}

#[test]
fn a_seat_that_nobody_takes_is_given_up() {
    let mut r = trusting(3, &[3]);
    let awards = draws(&mut r, sealed_job(1, TWO), &[1, 2]);
    let [one, other] = <[_; 2]>::try_from(awards).unwrap();
    answers(&mut r, &[Seat::new(one, "a lie"), Seat::new(other, "answer")]);
    let outcome = r.wait_ms(limits().seat_ms + 1);
    let (state, message) = outcome.ended().unwrap();
    assert_eq!(state, JobState::Failed);
    assert!(message.starts_with("inconclusive"), "{message}");
    assert!(message.contains("a seat for trusted nodes stayed empty"), "{message}");
}

#[test]
fn nobody_waits_behind_a_job_that_waits_for_certain_nodes() {
    let mut r = trusting(3, &[3]);
    let [one, other] = two(&mut r, ["answer", "another"]);
    answers(&mut r, &[one, other]);
    assert_eq!(r.machine.job(job_id(1)).unwrap().sealed[0].stage, Stage::Trusted);
    // The trusted one is silent, and the job stands in its line.
    let waits = r.wait_ms(limits().seat_ms - 1_000);
    assert!(waits.events().contains(&"Queued".to_owned()), "{waits:?}");
    (1..=3).for_each(|n| _ = r.meets(info(node(n))));
    let mut other = sealed_job(2, TWO);
    other.tasks.values_mut().for_each(|task| task.args = vec!["other".to_owned()]);
    let next = r.submit(other);
    assert!(next.events().contains(&"Announced".to_owned()), "{next:?}");
}

#[test]
fn a_node_earns_trust_by_right_answers_and_loses_all_of_it_by_a_wrong_one() {
    let mut r = knows_itself_and(2);
    for _ in 0..TRUSTED_AFTER {
        let seats = two(&mut r, ["answer", "answer"]);
        answers(&mut r, &seats);
        finish(&mut r);
    }
    assert!(r.machine.is_trusted(node(1)) && r.machine.is_trusted(node(2)));
    let rows: Vec<_> = r.machine.trust().collect();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.standing.valid == TRUSTED_AFTER && row.engine == "test/1"));
    // It outlives the process, and a checkpoint.
    let snapshot = r.machine.snapshot(r.now);
    let replayed = crate::Requester::replay(r.config(), snapshot);
    assert!(replayed.trust().eq(r.machine.trust()));
    let seats = two(&mut r, ["answer", "a lie"]);
    answers(&mut r, &seats);
    let own = bids(&mut r, job_id(1), &[99]);
    let own = Seat::new(own[0].clone(), "answer");
    own.commits(&mut r);
    own.reveals(&mut r);
    finish(&mut r);
    assert!(!r.machine.is_trusted(seats[1].node) && r.machine.is_trusted(seats[0].node));
    // Nobody draws it any more, until the operator forgives it.
    assert!(draws(&mut r, sealed_job(1, TWO), &[1, 2]).is_empty());
    r.input(Input::Ban { node: seats[1].node, is_banned: false });
    assert_eq!(r.machine.banned().count(), 0);
}

/// The result is kept, and the job forgotten.
fn finish(r: &mut TestRequester) {
    let view = r.machine.job(job_id(1)).unwrap();
    let accepted = view.executions.iter().find(|e| e.state == ExecutionState::Accepted);
    let execution = accepted.unwrap().execution.clone();
    r.input(Input::Kept { execution, result: Ok(()) });
    assert_eq!(r.state(job_id(1)), None);
}

#[test]
fn now_and_then_an_answer_is_checked_once_it_was_committed_to() {
    let (mut checked, mut unchecked) = (0, 0);
    for n in 1..=40 {
        let mut r = trusting(3, &[3]);
        let job = sealed_job(n, Verification::Spot(500));
        let id = job.id;
        let seat = draws(&mut r, job, &[1]);
        let seat = Seat::new(seat[0].clone(), "answer");
        let outcome = seat.commits(&mut r);
        if outcome.events().contains(&"Escalated".to_owned()) {
            let checker = bids(&mut r, id, &[1, 2, 3]);
            assert_eq!((checker.len(), checker[0].0), (1, node(3)));
            let checker = Seat::new(checker[0].clone(), "answer");
            checker.commits(&mut r);
            seat.reveals(&mut r);
            checker.reveals(&mut r);
            let view = r.machine.job(id).unwrap();
            assert!(view.sealed[0].verdict.is_some());
            checked += 1;
        } else {
            assert_eq!(outcome.effects(), ["Close to 1"]);
            let outcome = seat.reveals(&mut r);
            assert_eq!(outcome.events(), ["Revealed", "Accepted"]);
            assert!(r.machine.job(id).unwrap().sealed[0].verdict.is_none(), "one node's word");
            unchecked += 1;
        }
    }
    assert!((10..=30).contains(&checked), "{checked} of {}", checked + unchecked);
}

#[test]
fn each_partition_comes_to_its_own_verdict() {
    let mut r = knows(2);
    let mut job = sealed_job(1, TWO);
    job.kind = gadus_model::JobType::Batch.kind(2);
    let id = job.id;
    r.submit(job);
    let mut awards = Vec::new();
    for n in 1..=2 {
        let bid = gadus_model::message::Bid { seats: 2, ..r.bid(id) };
        awards.extend(r.hears(node(n), Message::Bid(bid)).awards());
    }
    assert_eq!(awards.len(), 4);
    let seats: Vec<Seat> = awards.into_iter().map(|award| Seat::new(award, "answer")).collect();
    answers(&mut r, &seats);
    let view = r.machine.job(id).unwrap();
    assert!(view.sealed.iter().all(|sealed| sealed.verdict.is_some()));
    let tasks: BTreeSet<_> = view.sealed.iter().map(|s| s.closes[0].body.task).collect();
    assert_eq!(tasks.len(), 2, "each is another task");
}

#[test]
fn two_of_three_need_not_be_three() {
    let mut r = knows(3);
    let level = Verification::Quorum(Quorum { equal: 2, of: 3 });
    let awards = draws(&mut r, sealed_job(1, level), &[1, 2, 3]);
    let words = ["answer", "a lie", "answer"];
    let seats: Vec<Seat> =
        awards.into_iter().zip(words).map(|(award, word)| Seat::new(award, word)).collect();
    answers(&mut r, &seats);
    assert!(matches!(verdict(&r), Decision::Accepted { .. }));
    assert!(r.machine.banned().eq([seats[1].node]));
}

#[test]
fn what_one_node_says_of_an_answer_is_not_what_people_are_shown() {
    let mut r = knows(2);
    let mut seats = two(&mut r, ["answer", "answer"]);
    for (seat, text) in seats.iter_mut().zip(["a lie", "truth"]) {
        let manifest = &mut seat.claim.manifest;
        manifest.stdout = codec::cid_of(RAW, b"truth");
        seat.claim.receipt.body.manifest = manifest.cid().unwrap();
        seat.claim.summary.stdout = text.to_owned();
        seat.claim.summary.error = format!("{text} of an error");
    }
    answers(&mut r, &seats);
    let view = r.machine.job(job_id(1)).unwrap();
    assert_eq!(view.executions.len(), 2);
    for e in &view.executions {
        let shown = e.summary.as_ref().unwrap();
        assert_eq!((shown.stdout.as_str(), shown.error.as_str()), ("truth", ""));
    }
}

#[test]
fn a_spot_check_is_not_asked_for_where_nobody_could_make_one() {
    let spot = || sealed_job(1, Verification::Spot(500));
    let r = knows(4);
    let mut fresh = spot();
    fresh.context.fresh = true;
    assert!(matches!(r.machine.check(&fresh), Err(SubmitError::Unverifiable { .. })));
    // What is known may have been checked before.
    assert!(r.machine.check(&spot()).is_ok());
    let mut asking = knows(4);
    let submitted = asking.submit(spot());
    let (state, message) = submitted.ended().unwrap();
    assert_eq!(state, JobState::Failed);
    assert!(message.contains("a spot check is made by a node that is trusted"), "{message}");
    assert_eq!(r.machine.is_seatable(r.now, &spot()), Some(false));
    assert!(trusting(4, &[3]).machine.check(&spot()).is_ok());
    // Its own answers decide: they are not put to a check.
    let mut alone = knows_itself_and(0);
    assert!(alone.machine.check(&spot()).is_ok());
    assert_eq!(alone.machine.is_seatable(alone.now, &spot()), Some(false));
    assert!(draws(&mut alone, spot(), &[99]).is_empty());
    let mut two = knows_itself_and(1);
    let drawn = draws(&mut two, spot(), &[99, 1]);
    assert_eq!(drawn.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [node(1)]);
}
