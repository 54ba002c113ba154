//! Tasks as texts: carried by jobs, and told of them.

use std::collections::BTreeMap;

use gadus_model::event::JobEvent;
use gadus_model::task::TASK_VERSION;
use gadus_model::{
    Caps, Cid, Code, DAG_CBOR, Det, Image, Input, JobKind, PROFILE_DET_1, Partition, Placement,
    Task, Verification, codec,
};
use gadus_ports::PinReason;
use serde_json::{Value, json};

use super::{Api, Reply};
use crate::fake::sample::{self, cid, completed};
use crate::fake::{FakeService, Tree};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn function() -> Task {
    Task {
        v: TASK_VERSION,
        code: Code::Wasm { module: cid("module"), entry: "_start".to_owned() },
        args: vec!["20".to_owned()],
        env: BTreeMap::from([("lower".to_owned(), String::new())]),
        inputs: BTreeMap::from([("/inputs".to_owned(), Input::Cid(cid("in")))]),
        outputs: BTreeMap::from([("out".to_owned(), "/out".to_owned())]),
        partition: Partition { index: 2, count: 5 },
        nonce: vec![7],
        det: Some(Det {
            profile: PROFILE_DET_1.to_owned(),
            fuel_max: Some(u64::MAX),
            memory_max_bytes: 1 << 20,
            stdout_max_bytes: 1,
            stderr_max_bytes: 2,
            output_max_bytes: 3,
            ..Det::default()
        }),
    }
}

fn container() -> Task {
    let image = Image::Digest(DIGEST.to_owned());
    Task { code: Code::Docker { image, entrypoint: None, workdir: None }, det: None, ..function() }
}

fn text(task: &Task) -> Value {
    serde_json::from_str(&task.to_text().unwrap()).unwrap()
}

fn job(params: Value) -> Value {
    let engine = json!({"Type": "task", "Params": params});
    json!({"Type": "batch", "Tasks": [{"Name": "main", "Engine": engine}]})
}

/// A node that has a task's block.
fn with_block(cid: Cid, block: Vec<u8>) -> Api {
    let api = Api::empty();
    api.fake.inner().content.insert(cid, Tree::Plain(block.into()));
    api
}

#[tokio::test]
async fn a_job_runs_the_very_task_that_it_carries() {
    for (task, reserved) in [(function(), 1 << 20), (container(), 512_000_000)] {
        let named = task.cid().unwrap();
        let by_name = with_block(named, task.to_block().unwrap());
        let here = (Api::empty(), json!({"Task": text(&task)}));
        for (api, params) in [here, (by_name, json!({"CID": format!("ipfs://{named}")}))] {
            let reply = api.put(&job(params).to_string()).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            let inner = api.fake.inner();
            let submitted = &inner.submitted[0];
            let (label, carried) = submitted.task().unwrap();
            assert_eq!((label, carried), ("main", &task));
            assert_eq!(carried.for_partition(Partition::default()).cid().unwrap(), named);
            assert_eq!(submitted.context.resources.memory_bytes, reserved);
            assert_eq!(submitted.kind.placement, Placement::Ranked { count: 1 });
            // Its block is what its CID leads to, and is kept alone for as long as the result.
            let pin = &inner.pins[0];
            assert_eq!((pin.root, &pin.reason), (named, &PinReason::Task(submitted.id)));
            assert!(pin.until.is_some());
            assert!(matches!(inner.content.get(&named), Some(Tree::Plain(_))));
        }
    }
}

