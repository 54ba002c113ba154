//! Verdicts of other requesters: counted, listed, forgotten.

use serde_json::json;

use super::Api;
use crate::fake::sample::cid;

const VERDICTS: &str = "/api/v1/orchestrator/verdicts";

#[tokio::test]
async fn bundles_are_counted_listed_in_pages_and_forgotten() {
    let api = Api::empty();
    let [one, other] = ["one", "other"].map(|word| cid(word).to_string());
    for root in [&one, &other] {
        let counted = api.json("POST", VERDICTS, &json!({ "CID": root }).to_string()).await.value();
        assert_eq!(counted["BundleCID"], **root);
    }
    let page = api.get(&format!("{VERDICTS}?limit=1")).await.value();
    let next = page["NextToken"].as_str().unwrap();
    let rest = api.get(&format!("{VERDICTS}?next_token={next}")).await.value();
    let listed = [&page, &rest].map(|page| page["Items"][0]["BundleCID"].clone());
    assert!(listed.contains(&json!(one)) && listed.contains(&json!(other)), "{listed:?}");
    assert_eq!(api.json("DELETE", &format!("{VERDICTS}/{one}"), "").await.value()["CID"], *one);
    assert_eq!(api.json("DELETE", &format!("{VERDICTS}/{one}"), "").await.error().0, 404);
}

#[tokio::test]
async fn what_is_no_cid_is_none() {
    let api = Api::empty();
    for body in [json!({ "CID": "a bundle" }), json!({}), json!({ "CID": 3 })] {
        assert_eq!(api.json("POST", VERDICTS, &body.to_string()).await.error().0, 400, "{body}");
    }
}
