//! Work that was verified is not done again.

use std::fs;
use std::path::Path;
use std::time::Duration;

use gadus_e2e::cli::{binary, command_alone, run};
use gadus_e2e::{HELLO, Network};
use serde_json::Value;

/// Turns for a while, then ends.
const SPINNER: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32)
    (loop $again
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const 200000000))))))"#;

fn written(network: &Network, text: &str) -> String {
    let path = network.dir.path().join("module.wat");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// The job as it is in the end, executions included.
fn done(network: &Network, module: &str, flags: &[&str]) -> Value {
    let args = [&["wasm", "run", "--output", "json"], flags, &[module]].concat();
    network.gadus(&args).json()
}

fn id(job: &Value) -> String {
    job["Job"]["ID"].as_str().unwrap().to_owned()
}

/// The job that it is known from; empty where it ran itself.
fn known_from(job: &Value) -> String {
    let verdict = &job["Job"]["Verdicts"][0];
    let from = verdict["ReplayedFrom"].as_str().unwrap_or_default().to_owned();
    assert_eq!(job["Job"]["Replayed"] == true, !from.is_empty(), "{job}");
    from
}

fn result(job: &Value) -> &Value {
    let items = job["Executions"]["Items"].as_array().unwrap();
    let published = items.iter().find(|e| e["Gadus"]["State"] == "published").unwrap();
    &published["PublishedResult"]["Params"]["CID"]
}

fn verify(car: &Path, flags: &[&str]) -> i32 {
    let home = tempfile::tempdir().unwrap();
    run(command_alone(home.path()).arg("verify").args(flags).arg(car)).code
}

#[test]
fn the_same_task_again_is_answered_by_its_verdict_and_what_is_new_of_it_runs() {
    let mut network = Network::start(3);
    let module = written(&network, HELLO);
    let two = ["--verify", "quorum=2/2"];
    let first = done(&network, &module, &two);
    assert_eq!(known_from(&first), "");
    let place = network.dir.path().join("got");
    let place = place.to_str().unwrap();
    network.gadus(&["job", "get", &id(&first), "-o", place]).ok();
    assert_eq!(fs::read_to_string(format!("{place}/stdout")).unwrap(), "Hello, world!\n");
    let again = done(&network, &module, &two);
    assert_eq!(known_from(&again), id(&first));
    assert_eq!(again["Job"]["State"]["StateType"], "Completed");
    assert_eq!(again["Executions"]["Items"].as_array().unwrap().len(), 1, "nobody ran it");
    assert_eq!(result(&again), result(&first));

    // It is as good as the first one: its output, its result, its receipts.
    let shown = network.gadus(&["wasm", "run", "--verify", "quorum=2/2", &module]);
    assert_eq!((shown.code, shown.stdout.as_str()), (0, "Hello, world!\n"), "{shown:?}");
    assert!(shown.stderr.contains("replayed: known from"), "{shown:?}");
    assert_eq!(network.gadus(&["job", "logs", &id(&again)]).stdout, "Hello, world!\n");
    let car = network.dir.path().join("job.car");
    network.gadus(&["receipt", "get", &id(&again), "-o", car.to_str().unwrap()]).ok();
    let key = network.gadus(&["node", "trust", "--output", "json"]).json();
    let voted = first["Job"]["Verdicts"][0]["Votes"].as_array().unwrap().clone();
    let of = |vote: &Value| {
        let mut nodes = key.as_array().unwrap().iter();
        nodes.find(|node| node["NodeID"] == vote["NodeID"]).unwrap()["Key"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let keys: Vec<String> = voted.iter().map(of).collect();
    assert_eq!(verify(&car, &["--trust", &keys[0]]), 1, "half of it is not enough");
    assert_eq!(verify(&car, &["--trust", &keys[0], "--trust", &keys[1]]), 0);
    assert_eq!(verify(&car, &["--replay"]), 0);
    let told = run(std::process::Command::new(binary()).arg("verify").arg(&car));
    assert!(told.stdout.contains(&id(&first)), "whose it was: {told:?}");

    // Whoever wants it run has it run.
    assert_eq!(known_from(&done(&network, &module, &["--fresh", "--verify", "quorum=2/2"])), "");
    let nonce = ["--nonce", "another", "--verify", "quorum=2/2"];
    let other = done(&network, &module, &nonce);
    assert_eq!(known_from(&other), "", "with a nonce it is another task");
    assert_eq!(known_from(&done(&network, &module, &nonce)), id(&other), "which is known now");
    // What two said is not enough for who asks for three, and the other way round it is.
    let three = done(&network, &module, &["--verify", "quorum=3/3"]);
    assert_eq!(known_from(&three), "");
    assert_eq!(known_from(&done(&network, &module, &two)), id(&three), "the harder check");
    assert_eq!(known_from(&done(&network, &module, &["--verify", "spot=5%"])), id(&three));

    // It is known after a restart, too.
    network.requester.kill();
    network.requester.start();
    network.until_known(3);
    assert_eq!(known_from(&done(&network, &module, &two)), id(&three));
}

#[test]
fn a_result_that_is_lost_is_computed_again() {
    let network = Network::start(2);
    let module = written(&network, HELLO);
    let flags = ["--verify", "quorum=2/2", "--retention", "1s"];
    let first = done(&network, &module, &flags);
    let cid = result(&first).as_str().unwrap().to_owned();
    network.until(Duration::from_secs(60), "the result to be forgotten", || {
        for node in network.computes.iter().chain([&network.requester]) {
            node.gadus(&["store", "gc"]).ok();
        }
        let has = |pin: &Value| pin["CID"] == cid.as_str();
        let pins = network.requester.json(&["store", "pins"]);
        !pins.as_array().unwrap().iter().any(has) && network.gadus(&["ls", &cid]).code != 0
    });
    let again = done(&network, &module, &flags);
    assert_eq!(known_from(&again), "", "it ran");
    assert_eq!(result(&again).as_str(), Some(cid.as_str()));
    assert_eq!(known_from(&done(&network, &module, &flags)), id(&again));
}

#[test]
fn equal_tasks_at_once_run_once() {
    let network = Network::start(2);
    let module = written(&network, SPINNER);
    let submit = ["wasm", "run", "--id-only", "--verify", "quorum=2/2", &module];
    let ids: Vec<String> = (0..4).map(|_| network.gadus(&submit).ok().trim().to_owned()).collect();
    let job = |id: &String| {
        let mut job = Value::Null;
        network.until(Duration::from_secs(120), "the job to end", || {
            job = network.gadus(&["job", "describe", id, "--output", "json"]).json();
            job["Job"]["State"]["StateType"] == "Completed"
        });
        job
    };
    let from: Vec<String> = ids.iter().map(|id| known_from(&job(id))).collect();
    let first = ids[0].as_str();
    assert_eq!(from, ["", first, first, first]);
}
