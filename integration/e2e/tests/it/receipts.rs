//! Receipts that are checked elsewhere, with no network and no node.

use std::fs;
use std::path::{Path, PathBuf};

use gadus_e2e::cli::{command_alone, run};
use gadus_e2e::{HELLO, Network, Output};

const UNVERIFIED: i32 = 1;
const FORGED: i32 = 2;

/// The receipts of a job that ran, as a file.
fn exported(network: &Network, dir: &Path) -> (String, PathBuf) {
    let (module, input) = (dir.join("hello.wat"), dir.join("input.txt"));
    fs::write(&module, HELLO).unwrap();
    fs::write(&input, "an input").unwrap();
    let input = format!("{}:/in/input.txt", input.display());
    let args = ["wasm", "run", "--output", "json", "-i", &input, module.to_str().unwrap()];
    let job = network.gadus(&args).json()["Job"]["ID"].as_str().unwrap().to_owned();
    let car = dir.join("job.car");
    network.gadus(&["receipt", "get", &job, "-o", car.to_str().unwrap()]).ok();
    (job, car)
}

/// Checks a file with nothing but the program: no node, no data directory, and, for root, a
/// network namespace without a single interface that is up.
fn verify(car: &Path, flags: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = command_alone(home.path());
    run(command.arg("verify").args(flags).arg(car))
}

#[test]
fn receipts_are_checked_without_a_network_and_no_byte_can_be_changed() {
    let network = Network::start(1);
    let dir = tempfile::tempdir().unwrap();
    let (job, car) = exported(&network, dir.path());
    let listed = network.gadus(&["receipt", "list", &job, "--output", "json"]).json();
    let item = &listed["Items"][0];
    drop(network);

    let told = verify(&car, &["--output", "json"]);
    assert_eq!(told.code, UNVERIFIED, "{told:?}");
    assert!(told.stderr.contains("one node's word"), "{told:?}");
    let checked: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(checked["JobID"], job.as_str());
    let answer = &checked["Answers"][0];
    for name in ["TaskCID", "ManifestCID", "ResultCID", "Issuer", "Engine"] {
        assert_eq!(answer[name], item[name], "{name}");
    }
    assert_eq!((&answer["Level"], &answer["Outcome"]), (&"attested".into(), &"exit 0".into()));
    assert_eq!(answer["IsTrusted"], false);
    let key = item["Issuer"].as_str().unwrap();
    let trusting = verify(&car, &["--trust", key]);
    assert_eq!(trusting.code, UNVERIFIED, "its own word is no check, whoever it is");
    assert!(trusting.stdout.contains("(a key that you trust)"), "{trusting:?}");

    let whole = fs::read(&car).unwrap();
    let changed = dir.path().join("changed.car");
    // Some of all bytes; which ones differs with the length.
    for at in (0..whole.len()).step_by(31) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x01;
        fs::write(&changed, bytes).unwrap();
        let told = verify(&changed, &[]);
        assert_eq!(told.code, FORGED, "byte {at}: {told:?}");
        assert!(told.stderr.contains("does not hold"), "byte {at}: {told:?}");
    }
    for length in (0..whole.len()).step_by(199) {
        fs::write(&changed, &whole[..length]).unwrap();
        assert_eq!(verify(&changed, &[]).code, FORGED, "cut to {length}");
    }
    assert_eq!(verify(&dir.path().join("none.car"), &[]).code, 120);
}
