//! Small jobs and records to fill stores with.

mod verified;

use std::collections::BTreeMap;

use gadus_model::codec::{RAW, cid_of};
use gadus_model::event::{Event, JobEvent, RECORD_VERSION, Record, SnapshotBytes};
use gadus_model::job::JOB_VERSION;
use gadus_model::task::TASK_VERSION;
use gadus_model::view::JobView;
use gadus_model::{
    Code, Context, Job, JobId, JobState, JobType, NodeId, OwnerId, Partition, Task, Time,
};

pub use self::verified::{lied_in, verified};

/// The `n`th job's id; its first eight digits are `n` in hex.
#[must_use]
pub fn job_id(n: u32) -> JobId {
    let text = format!("j-{n:08x}-0000-8000-8000-{n:012x}");
    text.parse().expect("made to be a valid id")
}

/// A Wasm job without inputs: name `job-n` in namespace `default`.
#[must_use]
pub fn job(n: u32) -> Job {
    let task = Task {
        v: TASK_VERSION,
        code: Code::Wasm { module: cid_of(RAW, &n.to_be_bytes()), entry: "_start".to_owned() },
        args: Vec::new(),
        env: BTreeMap::new(),
        inputs: BTreeMap::new(),
        outputs: BTreeMap::new(),
        partition: Partition::default(),
        nonce: Vec::new(),
        det: None,
    };
    Job {
        v: JOB_VERSION,
        id: job_id(n),
        version: 1,
        name: format!("job-{n}"),
        namespace: "default".to_owned(),
        kind: JobType::Batch.kind(1),
        priority: 0,
        tasks: BTreeMap::from([("main".to_owned(), task)]),
        context: Context { client: "tester".to_owned(), ..Context::default() },
        document: "{}".to_owned(),
        idempotency_key: Some(format!("key-{n}")),
    }
}

/// The `n`th job, completed, submitted at second `n`.
#[must_use]
pub fn view(n: u32) -> JobView {
    let created_at = Time(u64::from(n) * 1_000_000);
    JobView {
        job: job(n),
        state: JobState::Completed,
        message: String::new(),
        revision: 1,
        created_at,
        modified_at: created_at.plus_ms(5),
        executions: Vec::new(),
        history: Vec::new(),
        sealed: Vec::new(),
    }
}

/// A small record of the `n`th job's stream.
#[must_use]
pub fn record(n: u32, seq: u64) -> Record {
    record_of(n, seq, JobEvent::Announced { round: 1 })
}

/// The record that ends the `n`th job.
#[must_use]
pub fn ended(n: u32, seq: u64) -> Record {
    record_of(n, seq, JobEvent::Ended { state: JobState::Completed, message: String::new() })
}

/// A snapshot of the `n`th job with `bytes` bytes in it.
#[must_use]
pub fn snapshot(n: u32, seq: u64, bytes: usize) -> Record {
    let byte = n.to_le_bytes()[0];
    record_of(n, seq, JobEvent::Snapshot { job: Box::new(SnapshotBytes(vec![byte; bytes])) })
}

fn record_of(n: u32, seq: u64, event: JobEvent) -> Record {
    Record {
        v: RECORD_VERSION,
        owner: OwnerId(NodeId([7; 32])),
        job: job_id(n),
        seq,
        term: 1,
        at: Time(seq),
        body: Event::Job(event),
    }
}
