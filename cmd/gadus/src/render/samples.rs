//! Objects of the API as a node answers with them, for tests.

use gadus_api::types::{
    BadBlock, CheckResponse, CollectResponse, EvidenceEntry, Execution, GetJobResponse, Job,
    JobHistory, ListEntry, Listing, NodeState, PinInfo, PlanInfo, StoreStatResponse,
};
use serde_json::{Value, json};

use crate::proof::{CheckedLie, CheckedVerdict, CheckedVote};

pub(crate) const JOB: &str = "j-5772b6f9-7c73-493a-bdfe-aa3fe82e96a9";
pub(crate) const EXECUTION: &str = "e-ec6f3977-3818-42ac-a691-19fb015ec67c";
pub(crate) const NODE: &str = "n-1d0df0a5-9a1f-4a5e-8a54-0f8a2d1f6c33";
pub(crate) const OTHER_NODE: &str = "n-2e1ef1b6-0b2a-4b6f-9b65-1a9b3e2a7d44";
pub(crate) const RESULT: &str = "bafybeiek6ng6g74chwv5jjut2aqveczlmsfpyxqup3oclmyosmfbl6pray";
/// When the job was submitted, in microseconds.
const SUBMITTED_US: u64 = 1_787_140_800_000_000;

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub(crate) fn job(state: &str, message: &str) -> Job {
    read(json!({
        "ID": JOB, "Name": "hello", "Namespace": "default", "Type": "batch", "Count": 1,
        "Labels": {"env": "test"},
        "Tasks": [{
            "Name": "main",
            "Engine": {"Type": "docker", "Params": {
                "Image": "busybox:1.37.0", "Parameters": ["echo", "hello"]}},
            "InputSources": [{"Source": {"Type": "ipfs", "Params": {"CID": RESULT}}, "Target": "/in"}],
            "ResultPaths": [{"Name": "outputs", "Path": "/outputs"}],
        }],
        "State": {"StateType": state, "Message": message},
        "Version": 1, "Revision": 3,
        "CreateTime": SUBMITTED_US * 1000, "ModifyTime": (SUBMITTED_US + 1) * 1000,
    }))
}

pub(crate) fn published(exit_code: i32, stdout: &str, stderr: &str) -> Execution {
    let at = |us: u64| SUBMITTED_US + us;
    read(json!({
        "ID": EXECUTION, "NodeID": NODE, "JobID": JOB, "JobVersion": 1,
        "DesiredState": {"StateType": 2}, "ComputeState": {"StateType": 9},
        "PublishedResult": {"Type": "ipfs", "Params": {"CID": RESULT}},
        "RunOutput": {"Stdout": stdout, "stderr": stderr, "ExitCode": exit_code},
        "Revision": 4, "CreateTime": at(7_000) * 1000, "ModifyTime": at(94_000) * 1000,
        "Gadus": {
            "State": "published", "Epoch": 1, "Plan": plan_json(), "ResultBytes": 13,
            "Holders": [OTHER_NODE, NODE], "KeptUntilUs": at(604_800_094_000),
            "MarksUs": {"Submitted": at(0), "Announced": at(400), "Awarded": at(7_000),
                "Granted": at(19_000), "Accepted": at(93_000), "Published": at(94_000)},
            "Warnings": ["the output 'outputs' is empty"],
            "Manifest": {"CID": "bafyreimanifest", "Outcome": "exit", "Result": RESULT},
            "Receipt": {"Engine": "docker/20.10", "Usage": {"FetchUs": 11_500, "PrepareUs": 19_800,
                "RunUs": 176, "StoreUs": 23_500, "FetchedBytes": 2048, "MemoryPeakBytes": 65536}},
        },
    }))
}

pub(crate) fn running() -> Execution {
    let mut execution = published(0, "", "");
    execution.compute_state.state_type = 5;
    execution.published_result = gadus_api::types::SpecConfig::default();
    let extras = execution.gadus.as_mut().unwrap();
    extras.state = "granted".into();
    (extras.manifest, extras.receipt) = (None, None);
    (extras.marks_us.accepted, extras.marks_us.published) = (None, None);
    extras.warnings.clear();
    (extras.holders, extras.kept_until_us) = (Vec::new(), None);
    execution
}

