//! Who may sit with whom, and seats that nobody can be found for.

use gadus_model::message::Message;
use gadus_model::{ExecutionState, JobState, Limits, Quorum, Verification};

use super::rig::{Seat, TWO, answers, bids, draws, knows, sealed_job};
use crate::requester::{Approved, Input};
use crate::tests::rig::{TestRequester, cid, failure, info, job, job_id, limits, node};

/// A requester that knows two nodes, and what it is told of them.
fn knows_two(approved: Approved, prefix: Option<&str>) -> TestRequester {
    let mut config = TestRequester::new(limits()).config();
    config.approved = approved;
    let mut r = TestRequester::of(config);
    for n in 1..=2 {
        r.input(Input::Up { node: node(n), prefix: prefix.map(str::to_owned) });
        r.meets(info(node(n)));
    }
    r
}

#[test]
fn a_job_does_not_wait_for_nodes_that_may_never_sit_together() {
    let one_operator = Approved {
        operators: [(node(1), node(9)), (node(2), node(9))].into(),
        ..Approved::default()
    };
    for mut r in
        [knows_two(one_operator, None), knows_two(Approved::default(), Some("203.0.1.0/24"))]
    {
        assert!(draws(&mut r, sealed_job(1, TWO), &[1, 2]).is_empty());
        let outcome = r.wait_ms(limits().no_bid_grace_ms + 1_000);
        assert_eq!(outcome.ended().map(|(state, _)| state), Some(JobState::Failed));
    }
}

#[test]
fn a_draft_is_told_whether_its_seats_could_be_filled() {
    let one_operator = || Approved {
        operators: [(node(1), node(9)), (node(2), node(9))].into(),
        ..Approved::default()
    };
    let could = |r: &TestRequester, job| r.machine.is_seatable(r.now, &job);
    let apart = knows_two(Approved::default(), None);
    assert_eq!(could(&apart, sealed_job(1, TWO)), Some(true));
    assert_eq!(could(&knows_two(one_operator(), None), sealed_job(1, TWO)), Some(false));
    let neighbours = knows_two(Approved::default(), Some("203.0.1.0/24"));
    assert_eq!(could(&neighbours, sealed_job(1, TWO)), Some(false));
    let three = Verification::Quorum(Quorum { equal: 2, of: 3 });
    assert_eq!(could(&apart, sealed_job(1, three)), Some(false));
    // Of work that nobody checks there is nothing to say.
    assert_eq!(could(&apart, sealed_job(1, Verification::Attest)), None);
    // Who is busy may sit later; who is gone may not.
    let mut one_gone = knows_two(Approved::default(), None);
    one_gone.wait_ms(limits().disconnect_ms + 1);
    one_gone.meets(info(node(1)));
    assert_eq!(could(&one_gone, sealed_job(1, TWO)), Some(false));
    let mut fuzzy = sealed_job(1, TWO);
    let task = fuzzy.tasks.values_mut().next().unwrap();
    task.det.as_mut().unwrap().profile = "wasi/1".to_owned();
    assert_eq!(could(&apart, fuzzy), Some(false));
}

#[test]
fn a_node_that_committed_itself_and_gave_up_is_not_seated_again() {
    let mut r = knows(3);
    let awards = draws(&mut r, sealed_job(1, TWO), &[1, 2]);
    let [one, other] = <[_; 2]>::try_from(awards).unwrap();
    let (one, other) = (Seat::new(one, "answer"), Seat::new(other, "answer"));
    one.commits(&mut r);
    let execution = one.award.execution.clone();
    r.hears(one.node, Message::Stopped { execution: execution.clone() });
    assert_eq!(r.state_of(&execution), Some(ExecutionState::Lost));
    r.wait_ms(1_000);
    let third = bids(&mut r, job_id(1), &[one.node.0[0], other.node.0[0], 3]);
    assert_eq!(third.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [node(3)]);
}

#[test]
fn where_a_seated_node_is_outlives_a_restart() {
    let mut r = TestRequester::new(limits());
    let reach = |r: &mut TestRequester, n: u8, prefix: &str| {
        r.input(Input::Up { node: node(n), prefix: Some(prefix.to_owned()) });
        r.meets(info(node(n)));
    };
    reach(&mut r, 1, "203.0.1.0/24");
    reach(&mut r, 2, "203.0.2.0/24");
    let awards = draws(&mut r, sealed_job(1, TWO), &[1, 2]);
    let of = |n| Seat::new(awards.iter().find(|(to, _)| *to == node(n)).unwrap().clone(), "answer");
    of(1).commits(&mut r);
    let execution = of(2).award.execution;
    r.hears(node(2), Message::Failed { execution, failure: failure() });
    r.restart();
    // The first has not come back yet, and its neighbour wants the free seat beside it.
    reach(&mut r, 3, "203.0.1.0/24");
    r.wait_ms(1_000);
    assert!(bids(&mut r, job_id(1), &[3]).is_empty());
    reach(&mut r, 4, "203.0.4.0/24");
    let third = bids(&mut r, job_id(1), &[4]);
    assert_eq!(third.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [node(4)]);
}

