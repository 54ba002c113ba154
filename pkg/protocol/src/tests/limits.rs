//! Limits at the door, and submitting the same thing twice.

use gadus_model::event::JobEvent;
use gadus_model::message::Message;
use gadus_model::{Job, JobType, Limits, Quorum, Time, Verification};

use super::rig::{TestRequester, info, job, job_id, limits, node};
use crate::requester::JobLog;
use crate::requester::{Input, SubmitError};

#[test]
fn no_job_is_taken_beyond_a_limit() {
    let base = limits;
    let with = |n: u8, change: fn(&mut Job)| {
        let mut job = job(n);
        change(&mut job);
        job
    };
    let plain = |n| with(n, |_| {});
    let cases = [
        (
            "jobs",
            Limits { jobs_max: 2, ..base() },
            plain(3),
            Err(SubmitError::TooManyJobs { max: 2 }),
        ),
        ("room", Limits { jobs_max: 3, ..base() }, plain(3), Ok(())),
        (
            "jobs of a client",
            Limits { jobs_per_client_max: 2, ..base() },
            plain(3),
            Err(SubmitError::TooManyJobsOfClient { max: 2 }),
        ),
        (
            "jobs of another client",
            Limits { jobs_per_client_max: 2, ..base() },
            with(3, |job| job.context.client = "bob".to_owned()),
            Ok(()),
        ),
        (
            "slots",
            Limits { slots_max: 5, ..base() },
            with(3, |job| {
                job.kind = JobType::Batch.kind(2);
                job.context.verification = Verification::Quorum(Quorum { equal: 2, of: 3 });
            }),
            Err(SubmitError::TooManySlots { slots: 6, max: 5 }),
        ),
        (
            "slots as many as may be",
            Limits { slots_max: 6, ..base() },
            with(3, |job| job.kind = JobType::Batch.kind(6)),
            Ok(()),
        ),
        (
            "a name that is taken",
            base(),
            with(3, |job| job.name = "job-1".to_owned()),
            Err(SubmitError::NameTaken { by: job_id(1) }),
        ),
        (
            "a name in another namespace",
            base(),
            with(3, |job| (job.name, job.namespace) = ("job-1".to_owned(), "x".to_owned())),
            Ok(()),
        ),
        ("an id", base(), with(1, |job| job.name = "new".to_owned()), Err(SubmitError::Known)),
    ];
    for (what, limits, job, expected) in cases {
        let mut r = TestRequester::new(limits);
        for n in [1, 2] {
            r.submit(plain(n));
        }
        assert_eq!(r.machine.check(&job), expected, "{what}");
    }
}

#[test]
fn slots_are_counted_without_overflow() {
    let r = TestRequester::new(limits());
    let mut vast = job(1);
    vast.kind = JobType::Batch.kind(u32::MAX);
    vast.context.verification = Verification::Quorum(Quorum { equal: u32::MAX, of: u32::MAX });
    let slots = u64::from(u32::MAX) * u64::from(u32::MAX);
    assert_eq!(r.machine.check(&vast), Err(SubmitError::TooManySlots { slots, max: 1_000 }));
}

#[test]
fn only_so_many_jobs_wait() {
    let mut r = TestRequester::new(Limits { queue_max: 2, ..limits() });
    r.meets(info(node(1)));
    let large = |n| {
        let mut job = job(n);
        job.context.resources.cpu_millis = 4_000;
        job
    };
    r.submit(large(1));
    r.runs(job_id(1), node(1));
    for n in [2, 3] {
        r.submit(large(n));
    }
    assert_eq!(r.machine.check(&large(4)), Err(SubmitError::QueueFull { max: 2 }));
    r.stop(job_id(3));
    assert_eq!(r.machine.check(&large(4)), Ok(()));
}

#[test]
fn what_a_job_took_up_is_given_back_when_it_leaves() {
    let mut r = TestRequester::new(Limits { jobs_max: 1, jobs_per_client_max: 1, ..limits() });
    for _ in 0..3 {
        r.submit(job(1));
        assert!(r.machine.check(&job(2)).is_err());
        r.stop(job_id(1));
        assert!(r.machine.footprint().iter().all(|(_, n)| *n == 0), "{:?}", r.machine.footprint());
    }
}

#[test]
fn only_so_many_bids_are_kept_and_a_known_bidder_may_better_his() {
    let mut r = TestRequester::new(Limits { bids_max: 2, ..limits() });
    (1..=4).for_each(|n| _ = r.meets(info(node(n))));
    r.submit(job(1));
    for n in 1..=3 {
        r.hears_bid(node(n), job_id(1));
    }
    let mut better = r.bid(job_id(1));
    better.fit_permille = 999;
    r.hears(node(2), Message::Bid(better));
    let outcome = r.wait_ms(10);
    let plan = &r.machine.job(job_id(1)).unwrap().executions[0].plan;
    assert_eq!(outcome.effects()[0], "Award to 2");
    assert_eq!(plan.ranked.iter().filter(|ranked| ranked.bid).count(), 2);
}

#[test]
fn a_client_finds_its_job_by_the_key_it_gave() {
    let mut r = TestRequester::with_nodes([node(1)]);
    let mut keyed = job(1);
    keyed.idempotency_key = Some("key".to_owned());
    r.submit(keyed.clone());
    let found = |r: &TestRequester, client, key| r.machine.job_by_key(client, key);
    assert_eq!(found(&r, "alice", "key"), Some(job_id(1)));
    assert_eq!(found(&r, "bob", "key"), None, "keys are a client's own");
    assert_eq!(found(&r, "alice", "other"), None);
    r.restart();
    assert_eq!(found(&r, "alice", "key"), Some(job_id(1)), "it is in the log");
    // The same submission over again changes nothing.
    assert!(r.input(Input::Submit { job: Box::new(keyed), seed: 8 }).is_nothing());
    r.stop(job_id(1));
    assert_eq!(found(&r, "alice", "key"), None, "the index knows it from here on");
}

#[test]
fn a_history_forgets_what_happened_but_not_what_the_work_is() {
    let mut log = JobLog::new(job(1), 0, Time(1));
    let digest = format!("sha256:{}", "0".repeat(64));
    log.apply(2, Time(2), &JobEvent::ImagePinned { digest: digest.clone() }, 3);
    for seq in 3..20 {
        log.apply(seq, Time(seq), &JobEvent::BackedOff { ms: seq }, 3);
    }
    let kept: Vec<_> = log.view.history.iter().map(|entry| entry.event.clone()).collect();
    assert_eq!(kept[0], JobEvent::ImagePinned { digest });
    assert_eq!(kept[1..], [JobEvent::BackedOff { ms: 18 }, JobEvent::BackedOff { ms: 19 }]);
}
