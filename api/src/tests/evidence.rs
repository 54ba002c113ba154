//! What nodes were caught with: listed, and put together for others to check.

use gadus_model::manifest::MANIFEST_VERSION;
use gadus_model::receipt::RECEIPT_VERSION;
use gadus_model::verdict::VERDICT_VERSION;
use gadus_model::view::JobView;
use gadus_model::{
    Cid, Decision, Evidence, Manifest, Outcome, Proof, Quorum, Receipt, ReceiptBody, Reveal,
    Sealed, Signed, Task, Usage, VerdictBody, Verification, codec,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Api;
use crate::fake::FakeService;
use crate::fake::sample::{cid, execution_of, job, job_id, new_view, node};

const LIST: &str = "/api/v1/orchestrator/evidence";
const OF_JOB: &str = "/api/v1/orchestrator/jobs/hello/evidence";

fn manifest(answer: i32) -> Manifest {
    Manifest {
        v: MANIFEST_VERSION,
        outcome: Outcome::Exit(answer),
        result: cid("result"),
        stdout: cid("stdout"),
        stderr: cid("stderr"),
    }
}

fn reveal(view: &JobView, task: Cid, (who, answer): (u8, i32)) -> Reveal {
    let manifest = manifest(answer);
    let body = ReceiptBody {
        v: RECEIPT_VERSION,
        task,
        manifest: manifest.cid().unwrap(),
        usage: Usage::default(),
        engine: "wasmtime/48".into(),
        profile: "unixfs-v1-2025".into(),
        node: node(who),
        cause: None,
        fx: None,
    };
    let receipt = Receipt { body, signature: vec![who; 64] };
    let execution = execution_of(view.job.id, u32::from(who));
    Reveal { execution, salt: [who; 32], manifest, receipt }
}

/// A job in which nodes gave these answers, and the answer 0 was accepted.
fn judged(answers: &[(u8, i32)]) -> JobView {
    let mut view = new_view(job(job_id(1)));
    let (name, task) = view.job.task().unwrap();
    let (name, task) = (name.to_owned(), task.pinned(&format!("sha256:{}", "0".repeat(64))));
    let cid = task.cid().unwrap();
    view.job.tasks.insert(name, task);
    let verdict = VerdictBody {
        v: VERDICT_VERSION,
        job: view.job.id,
        version: 1,
        task: cid,
        level: Verification::Quorum(Quorum::TWO),
        closes: Vec::new(),
        reveals: Vec::new(),
        draws: Vec::new(),
        referee: None,
        has_trusted: false,
        decision: Decision::Accepted { manifest: manifest(0).cid().unwrap() },
    };
    let reveals = answers.iter().map(|answer| reveal(&view, cid, *answer)).collect();
    let verdict = Some(Signed { body: verdict, node: node(9), signature: vec![9; 64] });
    view.sealed = vec![Sealed { reveals, verdict, ..Sealed::new(0, 2) }];
    view
}

fn record<T: DeserializeOwned + serde::Serialize>(api: &Api, cid: &Cid) -> T {
    codec::decode_canonical(&api.fake.inner().records[cid]).unwrap()
}

fn nodes(list: &Value) -> Vec<&str> {
    let items = list["Items"].as_array().unwrap();
    items.iter().map(|item| item["NodeID"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_evidence_links_to_the_task_and_has_the_rest_in_it() {
    let view = judged(&[(2, 0), (3, 0), (4, 7)]);
    let api = Api::new(FakeService::with_job(view.clone()));
    let told = api.get(OF_JOB).await.value();
    let root = told["EvidenceCID"].as_str().unwrap().parse().unwrap();
    let evidence: Evidence = record(&api, &root);
    assert_eq!((evidence.job, evidence.version, evidence.accused), (view.job.id, 1, node(4)));
    let task: Task = record(&api, &evidence.task);
    assert_eq!(task.cid().unwrap(), evidence.task);
    let receipt: Receipt = codec::decode_canonical(&evidence.receipt).unwrap();
    assert_eq!(receipt, view.sealed[0].reveals[2].receipt);
    let proof: Proof = record(&api, &evidence.proof);
    assert_eq!(proof.reveals.len(), 3);
    let accused = &told["Accused"];
    assert_eq!(accused["Key"], node(4).did_key());
    assert_eq!(accused["ManifestCID"], manifest(7).cid().unwrap().to_string());
    assert_eq!(accused["AcceptedCID"], manifest(0).cid().unwrap().to_string());
    assert_eq!(accused["DecidedBy"], "quorum");
    assert_eq!(api.get(LIST).await.value()["Items"][0], *accused, "as it is listed");
}

#[tokio::test]
async fn where_several_lied_one_has_to_be_named() {
    let api = Api::new(FakeService::with_job(judged(&[(2, 0), (3, 0), (4, 7), (5, 8)])));
    let reply = api.get(OF_JOB).await;
    assert_eq!(reply.error().0, 400);
    let hint = reply.value()["Hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("--node") && hint.contains(&node(4).to_string()), "{hint}");
    for name in [node(5).to_string(), node(5).short(), node(5).did_key()] {
        let told = api.get(&format!("{OF_JOB}?node={name}")).await.value();
        assert_eq!(told["Accused"]["NodeID"], node(5).to_string(), "{name}");
    }
    let honest = api.get(&format!("{OF_JOB}?node={}", node(2))).await;
    assert_eq!(honest.error().0, 404);
}

#[tokio::test]
async fn it_is_listed_in_pages_and_by_node() {
    let api = Api::new(FakeService::with_job(judged(&[(2, 0), (3, 0), (4, 7), (5, 8)])));
    let [four, five] = [4, 5].map(|n| node(n).to_string());
    let page = api.get(&format!("{LIST}?limit=1")).await.value();
    assert_eq!(nodes(&page), [four.as_str()]);
    let next = page["NextToken"].as_str().unwrap();
    let page = api.get(&format!("{LIST}?next_token={next}")).await.value();
    assert_eq!((nodes(&page), &page["NextToken"]), (vec![five.as_str()], &"".into()));
    let of_one = api.get(&format!("{LIST}?node={five}")).await.value();
    assert_eq!(nodes(&of_one), [five.as_str()]);
}

#[tokio::test]
async fn where_nobody_lied_there_is_none() {
    let api = Api::new(FakeService::with_job(judged(&[(2, 0), (3, 0)])));
    assert!(nodes(&api.get(LIST).await.value()).is_empty());
    let reply = api.get(OF_JOB).await;
    assert_eq!(reply.error().0, 404);
    assert!(reply.value()["Hint"].as_str().unwrap().contains("gadus evidence ls"));
    assert!(api.fake.inner().records.is_empty());
}