/// Has a node commit itself to other work.
fn commits_wrongly(r: &mut TestRequester, seat: &Seat) {
    let mut commit = seat.commit();
    commit.body.task = cid("other");
    assert_eq!(seat.commits_to(r, commit).events()[0], "Rejected");
}

#[test]
fn a_job_whose_nodes_have_all_had_their_turn_is_over() {
    let mut r = knows(2);
    for seat in draws(&mut r, sealed_job(1, TWO), &[1, 2]) {
        commits_wrongly(&mut r, &Seat::new(seat, "answer"));
    }
    let outcome = r.wait_ms(limits().no_bid_grace_ms + 2_000);
    assert_eq!(outcome.ended().map(|(state, _)| state), Some(JobState::Failed));
}

#[test]
fn a_part_that_is_done_does_not_keep_another_waiting() {
    let mut r = knows(2);
    let mut job = sealed_job(1, TWO);
    job.kind = gadus_model::JobType::Batch.kind(2);
    let seats = |awards: Vec<_>| -> Vec<Seat> {
        awards.into_iter().map(|award| Seat::new(award, "answer")).collect()
    };
    // Each node has room for one at a time.
    let done = seats(draws(&mut r, job, &[1, 2]));
    answers(&mut r, &done);
    let execution = done[0].award.execution.clone();
    r.input(Input::Kept { execution, result: Ok(()) });
    r.wait_ms(limits().requeue_ms);
    let lost = seats(bids(&mut r, job_id(1), &[1, 2]));
    assert_eq!((done.len(), lost.len()), (2, 2));
    lost.iter().for_each(|seat| commits_wrongly(&mut r, seat));
    let outcome = r.wait_ms(limits().no_bid_grace_ms + 2_000);
    assert_eq!(outcome.ended().map(|(state, _)| state), Some(JobState::Failed));
}

#[test]
fn a_referee_is_not_called_where_no_set_could_be_closed() {
    let mut config = TestRequester::new(limits()).config();
    config.approved.referees.insert(node(4));
    let mut r = TestRequester::of(config);
    (1..=4).for_each(|n| _ = r.meets(info(node(n))));
    let level = Verification::Quorum(Quorum { equal: 3, of: 3 });
    let awards = draws(&mut r, sealed_job(1, level), &[1, 2, 3]);
    let seats: Vec<Seat> = awards.into_iter().map(|award| Seat::new(award, "answer")).collect();
    seats[0].commits(&mut r);
    seats[1..].iter().for_each(|seat| commits_wrongly(&mut r, seat));
    let outcome = r.wait_ms(limits().seat_ms + 2_000);
    let (state, message) = outcome.ended().unwrap();
    assert_eq!(state, JobState::Failed);
    assert!(message.starts_with("inconclusive"), "{message}");
}

#[test]
fn who_gave_up_keeps_nobody_awake() {
    let limits = Limits { commit_ms: 2_000, ..limits() };
    let mut r = TestRequester::new(limits);
    (1..=3).for_each(|n| _ = r.meets(info(node(n))));
    let level = Verification::Quorum(Quorum { equal: 2, of: 3 });
    let awards = draws(&mut r, sealed_job(1, level), &[1, 2, 3]);
    let seats: Vec<Seat> = awards.into_iter().map(|award| Seat::new(award, "answer")).collect();
    let execution = seats[2].award.execution.clone();
    r.hears(seats[2].node, Message::Granted { execution });
    for seat in &seats[..2] {
        seat.commits(&mut r);
    }
    for seat in &seats[..2] {
        let execution = seat.award.execution.clone();
        r.hears(seat.node, Message::Stopped { execution });
    }
    r.wait_ms(2_500);
    let next = r.machine.next_deadline().unwrap();
    r.input(Input::Tick);
    assert!(next > r.now && r.machine.next_deadline().unwrap() > r.now.plus_ms(1), "it spins");
}

#[test]
fn who_waits_for_several_nodes_keeps_nobody_waiting_for_one() {
    let mut r = knows(1);
    let mut two = sealed_job(1, TWO);
    two.context.timeouts.queue_ms = Some(600_000);
    r.submit(two);
    r.wait_ms(10_000);
    assert_eq!(r.state(job_id(1)), Some(JobState::Queued));
    let message = &r.machine.job(job_id(1)).unwrap().message;
    assert!(message.contains("requested: 2"), "{message}");
    let outcome = r.submit(job(2));
    assert_eq!(outcome.events(), ["Submitted", "Announced"], "one node is there");
}
