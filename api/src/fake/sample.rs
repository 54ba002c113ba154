//! Values to show.

use std::collections::BTreeMap;

use gadus_model::codec::{RAW, cid_of};
use gadus_model::event::{JobEvent, Stamped};
use gadus_model::manifest::MANIFEST_VERSION;
use gadus_model::plan::{Ranked, TurnedDown};
use gadus_model::receipt::{RECEIPT_VERSION, ReceiptBody};
use gadus_model::view::{ExecutionView, JobView, Marks};
use gadus_model::{
    Cid, Claim, Desired, Engine, EngineInfo, Epoch, Execution, ExecutionState, Gpu, Job, JobId,
    JobState, Manifest, NodeId, NodeInfo, Outcome, Plan, Reason, Receipt, Resources, ResultSummary,
    Slot, Time, Usage,
};
use gadus_ports::{Bad, Checked, Imported, StoreStat};
use uuid::Uuid;

use crate::convert::{Draft, DraftOptions};
use crate::service::{AgentInfo, Membership, NodeEntry};

/// 2026-08-19T10:00:00Z.
const START: Time = Time(1_787_133_600_000_000);

pub(crate) fn at(ms: u64) -> Time {
    START.plus_ms(ms)
}

pub(crate) fn node(n: u8) -> NodeId {
    NodeId([n; 32])
}

pub(crate) fn cid(text: &str) -> Cid {
    cid_of(RAW, text.as_bytes())
}

pub(crate) fn job_id(n: u128) -> JobId {
    JobId(Uuid::from_u128(n))
}

pub(crate) fn imported(bytes: &[u8]) -> Imported {
    let root = cid_of(RAW, bytes);
    Imported { root, roots: vec![root], bytes: bytes.len() as u64, files: 1 }
}

pub(crate) fn store_stat() -> StoreStat {
    StoreStat {
        blocks: 12,
        block_bytes: 7_000_000,
        pinned_blocks: 10,
        pinned_bytes: 5_000_000,
        quarantined_blocks: 2,
        quarantined_bytes: 400,
        used_bytes: 7_000_400,
        quota_bytes: 64 << 30,
        packs: 3,
        pack_disk_bytes: 16 << 20,
        index_disk_bytes: 1 << 20,
        user_pins: 2,
        input_pins: 1,
        result_pins: 4,
        task_pins: 5,
        verdict_pins: 2,
    }
}

pub(crate) fn checked(repair: bool) -> Checked {
    let bad = Bad {
        pack: "0000000a.log".into(),
        offset: 4_711,
        cid: Some(cid("bad")),
        why: "its bytes have another hash".into(),
    };
    Checked {
        good_blocks: 11,
        good_bytes: 6_900_000,
        packs: 3,
        bad: 1,
        named: vec![bad],
        repaired: u64::from(repair),
    }
}

pub(crate) fn node_info(n: u8) -> NodeInfo {
    let capacity =
        Resources { cpu_millis: 12_800, memory_bytes: 50 << 30, disk_bytes: 80 << 30, gpus: 1 };
    let engine = EngineInfo { id: "wasmtime/48".into(), arch: "any".into() };
    NodeInfo {
        id: node(n),
        name: format!("node-{n}"),
        version: "0.1.0".into(),
        labels: [("os_arch", "amd64"), ("os_type", "linux")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        engines: [(Engine::Wasm, engine)].into(),
        capacity,
        available: Resources { cpu_millis: u64::from(n) * 1000, ..capacity },
        job_max: capacity,
        gpus: vec![Gpu {
            index: 0,
            uuid: "GPU-1".into(),
            name: "Tesla T4".into(),
            vendor: "NVIDIA".into(),
            memory_mib: 15_360,
        }],
        running: 1,
        networked_jobs: false,
        publishers: vec!["ipfs".to_owned()],
        addresses: vec!["/ip4/10.0.0.5/tcp/4001".into()],
    }
}

pub(crate) fn agent() -> AgentInfo {
    AgentInfo {
        info: node_info(1),
        requester: true,
        compute: true,
        commit: "abc123".into(),
        built_at: "2026-08-01T00:00:00Z".into(),
    }
}

pub(crate) fn node_entry(n: u8, connected: bool) -> NodeEntry {
    NodeEntry {
        info: node_info(n),
        membership: Membership::Approved,
        connected,
        last_heard: Some(at(0)),
        connected_since: connected.then(|| at(0)),
        disconnected_since: (!connected).then(|| at(5)),
        last_error: String::new(),
    }
}

pub(crate) fn plan() -> Plan {
    let reason = Reason::Engine(Engine::Docker);
    Plan {
        ranked: vec![Ranked {
            node: node(2),
            score: 120,
            fit_permille: 900,
            bytes_missing: 42,
            warm: true,
            price: 0,
            bid: true,
        }],
        feasible: 1,
        turned_down: vec![TurnedDown { node: node(3), reasons: vec![reason.clone()] }],
        counts: BTreeMap::from([(reason.to_string(), 1)]),
        nodes: 2,
        may_pass: false,
    }
}

pub(crate) const DOCKER_JOB: &str = r#"{"Name":"hello","Type":"batch","Count":1,
  "Labels":{"env":"test"},
  "Tasks":[{"Name":"main","Engine":{"Type":"docker","Params":{"Image":"busybox:1.37.0",
    "Entrypoint":["/bin/sh"],"Parameters":["-c","echo hello; echo 15 > /outputs/n.txt"]}},
  "ResultPaths":[{"Name":"outputs","Path":"/outputs"}],"Timeouts":{"ExecutionTimeout":600}}]}"#;

