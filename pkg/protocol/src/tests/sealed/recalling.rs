//! What is known is not run again.

use std::sync::Arc;

use gadus_model::event::JobEvent;
use gadus_model::view::JobView;
use gadus_model::{Constraint, JobState, Operator, Quorum, Replay, Verification};

use super::rig::{TWO, answers, knows, knows_itself_and, sealed_job, two};
use crate::requester::Input;
use crate::step::{Effect, Lookup};
use crate::tests::rig::{Outcome, TestRequester, info, job_id, node};

const THREE: Verification = Verification::Quorum(Quorum { equal: 3, of: 3 });

/// A requester whose first job was verified, and what is to be remembered of it.
fn remembers() -> (TestRequester, Replay) {
    let mut r = knows(4);
    let seats = two(&mut r, ["answer", "answer"]);
    let outcome = answers(&mut r, &seats);
    let first = r.machine.job(job_id(1)).unwrap().executions[0].execution.clone();
    assert!(outcome.effects()[0].starts_with("Accept"));
    let outcome = r.input(Input::Kept { execution: first, result: Ok(()) });
    let mut replays: Vec<Replay> = folded(&outcome).unwrap().replays().collect();
    r.forgets = false;
    (r, replays.remove(0))
}

fn folded(outcome: &Outcome) -> Option<Arc<JobView>> {
    outcome.effects.iter().find_map(|(_, effect)| {
        let Effect::Fold(view) = effect else { return None };
        Some(Arc::clone(view))
    })
}

fn lookup(outcome: &Outcome) -> Option<Lookup> {
    outcome.effects.iter().find_map(|(_, effect)| {
        let Effect::Recall(lookup) = effect else { return None };
        Some(lookup.as_ref().clone())
    })
}

fn mars() -> Constraint {
    let values = vec!["mars".to_owned()];
    Constraint { key: "planet".to_owned(), operator: Operator::In, values }
}

fn recalled(r: &mut TestRequester, asked: &Lookup, replay: &Replay) -> Outcome {
    let found = asked.wanted.iter().map(|(execution, _)| (execution.clone(), replay.clone()));
    r.input(Input::Recalled { job: asked.job, found: found.collect() })
}

#[test]
fn the_same_work_again_is_answered_with_what_is_known() {
    let (mut r, replay) = remembers();
    assert_eq!(replay.origin.voters.len(), 2);
    let outcome = r.submit(sealed_job(2, TWO));
    assert_eq!(outcome.effects(), ["Recall"], "nobody is asked for a bid");
    let asked = lookup(&outcome).unwrap();
    assert_eq!((asked.level, asked.wanted[0].1), (TWO, replay.origin.task()));
    let outcome = recalled(&mut r, &asked, &replay);
    assert_eq!(outcome.events(), ["Replayed", "Ended"]);
    let view = folded(&outcome).unwrap();
    assert_eq!(view.state, JobState::Completed);
    let e = &view.executions[0];
    assert!(view.is_answer(e));
    assert_eq!(e.origin.as_ref().unwrap().job, job_id(1));
    assert_eq!(e.holders, [r.config().node]);
    assert_eq!(e.execution.epoch.n, 0, "no try has its name");
    assert_eq!(view.replays().count(), 0, "what is only remembered is not remembered again");
}

#[test]
fn what_is_not_known_is_run() {
    let (mut r, _) = remembers();
    let asked = lookup(&r.submit(sealed_job(2, TWO))).unwrap();
    let outcome = r.input(Input::Recalled { job: asked.job, found: Vec::new() });
    assert_eq!(outcome.events(), ["Announced"]);
    // The memory is asked once.
    assert!(r.input(Input::Recalled { job: asked.job, found: Vec::new() }).is_nothing());
}

#[test]
fn a_memory_that_does_not_answer_is_not_waited_for() {
    let (mut r, replay) = remembers();
    let asked = lookup(&r.submit(sealed_job(2, TWO))).unwrap();
    let outcome = r.wait_ms(r.config().limits.recall_ms);
    assert_eq!(outcome.events(), ["Announced"]);
    assert!(recalled(&mut r, &asked, &replay).is_nothing(), "it comes too late");
}

#[test]
fn who_wants_it_fresh_gets_it_fresh() {
    let (mut r, _) = remembers();
    let mut job = sealed_job(2, TWO);
    job.context.fresh = true;
    assert_eq!(r.submit(job).events(), ["Submitted", "Announced"]);
}

#[test]
fn an_answer_will_not_do_for_who_asks_for_more_or_for_other_work_or_from_who_was_caught() {
    let (mut r, replay) = remembers();
    let mut other = replay.clone();
    other.claim.receipt.body.task = other.claim.manifest.result;
    let asked = lookup(&r.submit(sealed_job(2, TWO))).unwrap();
    assert_eq!(recalled(&mut r, &asked, &other).events(), ["Announced"]);
    let asked = lookup(&r.submit(sealed_job(3, THREE))).unwrap();
    assert_eq!(recalled(&mut r, &asked, &replay).events(), ["Announced"]);
    r.stop(job_id(2));
    r.stop(job_id(3));
    r.input(Input::Ban { node: replay.origin.voters[1], is_banned: true });
    let asked = lookup(&r.submit(sealed_job(4, TWO))).unwrap();
    assert_eq!(recalled(&mut r, &asked, &replay).events(), ["Announced"]);
}

