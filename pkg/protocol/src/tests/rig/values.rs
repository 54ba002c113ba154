//! Plain values, all alike where a test does not say otherwise.

use std::collections::BTreeMap;

use gadus_model::codec::{RAW, cid_of};
use gadus_model::job::JOB_VERSION;
use gadus_model::manifest::MANIFEST_VERSION;
use gadus_model::message::{Announce, Award, Requirements, RoundId};
use gadus_model::receipt::RECEIPT_VERSION;
use gadus_model::task::TASK_VERSION;
use gadus_model::{
    Cid, Claim, Code, Context, Det, Engine, EngineInfo, Epoch, Execution, Failure, FailureKind,
    Image, Job, JobId, JobType, Limits, Manifest, Network, NodeId, NodeInfo, Outcome, OwnerId,
    Partition, Receipt, ReceiptBody, Resources, ResultSummary, RetryPolicy, Slot, Task, Usage,
    codec,
};

pub(in crate::tests) const GIB: u64 = 1 << 30;

/// The node that the requester runs on, and the name that its jobs go by.
pub(in crate::tests) const REQUESTER: NodeId = NodeId([99; 32]);
pub(in crate::tests) const OWNER: OwnerId = OwnerId(REQUESTER);

/// Limits whose intervals are easy to tell apart.
pub(in crate::tests) fn limits() -> Limits {
    Limits { window_ms: 10, lease_ms: 30_000, ..Limits::default() }
}

/// The n-th compute node; its id begins with its number.
pub(in crate::tests) fn node(n: u8) -> NodeId {
    let mut id = [0; 32];
    (id[0], id[31]) = (n, n.wrapping_mul(37));
    NodeId(id)
}

/// A node of four cores that is idle.
pub(in crate::tests) fn info(id: NodeId) -> NodeInfo {
    let engine = |arch: &str| EngineInfo { id: "test/1".to_owned(), arch: arch.to_owned() };
    let all = Resources { cpu_millis: 4_000, memory_bytes: 4 * GIB, disk_bytes: 40 * GIB, gpus: 0 };
    NodeInfo {
        id,
        name: format!("node-{}", id.0[0]),
        version: "0".to_owned(),
        labels: BTreeMap::from([("zone".to_owned(), "a".to_owned())]),
        engines: BTreeMap::from([(Engine::Wasm, engine("any")), (Engine::Docker, engine("amd64"))]),
        capacity: all,
        available: all,
        job_max: all,
        gpus: Vec::new(),
        running: 0,
        networked_jobs: false,
        publishers: vec!["local".to_owned()],
        addresses: Vec::new(),
    }
}

pub(in crate::tests) fn job_id(n: u8) -> JobId {
    codec::decode(&[&[0x50][..], &[n; 16]].concat()).unwrap()
}

pub(in crate::tests) fn cid(word: &str) -> Cid {
    cid_of(RAW, word.as_bytes())
}

fn task() -> Task {
    Task {
        v: TASK_VERSION,
        code: Code::Wasm { module: cid("module"), entry: "_start".to_owned() },
        args: Vec::new(),
        env: BTreeMap::new(),
        inputs: BTreeMap::new(),
        outputs: BTreeMap::new(),
        partition: Partition::default(),
        nonce: Vec::new(),
        det: Some(Det::default()),
    }
}

/// A batch job of one core and one slot that is tried up to three times.
pub(in crate::tests) fn job(n: u8) -> Job {
    Job {
        v: JOB_VERSION,
        id: job_id(n),
        version: 1,
        name: format!("job-{n}"),
        namespace: "default".to_owned(),
        kind: JobType::Batch.kind(1),
        priority: 0,
        tasks: BTreeMap::from([("main".to_owned(), task())]),
        context: Context {
            resources: Resources { cpu_millis: 1_000, memory_bytes: GIB, disk_bytes: 0, gpus: 0 },
            retry: RetryPolicy { attempts_max: 3, backoff_ms: 500, backoff_max_ms: 30_000 },
            client: "alice".to_owned(),
            ..Context::default()
        },
        document: String::new(),
        idempotency_key: None,
    }
}

/// The same job, in a container whose image has a tag only.
pub(in crate::tests) fn docker(mut job: Job) -> Job {
    for task in job.tasks.values_mut() {
        let image = Image::Reference("ubuntu:24.04".to_owned());
        task.code = Code::Docker { image, entrypoint: None, workdir: None };
        task.det = None;
    }
    job
}

/// The first round of a job.
pub(in crate::tests) fn round(job: JobId) -> RoundId {
    RoundId { job, version: 1, round: 1 }
}

/// The n-th try at the only slot of a job, in the first term.
pub(in crate::tests) fn execution(job: JobId, n: u32) -> Execution {
    let slot = Slot { job, version: 1, task: "main".to_owned(), partition: 0, replica: 0 };
    Execution { slot, epoch: Epoch { term: 1, n } }
}

/// The try before this one.
pub(in crate::tests) fn stale(execution: &Execution) -> Execution {
    let Execution { slot, epoch: Epoch { term, n } } = execution.clone();
    Execution { slot, epoch: Epoch { term, n: n - 1 } }
}

/// What is said of a job to whom might take it.
pub(in crate::tests) fn announce(job: &Job) -> Announce {
    Announce {
        round: round(job.id),
        requirements: Requirements {
            engine: Engine::Wasm,
            resources: job.context.resources,
            constraints: job.context.constraints.clone(),
            network: Network::None,
            publishes_to: None,
        },
        code: task().code,
        inputs: Vec::new(),
        want: 1,
        window_ms: 10,
        nodes_hint: 1,
        draw_commitment: [0; 32],
    }
}

/// The n-th try's award.
pub(in crate::tests) fn award(job: &Job, n: u32) -> Award {
    Award {
        execution: execution(job.id, n),
        round: round(job.id),
        lease_ms: 30_000,
        job_type: "batch".to_owned(),
        task: job.task().unwrap().1.clone(),
        context: job.context.clone(),
    }
}

/// An answer to an award as a node would claim it.
pub(in crate::tests) fn claim(award: &Award, node: NodeId) -> Claim {
    let manifest = Manifest {
        v: MANIFEST_VERSION,
        outcome: Outcome::Exit(0),
        result: cid("result"),
        stdout: cid("stdout"),
        stderr: cid("stderr"),
    };
    let body = ReceiptBody {
        v: RECEIPT_VERSION,
        task: award.task.cid().unwrap(),
        manifest: manifest.cid().unwrap(),
        usage: Usage::default(),
        engine: "test/1".to_owned(),
        profile: "unixfs-v1-2025".to_owned(),
        node,
        cause: None,
        fx: None,
    };
    let receipt = Receipt { body, signature: vec![0; 64] };
    Claim { manifest, receipt, summary: ResultSummary::default() }
}

/// A failure that another node might not have.
pub(in crate::tests) fn failure() -> Failure {
    Failure::new(FailureKind::EngineDown, "the engine is down")
}
