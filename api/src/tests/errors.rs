//! Errors: their shapes, and what is answered where there is no route.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::Api;
use gadus_ports::{ContentError, StoreError};

use crate::fake::FakeService;
use crate::fake::sample::{DOCKER_JOB, completed};
use crate::service::ServiceError;

#[tokio::test]
async fn unknown_routes_and_methods_have_bacalhaus_shape() {
    let api = Api::empty();
    for path in ["/api/v1/teapot", "/api/v2/agent/alive", "/ipfs", "/api/v1/orchestrator/jobs/a/b"]
    {
        let reply = api.get(path).await;
        let (status, code, message) = reply.error();
        assert_eq!((status, code.as_str()), (404, "NotFound"), "{path}");
        assert_eq!(message, "The requested resource/URL was not found.");
        assert_eq!(reply.value()["Component"], "APIServer");
        assert!(reply.value()["Details"]["cli_usage"].is_string());
    }
    let reply = api.json("PATCH", "/api/v1/agent/alive", "").await;
    assert_eq!(reply.error(), (405, "InternalError".into(), "Method Not Allowed".into()));
}

#[tokio::test]
async fn what_is_not_there_yet_says_so() {
    let api = Api::new(FakeService::with_job(completed()));
    let later = [
        ("PUT", "/api/v1/orchestrator/jobs/diff"),
        ("PUT", "/api/v1/orchestrator/jobs/hello/rerun"),
        ("GET", "/api/v1/orchestrator/jobs/hello/versions"),
        ("PUT", "/api/v1/orchestrator/nodes/n-1"),
        ("POST", "/api/v1/orchestrator/nodes"),
        ("GET", "/api/v1/auth"),
        ("POST", "/api/v1/auth/clientkey"),
        ("GET", "/api/v1/agent/config"),
        ("GET", "/api/v1/agent/authconfig"),
        ("GET", "/api/v1/agent/debug"),
    ];
    for (method, path) in later {
        let reply = api.json(method, path, "{}").await;
        let (status, code, message) = reply.error();
        assert_eq!((status, code.as_str()), (501, "NotImplemented"), "{path}");
        assert!(message.ends_with("is not supported in this release"), "{message}");
        assert!(reply.value()["Hint"].is_string(), "{path}");
    }
}

#[tokio::test]
async fn an_error_names_the_request_that_it_answers() {
    let api = Api::empty();
    let request = Request::get("/api/v1/orchestrator/jobs/x").header("x-request-id", "r-1");
    let reply = api.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (reply.value()["RequestID"].as_str(), reply.header("x-request-id")),
        (Some("r-1"), "r-1")
    );
    let reply = api.get("/api/v1/orchestrator/jobs/x").await;
    assert_eq!(reply.value()["RequestID"], "");
    assert_eq!(reply.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn a_panic_is_an_error_of_one_request() {
    let api = Api::empty();
    api.fake.inner().panics = true;
    let reply = api.get("/api/v1/orchestrator/jobs/x").await;
    assert_eq!(reply.error(), (500, "InternalError".into(), "Internal server error".into()));
    assert_eq!(api.get("/api/v1/agent/alive").await.status, 200);
}

#[tokio::test]
async fn what_has_no_room_is_not_taken_for_a_client_that_asks_too_often() {
    let api = Api::empty();
    let content = ContentError::Full { why: "the disk has no room for a block".to_owned() };
    let log = StoreError::Full {
        doing: "append".to_owned(),
        why: "No space left on device".to_owned(),
        dir: "/data/requester".to_owned(),
    };
    let refuse = |error: ServiceError| api.fake.inner().refusal = Some(error);
    let stored = |reply: &super::Reply| {
        let (status, code, message) = reply.error();
        assert_eq!((status, code.as_str()), (507, "InsufficientStorage"), "{message}");
        (message, reply.value()["Hint"].as_str().unwrap_or_default().to_owned())
    };
    refuse(content.into());
    let (message, hint) = stored(&api.json("POST", "/api/v1/content", "x").await);
    assert_eq!(message, "no room left for content: the disk has no room for a block");
    assert!(hint.starts_with("free some of the node's disk"), "{hint}");
    refuse(log.into());
    let (message, hint) = stored(&api.put(DOCKER_JOB).await);
    assert!(message.starts_with("append failed: No space left on device"), "{message}");
    assert_eq!(hint, "make room in /data/requester, then start the node again");
    refuse(ServiceError::exhausted("this client has 3 live jobs"));
    let (status, code, _) = api.put(DOCKER_JOB).await.error();
    assert_eq!((status, code.as_str()), (429, "ResourceExhausted"));
    refuse(StoreError::Closed.into());
    let (status, code, _) = api.put(DOCKER_JOB).await.error();
    assert_eq!((status, code.as_str()), (500, "DatastoreFailure"));
}

#[tokio::test]
async fn the_short_ways_lead_on() {
    let api = Api::empty();
    for (path, place) in [("/", "version"), ("/version", "version"), ("/livez", "alive")] {
        let reply = api.get(path).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (301, &*format!("/api/v1/agent/{place}"))
        );
    }
    assert_eq!(api.get("/api/v1/agent/alive").await.text(), "{\"Status\":\"OK\"}\n");
    let version = api.get("/api/v1/agent/version").await.value();
    assert_eq!(version["GitVersion"], json!("v1.9.3+gadus.0.1.0"));
}
