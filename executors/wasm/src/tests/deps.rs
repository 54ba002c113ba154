//! What the crate stands on: no WASI but its own, and nothing that opens the host's files for a
//! guest.

use std::collections::{BTreeMap, BTreeSet};

const FORBIDDEN: [&str; 8] = [
    "cap-fs-ext",
    "cap-primitives",
    "cap-std",
    "cap-time-ext",
    "wasi-common",
    "wasmtime-wasi",
    "wasmtime-wasi-io",
    "wiggle",
];

/// Each package of the lock file, with what it depends on. Of several versions of one package, all
/// count as one.
fn packages(lock: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut packages: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let mut lines = package.lines();
        let name = lines.find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        let dependencies = lines.filter_map(|line| {
            let text = line.strip_prefix(" \"")?.strip_suffix("\",")?;
            text.split(' ').next()
        });
        packages.entry(name.unwrap()).or_default().extend(dependencies);
    }
    packages
}

#[test]
fn no_other_wasi_is_linked() {
    let packages = packages(include_str!("../../../../Cargo.lock"));
    let (mut all, mut look) = (BTreeSet::new(), vec!["gadus-wasm"]);
    while let Some(package) = look.pop() {
        if all.insert(package) {
            look.extend(&packages[package]);
        }
    }
    assert!(all.contains("wasmtime") && all.contains("rand_chacha"), "{all:?}");
    let found: Vec<_> = FORBIDDEN.iter().filter(|name| all.contains(*name)).collect();
    assert!(found.is_empty(), "{found:?}");
    let manifest = include_str!("../../Cargo.toml");
    assert!(FORBIDDEN.iter().all(|name| !manifest.contains(name)), "{manifest}");
}