#[test]
fn of_anothers_verdict_those_count_who_are_trusted_here() {
    let (strangers, mut replay) = remembers();
    let mut config = strangers.config();
    config.approved.trusted.insert(node(1));
    let mut r = TestRequester::of(config);
    r.forgets = false;
    (1..=4).for_each(|n| _ = r.meets(info(node(n))));
    replay.origin.verdict.node = node(9);
    let asked = lookup(&r.submit(sealed_job(2, TWO))).unwrap();
    assert_eq!(recalled(&mut r, &asked, &replay).events(), ["Announced"], "one is not enough");
    // By this node's own word and that of one it trusts it is a quorum of two, and no more.
    replay.origin.voters = vec![r.config().node, node(1), node(7)];
    replay.origin.level = THREE;
    r.stop(job_id(2));
    let asked = lookup(&r.submit(sealed_job(3, THREE))).unwrap();
    assert_eq!(recalled(&mut r, &asked, &replay).events(), ["Announced"]);
    r.stop(job_id(3));
    let asked = lookup(&r.submit(sealed_job(4, TWO))).unwrap();
    let outcome = recalled(&mut r, &asked, &replay);
    assert_eq!(outcome.events(), ["Replayed", "Ended"]);
    let view = folded(&outcome).unwrap();
    assert_eq!(view.executions[0].origin.as_ref().unwrap().level, TWO);
}

#[test]
fn equal_jobs_at_once_run_once() {
    let mut r = knows_itself_and(3);
    r.forgets = false;
    let ask = lookup(&r.submit(sealed_job(1, TWO))).unwrap();
    let second = r.submit(sealed_job(2, TWO));
    assert_eq!(second.events(), ["Submitted", "Deferred"]);
    assert_eq!(second.effects(), [""; 0], "it neither looks nor asks");
    let message = &r.machine.job(job_id(2)).unwrap().message;
    assert!(message.contains(&job_id(1).to_string()), "{message}");
    // One that is checked harder does not wait, nor one that only attests.
    assert!(lookup(&r.submit(sealed_job(3, THREE))).is_some());
    assert!(lookup(&r.submit(sealed_job(4, Verification::Attest))).is_some());
    r.input(Input::Recalled { job: ask.job, found: Vec::new() });
    assert_eq!(r.state(job_id(2)), Some(JobState::Submitted));
    // Its leader is stopped: it takes its place.
    let outcome = r.stop(job_id(1));
    let next = lookup(&outcome).unwrap();
    assert_eq!(next.job, job_id(2));
    assert_eq!(
        r.input(Input::Recalled { job: next.job, found: Vec::new() }).events(),
        ["Announced"]
    );
}

#[test]
fn who_waits_for_an_equal_job_waits_again_after_a_restart() {
    let mut r = knows(3);
    r.submit(sealed_job(1, TWO));
    r.submit(sealed_job(2, TWO));
    let outcome = r.restart();
    let deferred = |event: &JobEvent| matches!(event, JobEvent::Deferred { .. });
    assert_eq!(outcome.job_events().filter(|event| deferred(event)).count(), 0, "it is known");
    assert_eq!(r.state(job_id(2)), Some(JobState::Submitted));
}

#[test]
fn who_wants_other_nodes_is_not_waited_for() {
    let mut r = knows(3);
    r.forgets = false;
    r.submit(sealed_job(1, TWO));
    let mut other = sealed_job(2, TWO);
    other.context.resources.cpu_millis += 1;
    assert!(lookup(&r.submit(other)).is_some());
    let mut picky = sealed_job(3, TWO);
    picky.context.constraints.push(mars());
    assert!(lookup(&r.submit(picky)).is_some());
}

#[test]
fn who_only_waits_for_nodes_is_not_waited_for() {
    let mut r = knows(2);
    r.forgets = false;
    let mut picky = sealed_job(1, TWO);
    picky.context.timeouts.queue_ms = Some(600_000);
    picky.context.constraints.push(mars());
    let picky_again = picky.clone();
    let asked = lookup(&r.submit(picky)).unwrap();
    let mut second = picky_again;
    second.id = job_id(2);
    second.name = "second".to_owned();
    assert_eq!(r.submit(second).events(), ["Submitted", "Deferred"]);
    let mut outcome = r.input(Input::Recalled { job: asked.job, found: Vec::new() });
    outcome.effects.extend(r.wait_ms(10_000).effects);
    assert_eq!(r.state(job_id(1)), Some(JobState::Queued));
    assert_eq!(lookup(&outcome).unwrap().job, job_id(2), "it goes on alone");
}
