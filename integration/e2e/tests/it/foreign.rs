//! What one network verified, another need not do again: as far as it trusts those who did.

use std::fs;
use std::path::Path;

use gadus_e2e::cli::{command_alone, run};
use gadus_e2e::{HELLO, Network};
use serde_json::Value;

const REFUSED: i32 = 123;
const FAILED: i32 = 121;

/// A network that takes these nodes' word, with nobody in it who could run anything.
fn trusting(keys: &[String], dir: &Path) -> Network {
    let config = dir.join("gadus.toml");
    fs::write(&config, format!("[requester.verify]\ntrusted = {keys:?}\n")).unwrap();
    Network::start_with(0, |node| node.arg("--config").arg(config.display().to_string()))
}

fn submit(network: &Network, module: &str, level: &str) -> Value {
    let flags = ["wasm", "run", "--verify", level, "--output", "json", module];
    network.gadus(&flags).json()
}

/// Nobody is there to run it, and nobody's answer will do.
fn is_not_known(network: &Network, module: &str, level: &str) {
    let output = network.gadus(&["wasm", "run", "--verify", level, module]);
    assert_eq!(output.code, FAILED, "{output:?}");
    assert!(output.stderr.contains("not enough nodes"), "{output:?}");
}

/// The keys of those who voted on a job.
fn voters(network: &Network, job: &Value) -> Vec<String> {
    let trust = network.gadus(&["node", "trust", "--output", "json"]).json();
    let key = |vote: &Value| {
        let mut nodes = trust.as_array().unwrap().iter();
        let node = nodes.find(|node| node["NodeID"] == vote["NodeID"]).unwrap();
        node["Key"].as_str().unwrap().to_owned()
    };
    job["Job"]["Verdicts"][0]["Votes"].as_array().unwrap().iter().map(key).collect()
}

#[test]
fn what_trusted_nodes_found_elsewhere_is_not_run_again() {
    let dir = tempfile::tempdir().unwrap();
    let (module, car) = (dir.path().join("hello.wat"), dir.path().join("job.car"));
    let (module, file) = (module.to_str().unwrap(), car.to_str().unwrap());
    fs::write(module, HELLO).unwrap();
    let theirs = Network::start(3);
    let first = submit(&theirs, module, "quorum=2/2");
    let id = first["Job"]["ID"].as_str().unwrap().to_owned();
    theirs.gadus(&["receipt", "get", &id, "-o", file]).ok();
    let keys = voters(&theirs, &first);
    drop(theirs);

    // Who trusts one of them has one node's word, and nothing of it is counted.
    let wary = trusting(&keys[..1], dir.path());
    let refused = wary.gadus(&["verdict", "import", file]);
    assert_eq!(refused.code, REFUSED, "{refused:?}");
    assert!(refused.stderr.contains(&keys[1]) && refused.stderr.contains("trusted"), "{refused:?}");
    assert_eq!(wary.gadus(&["verdict", "list", "--output", "json"]).json(), Value::Array(vec![]));
    drop(wary);

    let mut ours = trusting(&keys, dir.path());
    is_not_known(&ours, module, "quorum=2/2");
    let counted = ours.gadus(&["verdict", "import", file, "--output", "json"]).json();
    assert_eq!(counted["Items"][0]["Worth"], "quorum=2/2", "{counted}");
    let bundle = counted["BundleCID"].as_str().unwrap().to_owned();
    let again = submit(&ours, module, "quorum=2/2");
    assert_eq!(again["Job"]["Verdicts"][0]["ReplayedFrom"], id.as_str(), "{again}");
    let shown = ours.gadus(&["wasm", "run", "--verify", "quorum=2/2", module]);
    assert_eq!((shown.code, shown.stdout.as_str()), (0, "Hello, world!\n"), "{shown:?}");
    is_not_known(&ours, module, "quorum=3/3");

    // What it has can be handed on, and checked by anybody as if it came from there.
    let passed_on = dir.path().join("again.car");
    let mine = again["Job"]["ID"].as_str().unwrap();
    ours.gadus(&["receipt", "get", mine, "-o", passed_on.to_str().unwrap()]).ok();
    let trust = ["--trust", &keys[0], "--trust", &keys[1]];
    let home = tempfile::tempdir().unwrap();
    let checked = run(command_alone(home.path()).arg("verify").args(trust).arg(&passed_on));
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(checked.stdout.contains(&id), "{checked:?}");

    // It is known after a restart, and not any more once it is forgotten.
    ours.requester.kill();
    ours.requester.start();
    let kept = submit(&ours, module, "quorum=2/2");
    assert_eq!(kept["Job"]["Verdicts"][0]["ReplayedFrom"], id.as_str(), "{kept}");
    let listed = ours.gadus(&["verdict", "list", "--quiet"]);
    assert_eq!(listed.stdout.trim(), bundle);
    ours.gadus(&["verdict", "forget", &bundle]).ok();
    is_not_known(&ours, module, "quorum=2/2");
    // Whoever remembers it only had it from others: nothing of it was kept as its own.
    assert_eq!(ours.gadus(&["verdict", "forget", &bundle]).code, REFUSED);
    // By its CID it is counted again, from what is here still.
    ours.gadus(&["verdict", "import", &bundle]).ok();
    let back = submit(&ours, module, "quorum=2/2");
    assert_eq!(back["Job"]["Verdicts"][0]["ReplayedFrom"], id.as_str(), "{back}");
}

#[test]
fn what_was_made_up_or_only_attested_is_not_counted() {
    let network = Network::start(1);
    let dir = tempfile::tempdir().unwrap();
    let (module, car) = (dir.path().join("hello.wat"), dir.path().join("job.car"));
    let (module, file) = (module.to_str().unwrap(), car.to_str().unwrap());
    fs::write(module, HELLO).unwrap();
    let job = submit(&network, module, "attest");
    network.gadus(&["receipt", "get", job["Job"]["ID"].as_str().unwrap(), "-o", file]).ok();
    let attested = network.gadus(&["verdict", "import", file]);
    assert_eq!(attested.code, REFUSED, "{attested:?}");
    assert!(attested.stderr.contains("checked by several nodes"), "{attested:?}");
    let other = network.gadus(&["add", "--quiet", module]).ok().trim().to_owned();
    let none = network.gadus(&["verdict", "import", &other]);
    assert_eq!(none.code, REFUSED, "{none:?}");
    assert!(none.stderr.contains("the bundle"), "{none:?}");
}
