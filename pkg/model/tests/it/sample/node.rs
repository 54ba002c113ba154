//! Nodes, and why they do or do not take a job.

use std::collections::BTreeMap;

use gadus_model::plan::{Ranked, TurnedDown};
use gadus_model::{
    Engine, EngineInfo, Failure, FailureKind, Gpu, NodeInfo, Plan, Reason, Resources,
};

use super::{node, strings};

pub(crate) fn node_info() -> NodeInfo {
    let engine = |id: &str, arch: &str| EngineInfo { id: id.to_owned(), arch: arch.to_owned() };
    let gpu = Gpu {
        index: 0,
        uuid: "GPU-5a".to_owned(),
        name: "A100".to_owned(),
        vendor: "NVIDIA".to_owned(),
        memory_mib: 40_960,
    };
    let all = Resources { cpu_millis: 8_000, memory_bytes: 16 << 30, disk_bytes: 1 << 40, gpus: 1 };
    NodeInfo {
        id: node(2),
        name: "buoy".to_owned(),
        version: "0.1.0".to_owned(),
        labels: BTreeMap::from([("zone".to_owned(), "c".to_owned())]),
        engines: BTreeMap::from([
            (Engine::Docker, engine("docker/29", "amd64")),
            (Engine::Wasm, engine("wasmtime/48", "any")),
        ]),
        capacity: all,
        available: Resources { cpu_millis: 500, ..all },
        job_max: all,
        gpus: vec![gpu],
        running: 3,
        networked_jobs: true,
        publishers: vec!["ipfs".to_owned(), "s3".to_owned()],
        addresses: strings(&["/ip4/127.0.0.1/tcp/4101"]),
    }
}

pub(crate) fn plan() -> Plan {
    let reasons = vec![Reason::Draining, Reason::Engine(Engine::Docker)];
    Plan {
        ranked: vec![Ranked {
            node: node(2),
            score: -700_001,
            fit_permille: 800,
            bytes_missing: 1 << 30,
            warm: true,
            price: 2,
            bid: true,
        }],
        feasible: 1,
        turned_down: vec![TurnedDown { node: node(3), reasons }],
        counts: BTreeMap::from([
            ("does not support docker".to_owned(), 1),
            ("is shutting down".to_owned(), 1),
        ]),
        nodes: 2,
        may_pass: true,
    }
}

pub(crate) fn failure() -> Failure {
    Failure::new(FailureKind::ImagePull, "the registry does not answer").with_hint("try again")
}
