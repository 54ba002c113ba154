//! Work and answers to it.

use std::collections::BTreeMap;

use gadus_model::job::JOB_VERSION;
use gadus_model::manifest::MANIFEST_VERSION;
use gadus_model::receipt::RECEIPT_VERSION;
use gadus_model::task::TASK_VERSION;
use gadus_model::{
    Await, AwaitBranch, Caps, Claim, Class, Code, Constraint, Context, Det, Durability, Image,
    Input, Job, JobType, Manifest, Network, Operator, Outcome, Partition, PublisherSpec, Receipt,
    ReceiptBody, Resources, ResultSummary, RetryPolicy, Task, Timeouts, Usage, Verification,
};

use super::{QUORUM, cid, job_id, node, strings};

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn awaited(branch: AwaitBranch) -> Input {
    Input::Await(Await { task: cid("task"), branch, selector: "out/part".to_owned() })
}

/// Every shape of a task, by name.
pub(crate) fn tasks() -> Vec<(&'static str, Task)> {
    let wasm = Task {
        v: TASK_VERSION,
        code: Code::Wasm { module: cid("module"), entry: "_start".to_owned() },
        args: strings(&["--width", "3"]),
        env: pairs(&[("LANG", "C"), ("A_LONGER_NAME", "")]),
        inputs: BTreeMap::from([("/inputs/a".to_owned(), Input::Cid(cid("a")))]),
        outputs: pairs(&[("out", "/outputs")]),
        partition: Partition { index: 1, count: 4 },
        nonce: vec![0xca, 0xfe],
        det: Some(Det { fuel_max: Some(1_000_000), ..Det::default() }),
    };
    let docker = |image, entrypoint: Option<&[&str]>, workdir: Option<&str>| Task {
        code: Code::Docker {
            image,
            entrypoint: entrypoint.map(strings),
            workdir: workdir.map(str::to_owned),
        },
        det: None,
        ..wasm.clone()
    };
    let reference = Image::Reference("ubuntu:24.04".to_owned());
    let digest = Image::Digest(format!("sha256:{}", "ab".repeat(32)));
    let workflow = [
        ("/in/ok".to_owned(), awaited(AwaitBranch::Ok)),
        ("/in/error".to_owned(), awaited(AwaitBranch::Error)),
        ("/in/any".to_owned(), awaited(AwaitBranch::Any)),
    ];
    let bare = Task {
        args: Vec::new(),
        env: BTreeMap::new(),
        inputs: BTreeMap::new(),
        outputs: BTreeMap::new(),
        partition: Partition::default(),
        nonce: Vec::new(),
        det: Some(Det::default()),
        ..wasm.clone()
    };
    vec![
        ("docker-digest", docker(digest, Some(&["/bin/sh", "-c"]), Some("/work"))),
        ("docker-reference", docker(reference, None, None)),
        ("wasm", wasm.clone()),
        ("wasm-await", Task { inputs: BTreeMap::from(workflow), ..wasm }),
        ("wasm-bare", bare),
    ]
}

/// A context with every field set.
pub(crate) fn context() -> Context {
    let constraint = Constraint {
        key: "zone".to_owned(),
        operator: Operator::NotIn,
        values: strings(&["a", "b"]),
    };
    Context {
        resources: Resources {
            cpu_millis: 1_500,
            memory_bytes: 1 << 30,
            disk_bytes: 10 << 30,
            gpus: 1,
        },
        timeouts: Timeouts {
            execution_ms: Some(60_000),
            queue_ms: Some(30_000),
            total_ms: Some(120_000),
        },
        verification: Verification::Quorum(QUORUM),
        class: Class::Query,
        fresh: true,
        retry: RetryPolicy { attempts_max: 5, backoff_ms: 100, backoff_max_ms: 10_000 },
        labels: pairs(&[("team", "ocean")]),
        constraints: vec![constraint],
        client: "alice".to_owned(),
        network: Network::Bridge,
        publisher: PublisherSpec::Ipfs,
        durability: Durability::Producer,
        retention_ms: 3_600_000,
        caps: Caps {
            stdout_max_bytes: 1,
            stderr_max_bytes: 2,
            output_max_bytes: 3,
            output_max_files: 4,
        },
        providers: vec![node(4)],
        input_bytes: BTreeMap::from([("/inputs/a".to_owned(), 4_096)]),
        image_reference: Some("ubuntu:24.04".to_owned()),
    }
}

/// A job of each of Bacalhau's types, by name; the first with every field set.
pub(crate) fn jobs() -> Vec<(&'static str, Job)> {
    let task = || tasks().remove(0).1;
    let full = Job {
        v: JOB_VERSION,
        id: job_id(),
        version: 2,
        name: "waves".to_owned(),
        namespace: "default".to_owned(),
        kind: JobType::Batch.kind(3),
        priority: -5,
        tasks: BTreeMap::from([("main".to_owned(), task())]),
        context: context(),
        document: "{}".to_owned(),
        idempotency_key: Some("key".to_owned()),
    };
    let plain = |kind: JobType| Job {
        kind: kind.kind(1),
        context: Context::default(),
        idempotency_key: None,
        ..full.clone()
    };
    vec![
        ("batch", full.clone()),
        ("ops", plain(JobType::Ops)),
        ("service", plain(JobType::Service)),
        ("daemon", plain(JobType::Daemon)),
    ]
}

fn manifest(outcome: Outcome) -> Manifest {
    Manifest {
        v: MANIFEST_VERSION,
        outcome,
        result: cid("result"),
        stdout: cid("stdout"),
        stderr: cid("stderr"),
    }
}

/// A manifest of each outcome.
pub(crate) fn manifests() -> Vec<Manifest> {
    vec![
        manifest(Outcome::Exit(3)),
        manifest(Outcome::Trap("unreachable".to_owned())),
        manifest(Outcome::OutOfFuel),
    ]
}

/// A receipt, with every optional field or with none.
pub(crate) fn receipt(full: bool) -> Receipt {
    let usage = Usage {
        fetch_us: 1,
        prepare_us: 2,
        run_us: 3,
        store_us: 4,
        fetched_bytes: 5,
        fuel: full.then_some(6),
        memory_peak_bytes: full.then_some(7),
    };
    let body = ReceiptBody {
        v: RECEIPT_VERSION,
        task: cid("task"),
        manifest: cid("manifest"),
        usage,
        engine: "wasmtime/48.0.8+0123456789ab".to_owned(),
        profile: "unixfs-v1-2025".to_owned(),
        node: node(2),
        cause: full.then(|| cid("cause")),
        fx: full.then(|| cid("fx")),
    };
    Receipt { body, signature: vec![0x5a; 64] }
}

pub(crate) fn claim() -> Claim {
    let summary = ResultSummary {
        stdout: "done\n".to_owned(),
        stdout_truncated: true,
        stderr: "\u{fffd}".to_owned(),
        stderr_truncated: false,
        error: "wasm trap: unreachable".to_owned(),
        warnings: strings(&["output 'out' is empty"]),
        result_bytes: 1_234,
    };
    Claim { manifest: manifest(Outcome::Exit(0)), receipt: receipt(false), summary }
}