pub(crate) fn failed(message: &str, hint: &str) -> Execution {
    let mut execution = running();
    execution.compute_state.state_type = 10;
    execution.compute_state.message = message.into();
    let extras = execution.gadus.as_mut().unwrap();
    (extras.state, extras.hint) = ("failed".into(), hint.into());
    execution
}

pub(crate) fn answer(job: Job, executions: Vec<Execution>) -> GetJobResponse {
    GetJobResponse {
        job,
        history: Some(gadus_api::types::ListHistoryResponse {
            next_token: String::new(),
            items: history(),
        }),
        executions: Some(gadus_api::types::ListExecutionsResponse {
            next_token: String::new(),
            items: executions,
        }),
    }
}

pub(crate) fn history() -> Vec<JobHistory> {
    let entry = |n: u64, execution: &str, topic: &str, message: &str, time: &str| {
        json!({"SeqNum": n, "Type": "JobLevel", "JobID": JOB, "ExecutionID": execution,
            "Event": {"Message": message, "Topic": topic}, "Time": time})
    };
    read(json!([
        entry(1, "", "Submission", "Job submitted", "2026-08-19T23:59:59.900123456Z"),
        entry(
            2,
            EXECUTION,
            "Scheduling",
            "Requested execution on n-1d0df0a5",
            "2026-08-20T00:00:00.007Z"
        ),
        entry(3, EXECUTION, "Execution", "Completed successfully", "2026-08-20T00:00:00.094Z"),
    ]))
}

fn plan_json() -> Value {
    json!({
        "Ranked": [
            {"NodeID": NODE, "Score": 687, "FitPermille": 687, "BytesMissing": 2048, "Warm": true,
                "Bid": true},
        ],
        "Feasible": 1, "Nodes": 2, "MayPass": true,
        "TurnedDown": [{"NodeID": OTHER_NODE, "Reasons": [
            "does not support docker", "has too little memory: the job needs 8.0 GiB, it gives a job at most 4.0 GiB"]}],
        "Counts": {"does not support docker": 1},
    })
}

pub(crate) fn plan() -> PlanInfo {
    read(plan_json())
}

pub(crate) fn nodes() -> Vec<NodeState> {
    let node = |id: &str, name: &str, connection: &str, engines: &[&str]| {
        json!({
            "Info": {
                "NodeID": id, "NodeType": "Compute",
                "Labels": {"name": name, "os_arch": "amd64", "os_type": "linux"},
                "SupportedProtocols": ["gadus/1"],
                "ComputeNodeInfo": {
                    "ExecutionEngines": engines, "Publishers": ["ipfs"], "StorageSources": ["ipfs"],
                    "MaxCapacity": {"CPU": 12.8, "Memory": 53_687_091_200_u64, "Disk": 80_000_000_000_u64},
                    "AvailableCapacity": {"CPU": 12.3, "Memory": 53_150_220_288_u64, "Disk": 80_000_000_000_u64},
                    "MaxJobRequirements": {"CPU": 12.8, "Memory": 53_687_091_200_u64, "Disk": 80_000_000_000_u64},
                    "RunningExecutions": 1, "address": "/ip4/10.0.0.5/tcp/1235",
                },
                "BacalhauVersion": {"GitVersion": "v1.9.3+gadus.0.1.0", "Gadus": "0.1.0"},
            },
            "Membership": "APPROVED", "Connection": connection,
            "ConnectionState": {"Status": connection, "LastHeartbeat": "2026-08-19T23:59:30Z"},
        })
    };
    read(json!([
        node(NODE, "compute-1", "CONNECTED", &["docker", "wasm"]),
        node(OTHER_NODE, OTHER_NODE, "DISCONNECTED", &[]),
    ]))
}

