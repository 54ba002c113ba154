//! Submissions.

use axum::body::Body;
use axum::http::Request;
use gadus_ports::Layout;
use serde_json::json;

use super::{Api, Reply};
use crate::fake::FakeService;
use crate::fake::sample::{DOCKER_JOB, cid};
use crate::limits::ApiLimits;
use crate::service::ImportKind;
use crate::state::ApiConfig;

const JOBS: &str = "/api/v1/orchestrator/jobs";

async fn with_key(api: &Api, key: &str, job: &str) -> Reply {
    let request = Request::put(JOBS)
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(Body::from(format!("{{\"Job\":{job}}}")));
    api.send(request.unwrap()).await
}

#[tokio::test]
async fn a_job_is_taken_by_put_and_by_post() {
    let api = Api::empty();
    for method in ["PUT", "POST"] {
        let body = format!("{{\"Job\":{DOCKER_JOB},\"Force\":false}}");
        let reply = api.json(method, JOBS, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let value = reply.value();
        let keys: Vec<_> = value.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["JobID", "EvaluationID", "Warnings"]);
        assert!(value["JobID"].as_str().unwrap().starts_with("j-"));
        assert_eq!(value["Warnings"], json!(null));
    }
    let inner = api.fake.inner();
    assert_eq!(inner.submitted.len(), 2);
    assert_ne!(inner.submitted[0].id, inner.submitted[1].id);
    assert_eq!(inner.submitted[0].context.client, "anonymous");
}

#[tokio::test]
async fn what_is_ignored_is_warned_of() {
    let job = DOCKER_JOB.replacen("\"Count\":1", "\"Count\":1,\"ID\":\"j-1\",\"Version\":3", 1);
    let reply = Api::empty().put(&job).await;
    assert_eq!(
        reply.value()["Warnings"],
        json!([
            "job version is ignored when submitting a job",
            "job ID is ignored when submitting a batch job",
        ])
    );
}

#[tokio::test]
async fn the_same_key_and_job_is_the_same_submission() {
    let api = Api::empty();
    let first = with_key(&api, "k", DOCKER_JOB).await.value();
    // Another order of keys, blanks and case is the same job.
    let same =
        DOCKER_JOB.replacen("\"Name\":\"hello\",\"Type\"", "\"name\":  \"hello\", \"TYPE\"", 1);
    let again = with_key(&api, "k", &same).await.value();
    assert_eq!(first, again);
    assert_eq!(api.fake.inner().submitted.len(), 1);

    let other = DOCKER_JOB.replacen("hello", "goodbye", 1);
    let (status, code, message) = with_key(&api, "k", &other).await.error();
    assert_eq!((status, code.as_str()), (409, "ResourceInUse"));
    assert!(message.contains("'k'"));
    assert_eq!(with_key(&api, "k2", &other).await.status, 200);
    assert_eq!(with_key(&api, &"x".repeat(257), DOCKER_JOB).await.status, 400);
}

#[tokio::test]
async fn the_token_in_the_body_is_a_key_too() {
    let api = Api::empty();
    let body = format!("{{\"idempotencyToken\":\"t\",\"Job\":{DOCKER_JOB}}}");
    let first = api.json("PUT", JOBS, &body).await.value();
    assert_eq!(first, api.json("PUT", JOBS, &body).await.value());
    assert_eq!(api.fake.inner().submitted[0].idempotency_key.as_deref(), Some("t"));
}

#[tokio::test]
async fn inline_inputs_are_imported_first() {
    let api = Api::empty();
    let job = r#"{"Type":"batch","Tasks":[{"Name":"main",
        "Engine":{"Type":"wasm","Params":{"EntryModule":"/m.wasm"}},
        "InputSources":[{"Source":{"Type":"inline","Params":{"URL":"data:;base64,bW9kdWxl"}},"Target":"/m.wasm"}]}]}"#;
    assert_eq!(api.put(job).await.status, 200);
    let inner = api.fake.inner();
    assert_eq!(inner.imports, [(ImportKind::File(Layout::default()), b"module".to_vec())]);
    assert!(inner.submitted[0].document.contains(&cid("module").to_string()));
}

#[tokio::test]
async fn bad_jobs_are_refused_with_every_reason() {
    let api = Api::empty();
    let (status, code, message) = api.put(r#"{"Type":"x","Count":-1}"#).await.error();
    assert_eq!((status, code.as_str()), (400, "ValidationError"));
    assert_eq!(message, "invalid job type: \"x\"\njob count must be >= 0\nmissing job tasks");
    // The job alone, as it stands in a file, is no submission.
    let reply = api.json("PUT", JOBS, DOCKER_JOB).await;
    assert_eq!(reply.error().2, "empty/nil job");
    assert!(reply.value()["Hint"].as_str().unwrap().contains("{\"Job\": "), "{}", reply.text());
    let (status, code, _) = api.put(&DOCKER_JOB.replacen("batch", "service", 1)).await.error();
    assert_eq!((status, code.as_str()), (501, "NotImplemented"));
    assert!(api.fake.inner().submitted.is_empty());
}

#[tokio::test]
async fn bodies_are_json_and_say_so() {
    let api = Api::empty();
    let body = format!("{{\"Job\":{DOCKER_JOB}}}");
    for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let request = Request::put(JOBS).header("content-type", content_type);
        let reply = api.send(request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!(reply.error().0, 415, "{content_type}");
    }
    for body in ["", "{", "null", "[1]"] {
        assert_eq!(api.json("PUT", JOBS, body).await.error().0, 400, "{body}");
    }
}

#[tokio::test]
async fn sizes_are_limited() {
    let limits = ApiLimits {
        body_bytes_max: 3000,
        spec_bytes_max: 1500,
        inline_bytes_max: 100,
        ..ApiLimits::default()
    };
    let config = ApiConfig { limits, ..ApiConfig::default() };
    let api = Api::with(std::sync::Arc::new(FakeService::default()), config);
    assert_eq!(api.put(DOCKER_JOB).await.status, 200);

    let job = DOCKER_JOB.replacen("echo hello", &"x".repeat(3000), 1);
    let (status, _, message) = api.put(&job).await.error();
    assert_eq!((status, message.as_str()), (413, "the body is larger than 3000 bytes"));
    let job = DOCKER_JOB.replacen("echo hello", &"x".repeat(1500), 1);
    let (status, _, message) = api.put(&job).await.error();
    assert_eq!((status, message.as_str()), (413, "the job is larger than 1500 bytes"));
    let url = format!("data:,{}", "x".repeat(101));
    let job = format!(
        r#"{{"Type":"batch","Tasks":[{{"Name":"m","Engine":{{"Type":"docker","Params":{{"Image":"x"}}}},
        "InputSources":[{{"Source":{{"Type":"inline","Params":{{"URL":"{url}"}}}},"Target":"/a"}}]}}]}}"#
    );
    let (status, _, message) = api.put(&job).await.error();
    assert_eq!((status, message.as_str()), (413, "an inline input is larger than 100 bytes"));

    // A body whose length nobody told.
    let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>("x".repeat(1000)));
    let request = Request::put(JOBS).header("content-type", "application/json");
    let reply = api.send(request.body(Body::from_stream(chunks)).unwrap()).await;
    assert_eq!(reply.error().0, 413);
}
