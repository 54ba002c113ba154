//! What fits nothing now waits in the line of its class, first come first served.

use gadus_model::event::{Event, JobEvent};
use gadus_model::message::Message;
use gadus_model::{Job, JobState, JobType, Time};

use super::rig::{Outcome, TestRequester, info, job, job_id, node};

/// The jobs that a round began for.
fn announced(outcome: &Outcome) -> Vec<u8> {
    let of = outcome.events.iter().zip(outcome.events());
    let of = of.filter(|(_, name)| name == "Announced");
    of.map(|(record, _)| record.job.to_string().as_bytes()[3] - b'0').collect()
}

/// A job that takes a whole node.
fn large(n: u8) -> Job {
    let mut job = job(n);
    job.context.resources.cpu_millis = 4_000;
    job
}

/// A requester with one node, which runs job 1, and these jobs after it.
fn with_line(jobs: impl IntoIterator<Item = Job>) -> (TestRequester, Message) {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(large(1));
    let execution = r.runs(job_id(1), node(1));
    for job in jobs {
        let id = job.id;
        r.wait_ms(1);
        let outcome = r.submit(job);
        assert_eq!(outcome.events(), ["Submitted", "Queued"]);
        assert_eq!(outcome.effects(), [""; 0], "nobody is asked");
        assert_eq!(r.state(id), Some(JobState::Queued));
    }
    let proposal = r.proposal(&execution, node(1));
    (r, proposal)
}

#[test]
fn the_first_of_a_line_is_announced_when_there_is_room_and_it_alone() {
    let (mut r, done) = with_line([large(2), large(3), large(4)]);
    let outcome = r.hears_kept(node(1), done);
    assert_eq!(announced(&outcome), [2]);
    assert!(outcome.effects().contains(&"Ask to 1".to_owned()));
    // Its seat is given: the node is full again, and nobody else is announced.
    let execution = r.runs(job_id(2), node(1));
    assert_eq!(r.state(job_id(3)), Some(JobState::Queued));
    let done = r.proposal(&execution, node(1));
    assert_eq!(announced(&r.hears_kept(node(1), done)), [3]);
}

#[test]
fn more_partitions_than_room_follow_each_other_at_once() {
    let mut r = TestRequester::with_nodes([node(1)]);
    let mut many = large(1);
    many.kind = JobType::Batch.kind(3);
    r.submit(many);
    for _ in 0..2 {
        let execution = r.runs(job_id(1), node(1));
        let done = r.proposal(&execution, node(1));
        assert_eq!(announced(&r.hears_kept(node(1), done)), [1], "as soon as one has ended");
    }
}

#[test]
fn when_the_first_leaves_for_any_reason_the_next_is_announced() {
    let (mut r, done) = with_line([large(2), large(3)]);
    r.hears_kept(node(1), done);
    assert_eq!(announced(&r.stop(job_id(2))), [3], "it was gathering bids");
    let (mut r, done) = with_line([large(2), large(3)]);
    r.stop(job_id(2));
    assert_eq!(announced(&r.hears_kept(node(1), done)), [3], "it was waiting");
}

#[test]
fn a_new_job_does_not_pass_those_that_wait() {
    let (mut r, done) = with_line([large(2)]);
    r.hears_kept(node(1), done);
    // There is room for one, and a bid for it is on its way.
    assert_eq!(r.submit(large(3)).events(), ["Submitted", "Queued"]);
}

#[test]
fn jobs_of_other_needs_wait_in_other_lines() {
    let (mut r, done) = with_line([large(2)]);
    r.hears_kept(node(1), done);
    r.runs(job_id(2), node(1));
    // Two nodes' worth of small jobs do not hinder each other.
    r.meets(info(node(2)));
    let outcome = r.submit(job(3));
    assert_eq!((announced(&outcome), outcome.effects()), (vec![3], vec!["Ask to 2".to_owned()]));
}

#[test]
fn a_higher_priority_comes_first_and_of_equals_the_earlier() {
    let with_priority = |n, priority| Job { priority, ..large(n) };
    let line =
        [with_priority(2, 0), with_priority(3, 5), with_priority(4, 5), with_priority(5, -1)];
    let (mut r, mut done) = with_line(line);
    for next in [3, 4, 2, 5] {
        assert_eq!(announced(&r.hears_kept(node(1), done)), [next]);
        let execution = r.runs(job_id(next), node(1));
        done = r.proposal(&execution, node(1));
    }
}

#[test]
fn more_room_lets_as_many_try_as_fit() {
    let (mut r, _) = with_line([large(2), large(3), large(4)]);
    assert_eq!(announced(&r.meets(info(node(2)))), [2]);
    assert_eq!(announced(&r.meets(info(node(3)))), [3]);
}

#[test]
fn a_job_waits_only_as_long_as_it_may() {
    let mut hasty = large(2);
    hasty.context.timeouts.queue_ms = Some(5_000);
    let (mut r, _) = with_line([hasty]);
    assert!(!r.wait_ms(4_999).events().contains(&"Ended".to_owned()));
    let outcome = r.wait_ms(1);
    let (state, message) = outcome.ended().unwrap();
    assert_eq!(state, JobState::Failed);
    assert!(message.starts_with("Job timed out in the queue. not enough nodes"), "{message}");
}

#[test]
fn without_a_limit_it_waits_for_a_node_that_is_busy_or_away() {
    let (mut r, _) = with_line([large(2)]);
    r.wait_ms(3_600_000);
    assert!(r.state(job_id(2)).is_some_and(|state| !state.is_terminal()));
}

#[test]
fn a_job_that_nobody_bids_for_tries_again_less_and_less_often() {
    let mut r = TestRequester::with_nodes([node(1)]);
    let mut events = r.submit(job(1)).events;
    for _ in 0..20 {
        events.extend(r.wait_ms(30_000).events);
        events.extend(r.meets(info(node(1))).events);
    }
    let rounds = events
        .into_iter()
        .filter(|record| matches!(record.body, Event::Job(JobEvent::Announced { .. })));
    let rounds: Vec<Time> = rounds.map(|record| record.at).collect();
    let seconds = |pair: &[Time]| pair[1].us_since(pair[0]) / 1_000_000;
    let waits: Vec<u64> = rounds.windows(2).map(seconds).collect();
    // A round takes 2 s, and the wait after it doubles up to 64 s.
    assert_eq!(waits[..6], [6, 10, 18, 34, 66, 66]);
}
