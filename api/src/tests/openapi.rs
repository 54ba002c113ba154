//! The OpenAPI document is the committed one, and says what the server does.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Api;
use crate::fake::FakeService;
use crate::fake::sample::{cid, completed};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

fn generated() -> String {
    serde_json::to_string_pretty(&crate::openapi()).unwrap() + "\n"
}

#[test]
fn the_committed_document_is_the_generated_one() {
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(PATH, generated()).unwrap();
    }
    let committed = std::fs::read_to_string(PATH).unwrap();
    assert!(
        committed == generated(),
        "api/openapi.json is not what the types give: run the tests with UPDATE_OPENAPI=1"
    );
}

#[test]
fn it_is_openapi_3_1_and_its_references_lead_somewhere() {
    let document: Value = serde_json::from_str(&generated()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut references = BTreeSet::new();
    gather(&document, &mut references);
    assert!(references.contains("#/components/schemas/Job"));
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn gather(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                into.insert(reference.clone());
            }
            map.values().for_each(|v| gather(v, into));
        }
        Value::Array(items) => items.iter().for_each(|v| gather(v, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every operation of the document, as method and path.
fn operations() -> BTreeSet<(String, String)> {
    let document: Value = serde_json::from_str(&generated()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone()))
    });
    each.collect()
}

#[test]
fn the_routes_of_this_release_are_all_there() {
    let expected = [
        ("GET", "/api/v1/agent/alive"),
        ("GET", "/api/v1/agent/node"),
        ("GET", "/api/v1/agent/version"),
        ("GET", "/api/v1/openapi.json"),
        ("GET", "/api/v1/orchestrator/jobs"),
        ("PUT", "/api/v1/orchestrator/jobs"),
        ("POST", "/api/v1/orchestrator/jobs"),
        ("GET", "/api/v1/orchestrator/jobs/{id}"),
        ("DELETE", "/api/v1/orchestrator/jobs/{id}"),
        ("GET", "/api/v1/orchestrator/evidence"),
        ("GET", "/api/v1/orchestrator/jobs/{id}/evidence"),
        ("GET", "/api/v1/orchestrator/jobs/{id}/executions"),
        ("GET", "/api/v1/orchestrator/jobs/{id}/explain"),
        ("GET", "/api/v1/orchestrator/jobs/{id}/history"),
        ("GET", "/api/v1/orchestrator/jobs/{id}/logs"),
        ("GET", "/api/v1/orchestrator/jobs/{id}/receipts"),
        ("GET", "/api/v1/orchestrator/jobs/{id}/results"),
        ("GET", "/api/v1/orchestrator/jobs/{id}/task"),
        ("POST", "/api/v1/orchestrator/task"),
        ("POST", "/api/v1/orchestrator/explain"),
        ("GET", "/api/v1/orchestrator/nodes"),
        ("GET", "/api/v1/orchestrator/nodes/{id}"),
        ("GET", "/api/v1/archives/{cid}/{name}"),
        ("POST", "/api/v1/content"),
        ("POST", "/api/v1/store/gc"),
        ("GET", "/api/v1/orchestrator/trust"),
        ("PUT", "/api/v1/orchestrator/trust/{id}"),
        ("GET", "/api/v1/orchestrator/verdicts"),
        ("POST", "/api/v1/orchestrator/verdicts"),
        ("DELETE", "/api/v1/orchestrator/verdicts/{cid}"),
        ("GET", "/api/v1/store/pins"),
        ("POST", "/api/v1/store/pins"),
        ("DELETE", "/api/v1/store/pins/{cid}"),
        ("GET", "/api/v1/store/stat"),
        ("POST", "/api/v1/store/verify"),
        ("GET", "/ipfs/{cid}"),
        ("GET", "/ipfs/{cid}/{path}"),
    ];
    let expected = expected.map(|(method, path)| (method.to_owned(), path.to_owned()));
    assert_eq!(operations(), BTreeSet::from(expected));
}

#[tokio::test]
async fn every_operation_has_a_route() {
    let api = Api::new(FakeService::with_job(completed()));
    let cid = cid("x").to_string();
    for (method, path) in operations() {
        let uri = path.replace("{id}", "hello").replace("{cid}", &cid).replace("{path}", "p");
        let reply = api.json(&method, &uri, "{}").await;
        let unrouted = reply.text().contains("The requested resource/URL was not found");
        assert!(!unrouted && !matches!(reply.status, 405 | 501), "{method} {path}");
    }
}

#[tokio::test]
async fn the_server_gives_its_document() {
    let reply = Api::empty().get("/api/v1/openapi.json").await;
    assert_eq!(reply.text().trim_end(), generated().trim_end());
}