pub(crate) fn listing() -> Listing {
    let entry = |name: &str, kind: &str, size: u64| ListEntry {
        name: name.into(),
        cid: RESULT.into(),
        kind: kind.into(),
        size,
    };
    Listing {
        cid: RESULT.into(),
        kind: "directory".into(),
        entries: vec![
            entry("outputs", "directory", 5_000_000),
            entry("evil\u{1b}[2J\nname", "file", 12),
            entry("link", "symlink", 17),
        ],
        ..Listing::default()
    }
}

pub(crate) fn pin(reason: &str, execution: &str, until: &str) -> PinInfo {
    PinInfo {
        cid: "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy".to_owned(),
        reason: reason.to_owned(),
        execution_id: execution.to_owned(),
        made: "2026-11-21T09:56:40Z".to_owned(),
        until: until.to_owned(),
        ..PinInfo::default()
    }
}

pub(crate) fn store_stat() -> StoreStatResponse {
    StoreStatResponse {
        blocks: 12_345,
        block_bytes: 7 << 30,
        pinned_blocks: 10_000,
        pinned_bytes: 5 << 30,
        quarantined_blocks: 3,
        quarantined_bytes: 4_711,
        used_bytes: (7 << 30) + 4_711,
        quota_bytes: 64 << 30,
        packs: 9,
        pack_disk_bytes: 8 << 30,
        index_disk_bytes: 5 << 20,
        user_pins: 2,
        input_pins: 1,
        result_pins: 40,
        task_pins: 2,
        verdict_pins: 1,
    }
}

pub(crate) fn collected() -> CollectResponse {
    CollectResponse {
        expired_pins: 3,
        blocks: 2_345,
        bytes: 2 << 30,
        packs: 2,
        copied_bytes: 30 << 20,
        disk_bytes: 2 << 30,
    }
}

pub(crate) fn checked() -> CheckResponse {
    let bad = BadBlock {
        pack: "0000000a.log".to_owned(),
        offset: 4_711,
        cid: "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy".to_owned(),
        why: "its bytes have another hash".to_owned(),
    };
    CheckResponse {
        good_blocks: 12_344,
        good_bytes: 7 << 30,
        packs: 9,
        bad: 1,
        named: vec![bad],
        repaired: 1,
    }
}

pub(crate) fn lies() -> Vec<EvidenceEntry> {
    let lie = |node: &str, decided_by: &str| {
        json!({
            "NodeID": node, "Key": "did:key:z6Mk", "JobID": JOB, "Partition": 0,
            "TaskCID": RESULT, "ManifestCID": RESULT, "AcceptedCID": RESULT,
            "DecidedBy": decided_by, "Time": "2026-08-19T11:58:00Z",
        })
    };
    read(json!([lie(NODE, "quorum"), lie(OTHER_NODE, "referee")]))
}

pub(crate) fn checked_lie(is_replayed: bool) -> CheckedLie {
    let vote = |issuer: &str, agrees| CheckedVote {
        issuer: issuer.to_owned(),
        manifest_cid: RESULT.to_owned(),
        agrees,
        is_trusted: agrees,
    };
    CheckedLie {
        job_id: JOB.to_owned(),
        accused: "did:key:z6MkLiar".to_owned(),
        task_cid: RESULT.to_owned(),
        manifest_cid: RESULT.to_owned(),
        accepted_cid: RESULT.to_owned(),
        decided_by: "quorum",
        engine: "wasmtime/48".to_owned(),
        level: if is_replayed { "proven" } else { "unproven" },
        is_replayed,
        verdict: CheckedVerdict {
            asked: "quorum=2/2".to_owned(),
            requester: "did:key:z6MkRequester".to_owned(),
            trusts_requester: false,
            votes: vec![vote("did:key:z6MkOne", true), vote("did:key:z6MkLiar", false)],
            referee: String::new(),
            rounds: 1,
            has_trusted: false,
            is_verified: is_replayed,
            why_not: if is_replayed { "" } else { "name the keys that you trust" }.to_owned(),
        },
    }
}