#[tokio::test]
async fn a_tasks_own_limits_are_what_it_gets_and_what_is_shown() {
    let api = Api::empty();
    let mut document = job(json!({"Task": text(&function())}));
    document["Verification"] = json!("quorum=2/3");
    document["Tasks"][0]["Resources"] = json!({"CPU": "2", "Disk": "1Gb"});
    let id = api.put(&document.to_string()).await.value()["JobID"].clone();
    let submitted = api.fake.inner().submitted[0].clone();
    let context = &submitted.context;
    let caps =
        Caps { stdout_max_bytes: 1, stderr_max_bytes: 2, output_max_bytes: 3, ..Caps::default() };
    assert_eq!((context.caps, context.resources.cpu_millis), (caps, 2_000));
    let quorum: Verification = "quorum=2/3".parse().unwrap();
    assert_eq!(context.verification, quorum);
    let uri = format!("/api/v1/orchestrator/jobs/{}", id.as_str().unwrap());
    let shown = api.get(&uri).await.value();
    assert_eq!(shown["Job"]["TaskCID"], function().cid().unwrap().to_string());
    assert_eq!(shown["Job"]["Tasks"][0]["Resources"]["Memory"], "1048576");
}

#[tokio::test]
async fn what_a_container_is_pulled_by_is_no_part_of_its_task() {
    let api = Api::empty();
    let params = json!({"Task": text(&container()), "Image": "busybox:1.37"});
    assert_eq!(api.put(&job(params).to_string()).await.status, 200);
    let submitted = &api.fake.inner().submitted[0];
    assert_eq!(submitted.context.image_reference.as_deref(), Some("busybox:1.37"));
    assert_eq!(submitted.task().unwrap().1.cid().unwrap(), container().cid().unwrap());
}

/// What a job is refused with: words, and what to do.
fn told(reply: &Reply) -> String {
    assert_eq!(reply.error().0, 400, "{}", reply.text());
    format!("{}\n  hint: {}", reply.error().2, reply.value()["Hint"].as_str().unwrap())
}

