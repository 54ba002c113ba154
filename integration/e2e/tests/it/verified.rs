//! Results that several nodes came to: from the command line to a file that a stranger checks.

use std::fs;
use std::path::{Path, PathBuf};

use gadus_e2e::cli::{command_alone, run};
use gadus_e2e::{HELLO, Network, Output};
use serde_json::Value;

const UNVERIFIED: i32 = 1;
const FORGED: i32 = 2;

fn hello(dir: &Path) -> String {
    let module = dir.join("hello.wat");
    fs::write(&module, HELLO).unwrap();
    module.to_str().unwrap().to_owned()
}

/// The receipts of a job that two of three nodes were asked for, and the job.
fn exported(network: &Network, dir: &Path) -> (Value, PathBuf) {
    let module = hello(dir);
    let args = ["wasm", "run", "--verify", "quorum=2/2", "--output", "json", &module];
    let job = network.gadus(&args).json();
    let id = job["Job"]["ID"].as_str().unwrap().to_owned();
    let car = dir.join("job.car");
    network.gadus(&["receipt", "get", &id, "-o", car.to_str().unwrap()]).ok();
    (network.gadus(&["job", "describe", &id, "--output", "json"]).json(), car)
}

fn verify(car: &Path, trusted: &[&str]) -> Output {
    let flags: Vec<&str> = trusted.iter().flat_map(|key| ["--trust", key]).collect();
    verify_with(car, &flags)
}

/// With nothing but the program: no node, no data directory, and, for root, no network.
fn verify_with(car: &Path, flags: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = command_alone(home.path());
    run(command.args(["verify", "--output", "json"]).args(flags).arg(car))
}

#[test]
fn a_result_that_two_nodes_came_to_is_checked_by_whom_one_trusts() {
    let network = Network::start(3);
    let dir = tempfile::tempdir().unwrap();
    let (job, car) = exported(&network, dir.path());
    drop(network);
    let verdict = &job["Job"]["Verdicts"][0];
    assert_eq!(
        (&verdict["Decision"], &verdict["Level"]),
        (&"verified".into(), &"quorum=2/2".into())
    );
    let votes = verdict["Votes"].as_array().unwrap();
    assert_eq!(votes.len(), 2);
    assert!(votes.iter().all(|vote| vote["Stand"] == "agrees"), "{votes:?}");

    let told = verify(&car, &[]);
    assert_eq!(told.code, UNVERIFIED, "{told:?}");
    let checked: Value = serde_json::from_str(&told.stdout).unwrap();
    let answer = &checked["Answers"][0];
    assert_eq!(answer["Level"], "unverified");
    let proof = &answer["Verdict"];
    let key = |n: usize| proof["Votes"][n]["Issuer"].as_str().unwrap().to_owned();
    let (one, other) = (key(0), key(1));
    assert_ne!(one, other);
    assert_eq!(verify(&car, &[&one]).code, UNVERIFIED, "half of it is not enough");
    let both = verify(&car, &[&one, &other]);
    assert_eq!(both.code, 0, "{both:?}");
    assert!(both.stderr.contains("verified"), "{both:?}");
    let requester = proof["Requester"].as_str().unwrap();
    assert_eq!(verify(&car, &[requester]).code, 0, "its own word for the whole");

    let replayed = verify_with(&car, &["--replay"]);
    assert_eq!(replayed.code, 0, "this machine comes to the same: {replayed:?}");
    assert!(replayed.stdout.contains("\"IsReplayed\": true"), "{replayed:?}");

    let whole = fs::read(&car).unwrap();
    let changed = dir.path().join("changed.car");
    for at in (0..whole.len()).step_by(61) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x04;
        fs::write(&changed, bytes).unwrap();
        let told = verify(&changed, &[&one, &other]);
        assert_eq!(told.code, FORGED, "byte {at}: {told:?}");
    }
}

#[test]
fn what_cannot_be_checked_is_refused_and_never_called_verified() {
    let network = Network::start(1);
    let dir = tempfile::tempdir().unwrap();
    let module = hello(dir.path());
    let container = network.gadus(&["docker", "run", "--verify", "quorum=2/2", "busybox", "true"]);
    assert!(container.code != 0 && container.stderr.contains("Wasm"), "{container:?}");
    let lone = network.gadus(&["wasm", "run", "--verify", "quorum=1/1", &module]);
    assert!(lone.stderr.contains("two at least"), "{lone:?}");
    let alone = network.gadus(&["wasm", "run", "--verify", "quorum=2/2", &module]);
    assert!(alone.code != 0 && !alone.stderr.contains("verified:"), "{alone:?}");
    let attested = network.gadus(&["wasm", "run", "--verify", "attest", &module]);
    assert_eq!(attested.code, 0, "{attested:?}");
    assert!(!attested.stderr.contains("verified"), "{attested:?}");
}
