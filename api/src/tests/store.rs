//! What a node keeps.

use gadus_model::ExecutionId;
use gadus_ports::{Pin, PinReason};
use serde_json::json;

use super::Api;
use crate::fake::sample;

const PINS: &str = "/api/v1/store/pins";

fn pin(text: &str, reason: PinReason) -> Pin {
    Pin { root: sample::cid(text), reason, made: Some(sample::at(0)), until: None }
}

fn execution(n: u128) -> ExecutionId {
    ExecutionId(uuid::Uuid::from_u128(n))
}

#[tokio::test]
async fn pins_come_page_by_page_with_their_reasons() {
    let api = Api::empty();
    let until = Some(sample::at(1_000));
    api.fake.inner().pins = vec![
        pin("a", PinReason::User),
        pin("b", PinReason::Input(execution(1))),
        Pin { until, made: None, ..pin("c", PinReason::Result(execution(2))) },
    ];
    let first = api.get(&format!("{PINS}?limit=2")).await.value();
    let items = first["Items"].as_array().unwrap();
    assert_eq!(
        items[0],
        json!({
            "CID": sample::cid("a").to_string(), "Reason": "user", "Made": "2026-08-19T10:00:00Z",
        })
    );
    assert_eq!(items[1]["Reason"], "input");
    assert_eq!(items[1]["ExecutionID"], execution(1).to_string());
    let token = first["NextToken"].as_str().unwrap();
    let second = api.get(&format!("{PINS}?next_token={token}")).await.value();
    assert_eq!(second["NextToken"], "");
    assert_eq!(
        second["Items"],
        json!([{
            "CID": sample::cid("c").to_string(), "Reason": "result",
            "ExecutionID": execution(2).to_string(), "Until": "2026-08-19T10:00:01Z",
        }])
    );
    assert_eq!(api.get(&format!("{PINS}?limit=x")).await.error().0, 400);
}

#[tokio::test]
async fn a_tree_is_pinned_and_unpinned() {
    let api = Api::empty();
    let cid = sample::cid("mine").to_string();
    let body = json!({"CID": cid, "RetentionMs": 60_000}).to_string();
    let pinned = api.json("POST", PINS, &body).await.value();
    assert_eq!(pinned["Pin"]["Until"], "2026-08-19T10:01:00Z");
    assert_eq!(pinned["FetchedBytes"], 5);
    let unpinned = api.json("DELETE", &format!("{PINS}/{cid}"), "").await.value();
    assert_eq!(unpinned, json!({"CID": cid, "Left": []}));
    let (status, _, message) = api.json("DELETE", &format!("{PINS}/{cid}"), "").await.error();
    assert_eq!((status, message), (404, format!("{cid} is not pinned")));
}

#[tokio::test]
async fn what_a_job_needs_is_not_unpinned() {
    let api = Api::empty();
    api.fake.inner().pins = vec![
        pin("in", PinReason::Input(execution(1))),
        pin("out", PinReason::Result(execution(1))),
    ];
    for (text, word) in [("in", "an input of"), ("out", "the result of")] {
        let uri = format!("{PINS}/{}", sample::cid(text));
        let (status, _, message) = api.json("DELETE", &uri, "").await.error();
        assert_eq!(status, 409);
        assert!(message.contains(word) && message.contains(&execution(1).to_string()), "{message}");
    }
    assert_eq!(api.fake.inner().pins.len(), 2);
}

#[tokio::test]
async fn what_is_no_cid_is_refused() {
    let api = Api::empty();
    for body in ["{}", r#"{"CID": "../x"}"#, r#"{"CID": 7}"#, "[]", ""] {
        assert_eq!(api.json("POST", PINS, body).await.error().0, 400, "{body}");
    }
    assert_eq!(api.json("DELETE", &format!("{PINS}/nonsense"), "").await.error().0, 400);
}

#[tokio::test]
async fn figures_collections_and_checks() {
    let api = Api::empty();
    let stat = api.get("/api/v1/store/stat").await.value();
    assert_eq!((&stat["Blocks"], &stat["PinnedBytes"]), (&json!(12), &json!(5_000_000)));
    let done = api.json("POST", "/api/v1/store/gc", "").await.value();
    assert_eq!((&done["Blocks"], &done["Packs"]), (&json!(3), &json!(1)));
    let found = api.json("POST", "/api/v1/store/verify", "").await.value();
    assert_eq!((&found["Bad"], &found["Repaired"]), (&json!(1), &json!(0)));
    assert_eq!(found["Named"][0]["Pack"], "0000000a.log");
    let found = api.json("POST", "/api/v1/store/verify?repair=true", "").await.value();
    assert_eq!(found["Repaired"], 1);
    assert_eq!(api.json("POST", "/api/v1/store/verify?repair=x", "").await.error().0, 400);
    assert_eq!(api.get("/api/v1/store/gc").await.error().0, 405);
}