pub(crate) fn options() -> DraftOptions {
    DraftOptions { count_max: 10, server: Some(node(1)), ..DraftOptions::default() }
}

pub(crate) fn job(id: JobId) -> Job {
    let document = serde_json::from_str(DOCKER_JOB).unwrap();
    Draft::new(Some(document), options()).unwrap().preview(id).unwrap()
}

/// As it is when it was just taken.
pub(crate) fn new_view(job: Job) -> JobView {
    JobView {
        job,
        state: JobState::Submitted,
        message: String::new(),
        revision: 1,
        created_at: at(0),
        modified_at: at(0),
        executions: Vec::new(),
        history: Vec::new(),
        sealed: Vec::new(),
    }
}

fn manifest() -> Manifest {
    Manifest {
        v: MANIFEST_VERSION,
        outcome: Outcome::Exit(0),
        result: cid("result"),
        stdout: cid("stdout"),
        stderr: cid("stderr"),
    }
}

fn receipt() -> Receipt {
    let body = ReceiptBody {
        v: RECEIPT_VERSION,
        task: cid("task"),
        manifest: manifest().cid().unwrap(),
        usage: Usage { run_us: 1500, fetched_bytes: 42, ..Usage::default() },
        engine: "docker/29".into(),
        profile: "unixfs-v1-2025".into(),
        node: node(2),
        cause: None,
        fx: None,
    };
    Receipt { body, signature: vec![0xab; 4] }
}

pub(crate) fn execution_of(id: JobId, n: u32) -> Execution {
    let slot = Slot { job: id, version: 1, task: "main".into(), partition: 0, replica: 0 };
    Execution { slot, epoch: Epoch { term: 1, n } }
}

pub(crate) fn execution(id: JobId) -> ExecutionView {
    ExecutionView {
        execution: execution_of(id, 1),
        node: node(2),
        state: ExecutionState::Published,
        desired: Desired::Stopped,
        message: String::new(),
        hint: None,
        revision: 4,
        marks: Marks {
            announced_at: at(1),
            awarded_at: at(3),
            granted_at: Some(at(4)),
            accepted_at: Some(at(8)),
            published_at: Some(at(9)),
            ended_at: Some(at(9)),
            ..Marks::default()
        },
        plan: plan(),
        manifest: Some(manifest()),
        receipt: Some(receipt()),
        summary: Some(ResultSummary {
            stdout: "hello <world>\n".into(),
            warnings: vec!["output 'outputs' is empty".into()],
            result_bytes: 123,
            ..ResultSummary::default()
        }),
        holders: vec![node(1), node(2)],
        place: None,
        commit: None,
        origin: None,
    }
}

/// A job that went well.
pub(crate) fn completed() -> JobView {
    let id = job_id(1);
    let execution = execution_of(id, 1);
    let events = [
        JobEvent::Announced { round: 1 },
        JobEvent::Awarded { execution: execution.clone(), node: node(2), plan: Box::new(plan()) },
        JobEvent::Granted { execution: execution.clone(), boot: 1, seq: 1 },
        JobEvent::Accepted {
            execution: execution.clone(),
            claim: Box::new(Claim {
                manifest: manifest(),
                receipt: receipt(),
                summary: ResultSummary::default(),
            }),
        },
        JobEvent::Published { execution, holders: vec![node(1)], place: None },
        JobEvent::Ended { state: JobState::Completed, message: String::new() },
    ];
    JobView {
        state: JobState::Completed,
        revision: 7,
        modified_at: at(9),
        executions: vec![self::execution(id)],
        history: stamped(events),
        ..new_view(job(id))
    }
}

/// Events, a millisecond apart.
pub(crate) fn stamped(events: impl IntoIterator<Item = JobEvent>) -> Vec<Stamped> {
    let place = |(i, event)| Stamped { seq: i + 1, at: at(i), version: 1, event };
    (0..).zip(events).map(place).collect()
}
