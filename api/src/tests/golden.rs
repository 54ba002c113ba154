//! The shapes, to the letter: every byte that a client of Bacalhau was written against.

use insta::assert_snapshot;

use super::Api;
use crate::fake::FakeService;
use crate::fake::sample::{completed, node_entry};

async fn shown(path: &str) -> String {
    let fake = FakeService::with_job(completed());
    fake.inner().nodes = vec![node_entry(2, true), node_entry(3, false)];
    let reply = Api::new(fake).get(&format!("{path}?pretty")).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    reply.text()
}

#[tokio::test]
async fn a_job() {
    assert_snapshot!(shown("/api/v1/orchestrator/jobs/hello").await);
}

#[tokio::test]
async fn executions() {
    assert_snapshot!(shown("/api/v1/orchestrator/jobs/hello/executions").await);
}

#[tokio::test]
async fn history() {
    assert_snapshot!(shown("/api/v1/orchestrator/jobs/hello/history").await);
}

#[tokio::test]
async fn results() {
    assert_snapshot!(shown("/api/v1/orchestrator/jobs/hello/results").await);
}

#[tokio::test]
async fn nodes() {
    assert_snapshot!(shown("/api/v1/orchestrator/nodes").await);
}

#[tokio::test]
async fn the_node_itself() {
    assert_snapshot!(shown("/api/v1/agent/node").await);
}

#[tokio::test]
async fn the_version() {
    assert_snapshot!(shown("/api/v1/agent/version").await);
}

#[tokio::test]
async fn a_plan() {
    assert_snapshot!(shown("/api/v1/orchestrator/jobs/hello/explain").await);
}

#[tokio::test]
async fn errors() {
    let api = Api::empty();
    let missing = api.get("/api/v1/orchestrator/jobs/j-123").await.text();
    let unknown = api.get("/api/v1/teapot").await.text();
    let bad = api.put(r#"{"Type":"banana"}"#).await.text();
    assert_snapshot!([missing, unknown, bad].concat());
}
