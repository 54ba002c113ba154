//! Everything that is written to the log.

use gadus_model::event::{ComputeEvent, Event, JobEvent, RECORD_VERSION, Record, SnapshotBytes};
use gadus_model::{JobState, Reason, Time};

use super::{award, claim, execution, failure, job_id, jobs, node, owner, plan};

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
}

/// Every event of an execution.
pub(crate) fn compute_events() -> Vec<ComputeEvent> {
    let of = execution;
    vec![
        ComputeEvent::Granted { requester: node(1), award: Box::new(award()) },
        ComputeEvent::Finished { execution: of(), claim: Box::new(claim()) },
        ComputeEvent::Failed { execution: of(), failure: failure() },
        ComputeEvent::Accepted { execution: of() },
        ComputeEvent::Released { execution: of(), keep: true },
        ComputeEvent::Snapshot { execution: of(), state: snapshot() },
    ]
}

pub(crate) fn record(body: Event) -> Record {
    let at = Time(1_780_000_000_000_000);
    Record { v: RECORD_VERSION, owner: owner(), job: job_id(), seq: 9, term: 7, at, body }
}
