use serde_json::json;

use super::*;
use crate::fake_node::{FakeNode, Script};

/// What becomes of a document, and what is said.
async fn chosen(plan: Option<Value>, mut document: Value) -> (Value, String) {
    let node = FakeNode::start(Script { plan, ..Script::default() }).await;
    let (session, captured) = node.session();
    choose(&session, &mut document, true).await;
    (document["Verification"].clone(), captured.err())
}

fn function() -> Value {
    json!({"Type": "batch", "Count": 1, "Tasks": [{"Engine": {"Type": "wasm"}}]})
}

#[tokio::test]
async fn two_nodes_check_a_result_where_two_could_sit_together() {
    let plan = json!({"Feasible": 2, "Seatable": true});
    let (level, said) = chosen(Some(plan), function()).await;
    assert_eq!(level, "quorum=2/2");
    insta::assert_snapshot!(said, @"result is checked by two nodes; output is shown when they agree (--verify attest streams it)");
}

#[tokio::test]
async fn else_it_is_one_nodes_word_and_that_is_said_with_the_reason() {
    let plans = [
        Some(json!({"Feasible": 0, "Seatable": false})),
        Some(json!({"Feasible": 1, "Seatable": false})),
        Some(json!({"Feasible": 3, "Seatable": false})),
        // A node of before.
        Some(json!({"Feasible": 3})),
        None,
    ];
    let mut all = String::new();
    for plan in plans {
        let (level, said) = chosen(plan, function()).await;
        assert_eq!(level, Value::Null);
        all += &said;
    }
    insta::assert_snapshot!(all, @"
    result is one node's word: no node fits now
    result is one node's word: only 1 node fits
    result is one node's word: the 3 nodes that fit are one operator's, or in one network
    result is one node's word: this node does not say whether others could check it
    result is one node's word: this node does not say whether others could check it
    ");
}

#[tokio::test]
async fn what_was_asked_for_stays_and_what_cannot_be_checked_is_not_asked_about() {
    let plan = || Some(json!({"Feasible": 2, "Seatable": true}));
    let with = |key: &str, value: Value| {
        let mut document = function();
        document[key] = value;
        document
    };
    let (level, said) = chosen(plan(), with("Verification", "attest".into())).await;
    assert_eq!((level, said.as_str()), ("attest".into(), ""));
    let (level, said) = chosen(plan(), with("Type", "ops".into())).await;
    assert_eq!((level, said.as_str()), (Value::Null, ""));
    let tasks = json!([{"Engine": {"Type": "wasm"}, "Network": {"Type": "host"}}]);
    let (level, said) = chosen(plan(), with("Tasks", tasks)).await;
    assert_eq!((level, said.as_str()), (Value::Null, ""));
}
