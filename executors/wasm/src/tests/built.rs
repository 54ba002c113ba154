//! Real programs, in C over wasi-libc, built where the tests run.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;

/// A program as a module, and the path of the same as a native one. Where the tools are not there
/// it says so, visibly, and is an error under `CI=true`.
pub(super) fn built(name: &str) -> Option<(Bytes, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // Only what is older than its source is built, so all tests share the directory.
    let dir = root.join("target/programs");
    let built = Command::new(root.join("ops/build-wasm.sh")).arg(&dir).output().unwrap();
    if built.status.success() {
        let wasm = fs::read(dir.join(name).with_extension("wasm")).unwrap();
        return Some((Bytes::from(wasm), dir.join(name)));
    }
    let why = String::from_utf8_lossy(&built.stderr);
    let must = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!must && why.contains("ops/setup.sh"), "{why}");
    // Not by eprintln!, which the test harness would swallow.
    writeln!(std::io::stderr(), "SKIPPED: what runs {name}: {}", why.trim()).unwrap();
    None
}
