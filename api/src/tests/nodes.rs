//! Nodes.

use serde_json::Value;

use super::Api;
use crate::fake::sample::{node, node_entry};

const NODES: &str = "/api/v1/orchestrator/nodes";

fn three() -> Api {
    let api = Api::empty();
    api.fake.inner().nodes = vec![node_entry(1, true), node_entry(2, true), node_entry(3, false)];
    api
}

fn names(value: &Value) -> Vec<&str> {
    let nodes = value["Nodes"].as_array().unwrap();
    nodes.iter().map(|n| n["Info"]["Gadus"]["Name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn nodes_are_sorted_filtered_and_cut() {
    let api = three();
    let by_cpu = api.get(&format!("{NODES}?order_by=available_cpu")).await.value();
    assert_eq!(names(&by_cpu), ["node-3", "node-2", "node-1"]);
    let value = api.get(&format!("{NODES}?order_by=available_cpu&reverse=true&limit=1")).await;
    assert_eq!(names(&value.value()), ["node-1"]);
    let value = api.get(&format!("{NODES}?filter-status=disconnected")).await.value();
    assert_eq!(names(&value), ["node-3"]);
    // What the Python client sends has another name, and is ignored.
    let value = api.get(&format!("{NODES}?filter_approval=REJECTED&limit=&order_by=")).await;
    assert_eq!(names(&value.value()).len(), 3);
    let value = api.get(&format!("{NODES}?filter-approval=REJECTED")).await.value();
    assert!(names(&value).is_empty());
    let value = api.get(&format!("{NODES}?labels=os_type%3Dplan9")).await.value();
    assert!(names(&value).is_empty());
    assert_eq!(api.get(&format!("{NODES}?order_by=colour")).await.error().0, 400);
}

#[tokio::test]
async fn a_node_is_found_by_id_prefix_or_name() {
    let api = three();
    let id = node(2).to_string();
    for reference in [id.as_str(), &id[..8], "node-2"] {
        let value = api.get(&format!("{NODES}/{reference}")).await.value();
        assert_eq!(value["Node"]["Info"]["NodeID"], id.as_str());
    }
    let reply = api.get(&format!("{NODES}/n-")).await;
    assert_eq!(reply.error().0, 409);
    let (status, _, message) = api.get(&format!("{NODES}/n-nobody")).await.error();
    assert_eq!((status, message.as_str()), (404, "node not found: n-nobody"));
}
