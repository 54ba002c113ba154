//! What a node keeps, through its command line: pins, collections, checks.

use std::fs;

use gadus_e2e::{HELLO, Network, Process};

fn reasons(node: &Process, cid: &str) -> Vec<String> {
    let pins = node.json(&["store", "pins"]);
    let of_it = pins.as_array().unwrap().iter().filter(|pin| pin["CID"] == cid);
    of_it.map(|pin| pin["Reason"].as_str().unwrap().to_owned()).collect()
}

/// Bytes of which no part is like another.
fn numbers(kind: u32, bytes: u32) -> Vec<u8> {
    (0..bytes / 8).flat_map(|nth| [nth.to_le_bytes(), kind.to_le_bytes()].concat()).collect()
}

#[test]
fn what_is_unpinned_and_collected_is_gone_and_what_is_pinned_is_not() {
    let network = Network::start(1);
    let node = &network.requester;
    let dir = tempfile::tempdir().unwrap();
    let add = |name: &str, bytes: Vec<u8>| {
        fs::write(dir.path().join(name), bytes).unwrap();
        node.gadus(&["add", dir.path().join(name).to_str().unwrap()]).ok().trim().to_owned()
    };
    let kept = add("kept", numbers(1, 6 << 20));
    let dropped = add("dropped", numbers(2, 9 << 20));
    assert_eq!(reasons(node, &dropped), ["user"]);
    let before = node.json(&["store", "stat"]);
    assert!(before["PinnedBytes"].as_u64().unwrap() >= 15 << 20, "{before}");
    node.gadus(&["store", "unpin", &dropped]).ok();
    let again = node.gadus(&["store", "unpin", &dropped]);
    assert_eq!(again.code, 123);
    assert!(again.stderr.contains("is not pinned"), "{}", again.stderr);
    let done = node.json(&["store", "gc"]);
    assert!(done["Bytes"].as_u64().unwrap() >= 9 << 20, "{done}");
    assert!(done["DiskBytes"].as_u64().unwrap() >= 8 << 20, "{done}");
    assert_ne!(node.gadus(&["cat", &dropped]).code, 0);
    assert_eq!(node.gadus(&["cat", &kept]).code, 0);
    assert_eq!(node.json(&["store", "verify"])["Bad"], 0);
    // Of another node it is fetched.
    let other = &network.computes[0];
    let pinned = other.json(&["store", "pin", &kept, "--for", "1h"]);
    assert!(pinned["FetchedBytes"].as_u64().unwrap() >= 6 << 20, "{pinned}");
    assert!(pinned["Pin"]["Until"].is_string(), "{pinned}");
    assert_eq!(other.gadus(&["cat", &kept]).code, 0);
}

#[test]
fn a_result_is_kept_for_its_time_and_is_not_anybodys_to_unpin() {
    let network = Network::start(1);
    let node = &network.requester;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello.wat");
    fs::write(&path, HELLO).unwrap();
    node.gadus(&["wasm", "run", path.to_str().unwrap()]).ok();
    let pins = node.json(&["store", "pins"]);
    let result = pins.as_array().unwrap().iter().find(|pin| pin["Reason"] == "result").unwrap();
    assert!(result["Until"].is_string() && result["ExecutionID"].is_string(), "{result}");
    let cid = result["CID"].as_str().unwrap();
    let refused = node.gadus(&["store", "unpin", cid]);
    assert_eq!(refused.code, 123);
    assert!(refused.stderr.contains("the result of execution"), "{}", refused.stderr);
    node.json(&["store", "gc"]);
    node.gadus(&["cat", &format!("{cid}/stdout")]).ok();
}
