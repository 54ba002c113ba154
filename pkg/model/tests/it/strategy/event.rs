//! Any record of the log.

use gadus_model::event::{
    ComputeEvent, Event, JobEvent, RECORD_VERSION, Record, Seal, SeatEnd, SnapshotBytes, TrustEvent,
};
use gadus_model::{Execution, JobState, Origin, Replay, Time};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::node::{failure, reason};
use super::task::summary;
use super::verdict::stage;
use super::{
    award, bytes, claim, close, commit, draw, execution, job, job_id, node, one_of, owner,
};
use super::{cid, plan, reveal, text, verdict};

fn snapshot() -> impl Strategy<Value = Box<SnapshotBytes>> {
    bytes().prop_map(|bytes| Box::new(SnapshotBytes(bytes)))
}

fn search() -> impl Strategy<Value = JobEvent> {
    prop_oneof![
        (job(), any::<u64>())
            .prop_map(|(job, seed)| JobEvent::Submitted { job: Box::new(job), seed }),
        any::<u32>().prop_map(|round| JobEvent::Announced { round }),
        plan().prop_map(|plan| JobEvent::Queued { plan: Box::new(plan) }),
        text().prop_map(|digest| JobEvent::ImagePinned { digest }),
        vec(node(), 0..3).prop_map(|nodes| JobEvent::Placed { nodes }),
        (execution(), node(), plan()).prop_map(|(execution, node, plan)| JobEvent::Awarded {
            execution,
            node,
            plan: Box::new(plan)
        }),
        any::<u64>().prop_map(|ms| JobEvent::BackedOff { ms }),
        (one_of(JobState::ALL.to_vec()), text())
            .prop_map(|(state, message)| JobEvent::Ended { state, message }),
        snapshot().prop_map(|job| JobEvent::Snapshot { job }),
    ]
}

fn of_job(f: fn(Execution) -> JobEvent) -> BoxedStrategy<JobEvent> {
    execution().prop_map(f).boxed()
}

fn outcome() -> impl Strategy<Value = JobEvent> {
    prop_oneof![
        (execution(), any::<(u64, u64)>()).prop_map(|(execution, (boot, seq))| JobEvent::Granted {
            execution,
            boot,
            seq
        }),
        (execution(), reason())
            .prop_map(|(execution, reason)| JobEvent::Refused { execution, reason }),
        (execution(), claim()).prop_map(|(execution, claim)| JobEvent::Accepted {
            execution,
            claim: Box::new(claim)
        }),
        (execution(), text()).prop_map(|(execution, why)| JobEvent::Rejected { execution, why }),
        (execution(), vec(node(), 0..3)).prop_map(|(execution, holders)| JobEvent::Published {
            execution,
            holders,
            place: None
        }),
        (execution(), failure())
            .prop_map(|(execution, failure)| JobEvent::Failed { execution, failure }),
        (execution(), text()).prop_map(|(execution, why)| JobEvent::Lost { execution, why }),
        of_job(|execution| JobEvent::Cancelled { execution }),
    ]
}

/// Events of a job whose result is checked.
fn sealed() -> impl Strategy<Value = JobEvent> {
    let of = any::<u32>;
    prop_oneof![
        (of(), draw()).prop_map(|(partition, record)| JobEvent::Drawn {
            partition,
            record: Box::new(record)
        }),
        (execution(), commit()).prop_map(|(execution, commit)| JobEvent::Committed {
            execution,
            commit: Box::new(commit)
        }),
        (of(), close())
            .prop_map(|(partition, close)| JobEvent::Closed { partition, close: Box::new(close) }),
        (execution(), reveal(), summary()).prop_map(|(execution, reveal, summary)| {
            JobEvent::Revealed { execution, reveal: Box::new(reveal), summary: Box::new(summary) }
        }),
        (execution(), text()).prop_map(|(execution, why)| JobEvent::Faulted { execution, why }),
        (of(), stage(), any::<u32>()).prop_map(|(partition, stage, seats)| JobEvent::Escalated {
            partition,
            stage,
            seats
        }),
        job_id().prop_map(|to| JobEvent::Deferred { to }),
        (execution(), replay(), vec(node(), 0..3)).prop_map(|(execution, replay, holders)| {
            JobEvent::Replayed { execution, replay: Box::new(replay), holders }
        }),
        (of(), verdict()).prop_map(|(partition, verdict)| JobEvent::Judged {
            partition,
            verdict: Box::new(verdict)
        }),
    ]
}

fn replay() -> impl Strategy<Value = Replay> {
    let origin = (job_id(), execution(), vec(node(), 0..3), verdict(), option::of(cid()));
    (origin, node(), claim()).prop_map(|((job, execution, voters, verdict, proof), node, claim)| {
        let level = verdict.body.level;
        Replay { origin: Origin { job, execution, level, voters, verdict, proof }, node, claim }
    })
}

fn seal() -> impl Strategy<Value = Seal> {
    (any::<[u8; 32]>(), commit()).prop_map(|(salt, commit)| Seal { salt, commit })
}

fn compute() -> impl Strategy<Value = ComputeEvent> {
    prop_oneof![
        (node(), award()).prop_map(|(requester, award)| ComputeEvent::Granted {
            requester,
            award: Box::new(award)
        }),
        (execution(), claim()).prop_map(|(execution, claim)| ComputeEvent::Finished {
            execution,
            claim: Box::new(claim)
        }),
        (execution(), claim(), seal()).prop_map(|(execution, claim, seal)| ComputeEvent::Sealed {
            execution,
            claim: Box::new(claim),
            seal: Box::new(seal)
        }),
        (execution(), failure())
            .prop_map(|(execution, failure)| ComputeEvent::Failed { execution, failure }),
        execution().prop_map(|execution| ComputeEvent::Accepted { execution }),
        (execution(), any::<bool>())
            .prop_map(|(execution, keep)| ComputeEvent::Released { execution, keep }),
        (execution(), snapshot())
            .prop_map(|(execution, state)| ComputeEvent::Snapshot { execution, state }),
    ]
}

fn trust() -> impl Strategy<Value = TrustEvent> {
    let seat = one_of(vec![SeatEnd::Valid, SeatEnd::Silent, SeatEnd::Wrong, SeatEnd::Inconclusive]);
    prop_oneof![
        (node(), text(), seat).prop_map(|(node, engine, seat)| TrustEvent::Counted {
            node,
            engine,
            seat
        }),
        (node(), any::<bool>()).prop_map(|(node, is_banned)| TrustEvent::Set { node, is_banned }),
        snapshot().prop_map(|state| TrustEvent::Snapshot { state }),
    ]
}

pub(crate) fn record() -> impl Strategy<Value = Record> {
    let body = prop_oneof![
        search().prop_map(Event::Job),
        outcome().prop_map(Event::Job),
        sealed().prop_map(Event::Job),
        compute().prop_map(Event::Compute),
        trust().prop_map(Event::Trust),
    ];
    (owner(), job_id(), any::<[u64; 3]>(), body).prop_map(|(owner, job, [seq, term, at], body)| {
        Record { v: RECORD_VERSION, owner, job, seq, term, at: Time(at), body }
    })
}
