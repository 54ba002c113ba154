//! From the draw to the closed set, and to what is revealed.

use gadus_model::event::JobEvent;
use gadus_model::message::{Award, Message};
use gadus_model::{
    ExecutionState, Failure, FailureKind, JobState, Limits, NodeId, Placement, Quorum, Reason,
    Verification,
};

use super::rig::{Seat, TWO, bids, draws, knows, knows_itself_and, sealed_job, two};
use crate::requester::SubmitError;
use crate::tests::rig::{Outcome, TestRequester, docker, failure, info, job, job_id, limits, node};
use crate::verify::draw_commitment;

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words
}

fn closes(outcome: &Outcome) -> Vec<gadus_model::CloseBody> {
    let closed = outcome.job_events().filter_map(|event| {
        let JobEvent::Closed { close, .. } = event else { return None };
        Some(close.body.clone())
    });
    closed.collect()
}

#[test]
fn two_equal_answers_are_a_result() {
    let mut r = knows(2);
    let [one, other] = two(&mut r, ["answer", "answer"]);
    let outcome = one.commits(&mut r);
    assert_eq!((outcome.events(), outcome.effects()), (vec!["Committed".to_owned()], vec![]));
    assert_eq!(r.machine.directory().nodes_given(), 1, "what has an answer takes nothing up");
    let outcome = other.commits(&mut r);
    assert_eq!(outcome.events(), ["Committed", "Closed"]);
    assert_eq!(sorted(outcome.effects()), ["Close to 1", "Close to 2"]);
    assert_eq!(one.reveals(&mut r).events(), ["Revealed"]);
    let outcome = other.reveals(&mut r);
    assert_eq!(
        outcome.events(),
        ["Revealed", "Judged", "Counted", "Counted", "Accepted", "Accepted"]
    );
    assert_eq!(outcome.effects().len(), 2, "one of them publishes: {:?}", outcome.effects());
    assert!(outcome.effects()[0].starts_with("Accept to "));
    let first = r.machine.job(job_id(1)).unwrap().executions[0].execution.clone();
    let outcome = r.input(crate::requester::Input::Kept { execution: first, result: Ok(()) });
    assert_eq!(outcome.events(), ["Published", "Published", "Ended"]);
    assert_eq!(outcome.ended().unwrap().0, JobState::Completed);
}

#[test]
fn who_is_drawn_was_not_known_before_and_can_be_drawn_again() {
    let mut r = knows(5);
    let outcome = r.submit(sealed_job(1, TWO));
    let announced = outcome.messages().find_map(|(_, message)| {
        let Message::Ask(announcement) = message else { return None };
        Some(announcement.draw_commitment)
    });
    let awards = bids(&mut r, job_id(1), &[1, 2, 3, 4, 5]);
    let view = r.machine.job(job_id(1)).unwrap();
    let record = &view.sealed[0].draws[0];
    assert_eq!(announced, Some(draw_commitment(&record.secret)));
    assert!(crate::verify::draw::is_fair(record).unwrap());
    assert_eq!(record.candidates.len(), 5);
    assert_eq!(awards.iter().map(|(node, _)| *node).collect::<Vec<_>>(), record.drawn);
}

#[test]
fn nobody_runs_alone_what_two_are_to_answer() {
    let mut r = knows(3);
    assert!(draws(&mut r, sealed_job(1, TWO), &[1]).is_empty());
    assert_eq!(r.hears_bid(node(2), job_id(1)).awards().len(), 2, "there are enough now");
    let mut r = knows(1);
    r.submit(sealed_job(1, TWO));
    r.hears_bid(node(1), job_id(1));
    let ended = r.wait_ms(limits().no_bid_grace_ms + 1_000);
    assert_eq!(ended.ended().unwrap().0, JobState::Failed, "no second node could ever be found");
}

#[test]
fn a_node_that_fails_before_the_set_is_closed_is_replaced() {
    let mut r = knows(3);
    let awards = draws(&mut r, sealed_job(1, TWO), &[1, 2, 3]);
    let [one, other] = <[_; 2]>::try_from(awards).unwrap();
    let (one, other) = (Seat::new(one, "answer"), Seat::new(other, "answer"));
    one.commits(&mut r);
    let execution = other.award.execution.clone();
    r.hears(other.node, Message::Failed { execution, failure: failure() });
    r.wait_ms(1_000);
    let third = bids(&mut r, job_id(1), &[1, 2, 3]);
    assert_eq!(third.len(), 1);
    assert_ne!(third[0].0, one.node, "who has a seat gets no second");
    assert_ne!(third[0].0, other.node, "nor does who failed, where another could");
    let third = Seat::new(third[0].clone(), "answer");
    assert_eq!(closes(&third.commits(&mut r))[0].set.len(), 2);
}

/// A node says that nobody could do this.
fn says_no(r: &mut TestRequester, (node, award): &(NodeId, Award)) -> Outcome {
    let failure = Failure::new(FailureKind::Invalid, "it is no module").with_hint("send one");
    let execution = award.execution.clone();
    r.hears(*node, Message::Failed { execution, failure })
}

