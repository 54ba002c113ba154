//! Who holds a result, for how long, and that it is there when others are gone.

use std::fs;
use std::path::Path;
use std::time::Duration;

use gadus_e2e::{HELLO, Network, Process};
use serde_json::Value;

fn module(dir: &Path) -> String {
    let path = dir.join("hello.wat");
    fs::write(&path, HELLO).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The only execution of a job that is done, and the CID of its result.
fn published(node: &Process, job: &str) -> (Value, String) {
    let mut executions = node.json(&["job", "executions", job]);
    let execution = executions.as_array_mut().unwrap().pop().unwrap();
    let cid = execution["PublishedResult"]["Params"]["CID"].as_str().unwrap().to_owned();
    (execution, cid)
}

fn run(node: &Process, module: &str, flags: &[&str]) -> String {
    let args =
        [&["wasm", "run", "--verify", "attest", "--output", "json"], flags, &[module]].concat();
    node.gadus(&args).json()["Job"]["ID"].as_str().unwrap().to_owned()
}

fn has_result_pin(node: &Process, cid: &str) -> bool {
    let pins = node.json(&["store", "pins"]);
    pins.as_array().unwrap().iter().any(|pin| pin["CID"] == cid && pin["Reason"] == "result")
}

#[test]
fn a_result_is_with_as_many_nodes_as_were_asked_for_and_outlives_its_producer() {
    let mut network = Network::start(3);
    let dir = tempfile::tempdir().unwrap();
    let module = module(dir.path());
    let job = run(&network.requester, &module, &["--durability", "replicas=3"]);
    let (execution, cid) = published(&network.requester, &job);
    let holders = execution["Gadus"]["Holders"].as_array().unwrap().clone();
    assert_eq!(holders.len(), 3, "{execution}");
    assert!(execution["Gadus"]["KeptUntilUs"].is_u64(), "{execution}");
    let all = std::iter::once(&network.requester).chain(&network.computes);
    let holding: Vec<&Process> = all.filter(|node| has_result_pin(node, &cid)).collect();
    assert_eq!(holding.len(), 3, "each that is named has it pinned");
    let told = network.requester.gadus(&["job", "describe", &job]).ok();
    assert!(told.contains("Held by") && told.contains("Kept  "), "{told}");
    for compute in &mut network.computes {
        compute.kill();
    }
    let out = network.requester.gadus(&["cat", &format!("{cid}/stdout")]).ok();
    assert_eq!(out, "Hello, world!\n");
}

#[test]
fn a_result_of_which_nobody_promised_more_goes_with_its_producer() {
    let network = Network::start(1);
    let dir = tempfile::tempdir().unwrap();
    let big = r#"(module
      (import "wasi_snapshot_preview1" "fd_write"
        (func $fd_write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 3)
      (func (export "_start")
        (i32.store (i32.const 0) (i32.const 16))
        (i32.store (i32.const 4) (i32.const 131072))
        (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;
    let path = dir.path().join("big.wat");
    fs::write(&path, big).unwrap();
    let flags = ["--durability", "producer", "--retention", "2h"];
    let job = run(&network.requester, path.to_str().unwrap(), &flags);
    let (execution, cid) = published(&network.requester, &job);
    assert_eq!(execution["Gadus"]["Holders"].as_array().unwrap().len(), 1, "{execution}");
    assert_eq!(execution["Gadus"]["Holders"][0], execution["NodeID"]);
    assert!(has_result_pin(&network.computes[0], &cid));
    assert!(!has_result_pin(&network.requester, &cid));
    // While it is there anybody can have it.
    network.requester.gadus(&["cat", &format!("{cid}/stdout")]).ok();
}

#[test]
fn a_result_is_let_go_when_its_time_is_over_and_its_job_says_so() {
    let network = Network::start(1);
    let dir = tempfile::tempdir().unwrap();
    let module = module(dir.path());
    let node = &network.requester;
    let job = run(node, &module, &["--retention", "1s"]);
    let (_, cid) = published(node, &job);
    let over = || !has_result_pin(node, &cid);
    network.until(Duration::from_secs(20), "the result's time is over", over);
    let told = node.gadus(&["job", "describe", &job]).ok();
    assert!(told.contains("which is over: it may be gone"), "{told}");
    network.computes[0].json(&["store", "gc"]);
    node.json(&["store", "gc"]);
    let out = node.gadus(&["job", "get", &job, "-o", dir.path().join("out").to_str().unwrap()]);
    assert_ne!(out.code, 0);
    assert!(out.stderr.contains("was kept until"), "{}", out.stderr);
}

#[test]
fn what_cannot_be_promised_is_refused() {
    let network = Network::start_with(1, |mut node| {
        node.set_env("GADUS_API_LIMITS_RETENTION_MAX_MS", "3600000");
        node
    });
    let dir = tempfile::tempdir().unwrap();
    let module = module(dir.path());
    let refused = |flags: &[&str]| {
        let out = network.gadus(&[&["wasm", "run"], flags, &[&module]].concat());
        assert_ne!(out.code, 0, "{flags:?}");
        out.stderr
    };
    let cases: [(&[&str], &str); 5] = [
        (&["--durability", "replicas=9"], "this network has 2"),
        (&["--durability", "replicas=99"], "the limit replicas_max is 16"),
        (&["--durability", "everybody"], "use keeper, producer or replicas=N"),
        (&["--retention", "2h"], "the limit retention_max_ms"),
        (&["--retention", "forever"], "the limit retention_max_ms"),
    ];
    for (flags, why) in cases {
        let told = refused(flags);
        assert!(told.contains(why), "{flags:?}: {told}");
    }
    network.gadus(&["wasm", "run", "--retention", "1h", &module]).ok();
}