#[tokio::test]
async fn what_is_no_task_or_says_more_than_it_is_refused_by_name() {
    let url = json!({"/inputs": "https://example.org/data.csv"});
    let with = |path: &str, value: Value| {
        let mut task = text(&function());
        *task.pointer_mut(path).unwrap() = value;
        json!({"Task": task})
    };
    let beside = |path: &str, value: Value| {
        let mut document = job(json!({"Task": text(&function())}));
        match path.strip_prefix("Tasks.") {
            Some(name) => document["Tasks"][0][name] = value,
            None => document[path] = value,
        }
        document
    };
    let input = json!([{"Source": {"Type": "ipfs", "Params": {"CID": cid("x").to_string()}},
        "Target": "/x"}]);
    let documents = [
        job(json!({})),
        job(json!({"Task": text(&function()), "CID": function().cid().unwrap().to_string()})),
        job(json!({"Task": "bafy"})),
        job(json!({"CID": "nope"})),
        job(json!({"CID": cid("module").to_string()})),
        job(json!({"Task": text(&function()), "Entrypoint": "_start"})),
        job(json!({"Task": text(&function()), "Image": "busybox"})),
        job(json!({"Task": text(&container()), "Image": "-v"})),
        job(with("/inputs", url)),
        job(with("/v", json!(9))),
        job(with("/det/fuel_max", json!(1.5))),
        beside("Tasks.InputSources", input),
        beside("Tasks.Env", json!({"A": "b"})),
        beside("Tasks.ResultPaths", json!([{"Name": "o", "Path": "/o"}])),
        beside("Tasks.Resources", json!({"Memory": "1Gi"})),
        beside("Count", json!(2)),
        beside("Type", json!("ops")),
    ];
    let mut all = Vec::new();
    for document in documents {
        all.push(told(&Api::empty().put(&document.to_string()).await));
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[tokio::test]
async fn a_block_that_is_no_task_is_refused_and_one_that_nobody_has_is_missing() {
    let other = codec::encode(&json!({"v": 1})).unwrap();
    let awaited = Task { det: None, ..function() };
    let unfit = codec::encode(&awaited).unwrap();
    let mut all = Vec::new();
    for block in [other, unfit] {
        let named = codec::cid_of(DAG_CBOR, &block);
        let api = with_block(named, block);
        let reply = api.put(&job(json!({"CID": named.to_string()})).to_string()).await;
        all.push(told(&reply).replace(&named.to_string(), "CID"));
        assert!(api.fake.inner().submitted.is_empty());
    }
    assert!(all[0].contains("'CID': block CID: this is no task"), "{all:?}");
    assert!(all[1].contains("'Task': det: a function needs its limits"), "{all:?}");
    let named = function().cid().unwrap().to_string();
    let reply = Api::empty().put(&job(json!({"CID": named})).to_string()).await;
    assert_eq!(reply.error().0, 404);
}

#[tokio::test]
async fn a_job_gives_its_task_as_a_text() {
    let mut view = completed();
    let digest = DIGEST.to_owned();
    view.history.extend(sample::stamped([JobEvent::ImagePinned { digest }]));
    let api = Api::new(FakeService::with_job(view.clone()));
    let told = api.get("/api/v1/orchestrator/jobs/hello/task").await.value();
    let task = Task::from_text(told["Task"].to_string().as_bytes()).unwrap();
    assert_eq!(task, view.job.task().unwrap().1.pinned(DIGEST));
    let named = task.cid().unwrap();
    assert_eq!(told["TaskCID"], named.to_string());
    assert_eq!(api.fake.inner().pins[0].reason, PinReason::Task(view.job.id));
    let shown = api.get("/api/v1/orchestrator/jobs/hello").await.value();
    assert_eq!(shown["Job"]["TaskCID"], named.to_string());

    view.job.kind = JobKind { placement: Placement::Ranked { count: 3 }, ..view.job.kind };
    let api = Api::new(FakeService::with_job(view));
    let uri = "/api/v1/orchestrator/jobs/hello/task";
    assert!(told_of(&api, uri).await.contains("3 partitions"));
    assert!(told_of(&api, &format!("{uri}?partition=3")).await.contains("0 to 2"));
    let second = api.get(&format!("{uri}?partition=1")).await.value();
    assert_eq!(second["Task"]["partition"], json!({"count": 3, "index": 1}));
    assert_eq!(
        api.get("/api/v1/orchestrator/jobs/hello").await.value()["Job"].get("TaskCID"),
        None
    );
}

async fn told_of(api: &Api, uri: &str) -> String {
    told(&api.get(uri).await)
}

#[tokio::test]
async fn a_job_whose_image_is_not_pinned_has_no_task_yet() {
    let api = Api::new(FakeService::with_job(completed()));
    let told = told_of(&api, "/api/v1/orchestrator/jobs/hello/task").await;
    assert!(told.contains("not pinned") && told.contains("gadus job task"), "{told}");
}

#[tokio::test]
async fn the_task_of_a_draft_is_told_and_nothing_is_submitted() {
    let api = Api::empty();
    let engine = json!({"Type": "wasm", "Params": {"EntryModule": format!("ipfs://{}", cid("m"))}});
    let source = json!({"Type": "urlDownload", "Params": {"URL": "https://example.org/data.csv"}});
    let input = json!([{"Source": source, "Target": "/in"}]);
    let task = json!({"Name": "main", "Engine": engine, "InputSources": input});
    let document = json!({"Type": "batch", "Verification": "quorum=2/2", "Tasks": [task]});
    let body = json!({"Job": document}).to_string();
    let told = api.json("POST", "/api/v1/orchestrator/task", &body).await.value();
    let task = Task::from_text(told["Task"].to_string().as_bytes()).unwrap();
    assert_eq!(task.det.as_ref().unwrap().profile, PROFILE_DET_1);
    assert_eq!(task.inputs.keys().collect::<Vec<_>>(), ["/in/data.csv"]);
    let inner = api.fake.inner();
    assert!(inner.submitted.is_empty());
    assert!(inner.records.contains_key(&task.cid().unwrap()));
    assert_eq!(inner.pinned.len(), 1);
}