#[test]
fn what_as_many_as_a_quorum_say_that_nobody_can_do_is_not_tried_again() {
    let mut r = knows(3);
    let awards = draws(&mut r, sealed_job(1, TWO), &[1, 2, 3]);
    assert_eq!(says_no(&mut r, &awards[0]).ended(), None, "one node's word decides nothing");
    let ended = says_no(&mut r, &awards[1]);
    assert_eq!(ended.ended(), Some((JobState::Failed, "it is no module (send one)")));
}

#[test]
fn who_still_runs_it_or_has_an_answer_contradicts_who_says_that_nobody_can() {
    for commits in [false, true] {
        let mut r = knows(5);
        let level = Verification::Quorum(Quorum { equal: 2, of: 3 });
        let mut awards = draws(&mut r, sealed_job(1, level), &[1, 2, 3, 4, 5]);
        let able = Seat::new(awards.pop().unwrap(), "answer");
        if commits {
            able.commits(&mut r);
        }
        assert_eq!(says_no(&mut r, &awards[0]).ended(), None);
        assert_eq!(says_no(&mut r, &awards[1]).ended(), None);
        assert!(r.machine.job(job_id(1)).is_some(), "its seats are drawn again");
    }
}

#[test]
fn what_nodes_say_of_different_partitions_does_not_add_up() {
    let mut r = knows(4);
    let mut wide = sealed_job(1, TWO);
    wide.kind.placement = Placement::Ranked { count: 2 };
    let awards = draws(&mut r, wide, &[1, 2, 3, 4]);
    let of = |partition| {
        awards.iter().filter(move |(_, award)| award.execution.slot.partition == partition)
    };
    let one = of(0).next().unwrap();
    let mut others = of(1).filter(|(node, _)| *node != one.0);
    assert_eq!(says_no(&mut r, one).ended(), None);
    assert_eq!(says_no(&mut r, others.next().unwrap()).ended(), None);
    let same = of(0).find(|(node, _)| *node != one.0).unwrap();
    assert_eq!(says_no(&mut r, same).ended().unwrap().0, JobState::Failed);
}

#[test]
fn what_one_node_says_again_and_again_is_one_word() {
    let mut r = knows_itself_and(1);
    let mut awards = draws(&mut r, sealed_job(1, Verification::Spot(1)), &[1]);
    for ms in [500, 1_000] {
        assert_eq!(says_no(&mut r, &awards[0]).ended(), None);
        r.wait_ms(ms);
        awards = bids(&mut r, job_id(1), &[1]);
    }
    let ended = says_no(&mut r, &awards[0]);
    assert!(ended.ended().unwrap().1.contains("retried too many times"), "{ended:?}");
}

#[test]
fn who_is_late_is_waited_for_and_then_left_out() {
    let mut r = TestRequester::new(Limits { commit_ms: 10_000, ..limits() });
    (1..=3).for_each(|n| _ = r.meets(info(node(n))));
    let level = Verification::Quorum(Quorum { equal: 2, of: 3 });
    let awards = draws(&mut r, sealed_job(1, level), &[1, 2, 3]);
    let seats: Vec<Seat> = awards.into_iter().map(|award| Seat::new(award, "answer")).collect();
    for seat in &seats {
        let execution = seat.award.execution.clone();
        r.hears(seat.node, Message::Granted { execution });
    }
    seats[0].commits(&mut r);
    assert!(seats[1].commits(&mut r).effects().is_empty());
    assert!(closes(&r.wait_ms(9_999)).is_empty());
    let outcome = r.wait_ms(1);
    assert_eq!(outcome.events(), ["Closed", "Lost"]);
    assert_eq!(closes(&outcome)[0].set.len(), 2);
    let outcome = seats[2].commits(&mut r);
    assert_eq!((outcome.events(), outcome.effects().len()), (vec![], 1), "{outcome:?}");
    seats[0].reveals(&mut r);
    assert!(seats[1].reveals(&mut r).events().contains(&"Judged".to_owned()));
}

#[test]
fn a_node_is_asked_for_its_answer_again_and_again_and_then_its_silence_is_a_fault() {
    let mut r = knows(2);
    let [one, other] = two(&mut r, ["answer", "answer"]);
    one.commits(&mut r);
    other.commits(&mut r);
    one.reveals(&mut r);
    let outcome = r.wait_ms(limits().reveal_ms);
    assert!(outcome.times_of(&format!("Close to {}", other.node.0[0])).len() > 4);
    assert_eq!(r.state(job_id(1)), None, "nobody else can be asked");
    assert_eq!(outcome.events()[..2], ["Faulted", "Judged"]);
    let (state, message) = outcome.ended().unwrap();
    assert_eq!(state, JobState::Failed);
    assert!(message.starts_with("inconclusive: only one node revealed an answer"), "{message}");
}

#[test]
fn a_node_that_will_not_reveal_is_at_fault_at_once() {
    let mut r = knows(2);
    let [one, other] = two(&mut r, ["answer", "answer"]);
    one.commits(&mut r);
    other.commits(&mut r);
    let execution = one.award.execution.clone();
    let reason = Reason::Unrevealed("it holds no answer of it".to_owned());
    let outcome = r.hears(one.node, Message::Refused { execution: execution.clone(), reason });
    assert_eq!(outcome.events(), ["Faulted"]);
    assert_eq!(r.state_of(&execution), Some(ExecutionState::Faulted));
}

