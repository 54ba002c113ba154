//! The house: who may import whom, how large files may be, and words that say nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// No file has more lines.
const LINES_MAX: usize = 800;
/// Half of the files have no more.
const LINES_MEDIAN_MAX: usize = 180;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Lines of `crate -> what it imports of ours`, dev-dependencies left out.
fn imports() -> String {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&cargo.stdout).unwrap();
    let mut lines = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let ours = dependencies.filter(|d| d["kind"].is_null());
        let mut ours: Vec<&str> = ours.filter_map(|d| d["name"].as_str()).collect();
        ours.retain(|name| name.starts_with("gadus-"));
        ours.sort_unstable();
        let name = package["name"].as_str().unwrap().to_owned();
        lines.insert(name, ours.join(" "));
    }
    lines
        .into_iter()
        .map(|(name, ours)| format!("{name}: {ours}").trim_end().to_owned() + "\n")
        .collect()
}

#[test]
fn nobody_imports_whom_they_may_not() {
    let golden = root().join("integration/e2e/tests/golden/imports.txt");
    let expected = fs::read_to_string(golden).unwrap();
    assert_eq!(imports(), expected, "ARCHITECTURE.md says who may import whom");
}

fn sources() -> Vec<(PathBuf, String)> {
    let listed = Command::new("git").args(["ls-files", "*.rs"]).current_dir(root()).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let read = |path: &str| {
        let path = root().join(path);
        fs::read_to_string(&path).ok().map(|text| (path, text))
    };
    listed.lines().filter_map(read).collect()
}

#[test]
fn files_are_small() {
    let mut lines: Vec<(usize, PathBuf)> =
        sources().into_iter().map(|(path, text)| (text.lines().count(), path)).collect();
    lines.sort();
    let too_long: Vec<_> = lines.iter().filter(|(n, _)| *n > LINES_MAX).collect();
    assert!(too_long.is_empty(), "more than {LINES_MAX} lines: {too_long:#?}");
    let median = lines[lines.len() / 2].0;
    assert!(median <= LINES_MEDIAN_MAX, "half of the files have more than {median} lines");
}

#[test]
fn no_name_says_nothing() {
    let vague = ["utils", "util", "helpers", "helper", "common", "misc", "manager"];
    for (path, _) in sources() {
        let stem = path.file_stem().unwrap().to_string_lossy().to_lowercase();
        assert!(!vague.contains(&stem.as_str()), "{} says nothing", path.display());
    }
}

#[test]
fn every_exception_has_a_reason_and_nothing_is_left_undone() {
    // Split, so that this file does not name them itself.
    let banned = [
        concat!("#[all", "ow("),
        concat!("to", "do!("),
        concat!("#[ign", "ore"),
        concat!("FIX", "ME"),
    ];
    for (path, text) in sources() {
        for word in banned {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}
