//! What can be checked of a job without its network.

use gadus_model::event::JobEvent;
use gadus_model::view::JobView;
use gadus_model::{Bundle, Cid, ExecutionState, JobState, Manifest, Receipt, Task, codec};
use serde::de::DeserializeOwned;

use super::Api;
use crate::fake::FakeService;
use crate::fake::sample::{self, completed, job_id, new_view};

const RECEIPTS: &str = "/api/v1/orchestrator/jobs/hello/receipts";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A job whose receipt is for its own task, with its image pinned on the way.
fn answered() -> JobView {
    let mut view = completed();
    let digest = DIGEST.to_owned();
    view.history.extend(sample::stamped([JobEvent::ImagePinned { digest }]));
    let (_, task) = view.job.task().unwrap();
    let task = task.pinned(DIGEST).cid().unwrap();
    view.executions[0].receipt.as_mut().unwrap().body.task = task;
    view
}

fn record<T: DeserializeOwned + serde::Serialize>(api: &Api, cid: &Cid) -> T {
    codec::decode_canonical(&api.fake.inner().records[cid]).unwrap()
}

#[tokio::test]
async fn the_bundle_links_to_every_record() {
    let view = answered();
    let api = Api::new(FakeService::with_job(view.clone()));
    let listed = api.get(RECEIPTS).await.value();
    let bundle = listed["BundleCID"].as_str().unwrap().parse().unwrap();
    let bundle: Bundle = record(&api, &bundle);
    assert_eq!((bundle.job, bundle.version, bundle.answers.len()), (view.job.id, 1, 1));
    let answer = &bundle.answers[0];
    let receipt: Receipt = record(&api, &answer.receipt);
    assert_eq!(Some(&receipt), view.executions[0].receipt.as_ref());
    assert_eq!(receipt.body.task, answer.task);
    assert_eq!(receipt.body.manifest, answer.manifest);
    let manifest: Manifest = record(&api, &answer.manifest);
    assert_eq!(Some(&manifest), view.executions[0].manifest.as_ref());
    let task: Task = record(&api, &answer.task);
    assert_eq!(task.cid().unwrap(), answer.task);
    let item = &listed["Items"][0];
    assert_eq!(item["Level"], "attested");
    assert_eq!(item["ResultCID"], manifest.result.to_string());
    assert!(item["Issuer"].as_str().unwrap().starts_with("did:key:z6Mk"));
}

#[tokio::test]
async fn a_job_without_an_answer_has_none_and_says_what_to_do() {
    let waiting = JobView { state: JobState::Running, ..new_view(sample::job(job_id(1))) };
    let reply = Api::new(FakeService::with_job(waiting)).get(RECEIPTS).await;
    assert_eq!(reply.error().0, 404);
    assert!(reply.value()["Hint"].as_str().unwrap().contains("gadus job logs"));
}

#[tokio::test]
async fn an_answer_that_was_given_up_counts_no_more() {
    let mut view = answered();
    view.executions[0].state = ExecutionState::Failed;
    let reply = Api::new(FakeService::with_job(view)).get(RECEIPTS).await;
    assert_eq!(reply.error().0, 404);
}

#[tokio::test]
async fn a_task_that_is_not_the_receipts_is_not_passed_off_as_it() {
    let api = Api::new(FakeService::with_job(completed()));
    assert_eq!(api.get(RECEIPTS).await.error().0, 500);
    assert!(api.fake.inner().records.is_empty());
}