#[test]
fn what_does_not_open_the_commitment_is_a_fault() {
    let mut r = knows(2);
    let [one, other] = two(&mut r, ["answer", "answer"]);
    one.commits(&mut r);
    other.commits(&mut r);
    let lie = Seat::new((one.node, one.award.clone()), "a lie");
    let outcome = one.reveals_claim(&mut r, lie.claim);
    assert_eq!(outcome.events(), ["Faulted"]);
    assert_eq!(outcome.effects(), [format!("Reject to {}", one.node.0[0])]);
}

#[test]
fn another_s_commitment_opens_for_nobody_else() {
    let mut r = knows(2);
    let [one, other] = two(&mut r, ["answer", "answer"]);
    one.commits(&mut r);
    // It repeats what it has overheard, under its own name, and later the answer with it.
    let mut copied = other.commit();
    copied.body.commitment = one.commitment();
    other.commits_to(&mut r, copied);
    one.reveals(&mut r);
    let copier = Seat { salt: one.salt, ..other };
    let outcome = copier.reveals(&mut r);
    assert_eq!(outcome.events()[0], "Faulted");
}

#[test]
fn commitments_of_other_work_or_in_another_s_name_cost_the_try() {
    for (what, spoil) in [
        ("node", (|commit| commit.node = node(7)) as fn(&mut gadus_model::Signed<_>)),
        ("task", |commit: &mut gadus_model::Signed<gadus_model::CommitBody>| {
            commit.body.task = crate::tests::rig::cid("other");
        }),
        ("execution", |commit| commit.body.execution.epoch.n += 1),
    ] {
        let mut r = knows(2);
        let [one, _] = two(&mut r, ["answer", "answer"]);
        let mut commit = one.commit();
        spoil(&mut commit);
        assert_eq!(one.commits_to(&mut r, commit).events()[0], "Rejected", "{what}");
    }
}

#[test]
fn an_answer_that_nobody_asked_for_yet_is_not_looked_at() {
    let mut r = knows(2);
    let [one, other] = two(&mut r, ["answer", "answer"]);
    one.commits(&mut r);
    assert!(one.reveals(&mut r).is_nothing(), "the set is not closed");
    other.commits(&mut r);
    one.reveals(&mut r);
    assert!(one.reveals(&mut r).is_nothing(), "it was shown before");
    assert_eq!(r.machine.job(job_id(1)).unwrap().sealed[0].reveals.len(), 1);
}

#[test]
fn a_restart_at_any_step_changes_nothing_of_what_it_comes_to() {
    for at in 0..5 {
        let mut r = knows(2);
        let [one, other] = two(&mut r, ["answer", "answer"]);
        let restart_at = |r: &mut TestRequester, step| {
            (step == at).then(|| {
                let resumed = r.restart();
                for n in 1..=2 {
                    r.meets(info(node(n)));
                }
                resumed
            })
        };
        restart_at(&mut r, 0);
        one.commits(&mut r);
        restart_at(&mut r, 1);
        other.commits(&mut r);
        if let Some(resumed) = restart_at(&mut r, 2) {
            assert_eq!(sorted(resumed.effects()), ["Close to 1", "Close to 2"]);
        }
        one.reveals(&mut r);
        restart_at(&mut r, 3);
        other.reveals(&mut r);
        restart_at(&mut r, 4);
        let view = r.machine.job(job_id(1)).unwrap();
        assert!(view.sealed[0].verdict.is_some(), "restarted at {at}");
        let accepted = view.executions.iter().filter(|e| e.state == ExecutionState::Accepted);
        assert_eq!(accepted.count(), 2, "restarted at {at}");
    }
}

#[test]
fn only_a_function_can_be_checked() {
    let r = knows(2);
    let mut container = docker(job(1));
    container.context.verification = TWO;
    let mut with_host = job(1);
    with_host.context.verification = TWO;
    let mut once = sealed_job(1, TWO);
    once.context.class = gadus_model::Class::Command;
    let mut everywhere = sealed_job(1, TWO);
    everywhere.kind = gadus_model::JobType::Ops.kind(1);
    for job in [container, with_host, once, everywhere] {
        assert!(matches!(r.machine.check(&job), Err(SubmitError::Unverifiable { .. })));
    }
    assert_eq!(r.machine.check(&sealed_job(1, TWO)), Ok(()));
}

#[test]
fn a_sealed_job_that_is_stopped_is_over_for_everybody() {
    let mut r = knows(2);
    let [one, other] = two(&mut r, ["answer", "answer"]);
    one.commits(&mut r);
    let outcome = r.stop(job_id(1));
    assert_eq!(outcome.events(), ["Ended"]);
    for seat in [&one, &other] {
        let execution = seat.award.execution.clone();
        r.hears(seat.node, Message::Stopped { execution });
    }
    assert_eq!(r.state(job_id(1)), None);
}
