//! Everything that is written to the log.

use gadus_model::event::{
    ComputeEvent, Event, JobEvent, RECORD_VERSION, Record, Seal, SeatEnd, SnapshotBytes, TrustEvent,
};
use gadus_model::{JobId, JobState, Origin, Reason, Replay, Signed, Stage, Time, VerdictBody};

use super::{
    award, cid, claim, close, commit, draw, execution, failure, job_id, jobs, node, opening,
};
use super::{owner, plan, reveal, verdicts};

fn snapshot() -> Box<SnapshotBytes> {
    Box::new(SnapshotBytes(vec![0xa0]))
}

/// Every event of a job.
pub(crate) fn job_events() -> Vec<JobEvent> {
    let of = execution;
    let plan = || Box::new(plan());
    vec![
        JobEvent::Submitted { job: Box::new(jobs().remove(0).1), seed: u64::MAX },
        JobEvent::Announced { round: 5 },
        JobEvent::Queued { plan: plan() },
        JobEvent::ImagePinned { digest: format!("sha256:{}", "ab".repeat(32)) },
        JobEvent::Placed { nodes: vec![node(2), node(3)] },
        JobEvent::Awarded { execution: of(), node: node(2), plan: plan() },
        JobEvent::Granted { execution: of(), boot: 3, seq: 42 },
        JobEvent::Refused { execution: of(), reason: Reason::TooMany { max: 256 } },
        JobEvent::Accepted { execution: of(), claim: Box::new(claim()) },
        JobEvent::Rejected { execution: of(), why: "the receipt is another node's".to_owned() },
        JobEvent::Published { execution: of(), holders: vec![node(1), node(2)], place: None },
        JobEvent::Failed { execution: of(), failure: failure() },
        JobEvent::Lost { execution: of(), why: "its lease ended".to_owned() },
        JobEvent::Cancelled { execution: of() },
        JobEvent::BackedOff { ms: 500 },
        JobEvent::Ended { state: JobState::Failed, message: "no luck".to_owned() },
        JobEvent::Snapshot { job: snapshot() },
    ]
    .into_iter()
    .chain(sealed_events())
    .collect()
}

/// Those of a job whose result is checked.
fn sealed_events() -> Vec<JobEvent> {
    let (of, partition) = (execution, execution().slot.partition);
    let summary = Box::new(claim().summary);
    let verdict = Box::new(verdicts().remove(0));
    vec![
        JobEvent::Drawn { partition, record: Box::new(draw()) },
        JobEvent::Committed { execution: of(), commit: Box::new(commit()) },
        JobEvent::Closed { partition, close: Box::new(close()) },
        JobEvent::Revealed { execution: of(), reveal: Box::new(reveal()), summary },
        JobEvent::Faulted { execution: of(), why: "it revealed nothing in time".to_owned() },
        JobEvent::Escalated { partition, stage: Stage::Trusted, seats: 2 },
        JobEvent::Judged { partition, verdict: verdict.clone() },
        JobEvent::Deferred { to: job_id() },
        JobEvent::Replayed {
            execution: of(),
            replay: Box::new(replay(*verdict)),
            holders: vec![node(1)],
        },
    ]
}

fn replay(verdict: Signed<VerdictBody>) -> Replay {
    Replay {
        origin: Origin {
            job: job_id(),
            execution: execution(),
            level: verdict.body.level,
            voters: vec![node(2), node(3)],
            verdict,
            proof: Some(cid("proof")),
        },
        node: node(2),
        claim: claim(),
    }
}

/// Every event of an execution.
pub(crate) fn compute_events() -> Vec<ComputeEvent> {
    let of = execution;
    let seal = Box::new(Seal { salt: opening().salt, commit: commit() });
    vec![
        ComputeEvent::Granted { requester: node(1), award: Box::new(award()) },
        ComputeEvent::Finished { execution: of(), claim: Box::new(claim()) },
        ComputeEvent::Sealed { execution: of(), claim: Box::new(claim()), seal },
        ComputeEvent::Failed { execution: of(), failure: failure() },
        ComputeEvent::Accepted { execution: of() },
        ComputeEvent::Released { execution: of(), keep: true },
        ComputeEvent::Snapshot { execution: of(), state: snapshot() },
    ]
}

/// Every event of what a requester thinks of nodes.
pub(crate) fn trust_events() -> Vec<TrustEvent> {
    let engine = "wasmtime/48.0.8+0123456789ab".to_owned();
    vec![
        TrustEvent::Counted { node: node(2), engine, seat: SeatEnd::Valid },
        TrustEvent::Set { node: node(2), is_banned: true },
        TrustEvent::Snapshot { state: snapshot() },
    ]
}

/// Every event of every machine.
pub(crate) fn events() -> Vec<Event> {
    let job = job_events().into_iter().map(Event::Job);
    let compute = compute_events().into_iter().map(Event::Compute);
    let trust = trust_events().into_iter().map(Event::Trust);
    job.chain(compute).chain(trust).collect()
}

pub(crate) fn record(body: Event) -> Record {
    let at = Time(1_780_000_000_000_000);
    let job = match body {
        Event::Job(_) | Event::Compute(_) => job_id(),
        Event::Trust(_) => JobId::NONE,
    };
    Record { v: RECORD_VERSION, owner: owner(), job, seq: 9, term: 7, at, body }
}
