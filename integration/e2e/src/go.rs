//! Go, for the tests that build something with it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::skip;

/// A Go, or `None`: then what needs it is skipped, and says so; under `CI=true` it fails.
#[must_use]
pub fn go(what: &str) -> Option<&'static Path> {
    static GO: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/go.sh");
        let output = Command::new(script).output().expect("ops/go.sh runs");
        let said = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(said(&output.stdout).into())
        } else {
            Err(said(&output.stderr))
        }
    });
    match &*GO {
        Ok(go) => Some(go),
        Err(why) => {
            skip(what, why);
            None
        }
    }
}

/// Builds the Go program in a directory, with what the environment says besides.
///
/// # Panics
/// Where it does not build.
pub fn build(go: &Path, sources: &Path, program: &Path, environment: &[(&str, &str)]) {
    let aside = program.with_extension(std::process::id().to_string());
    let mut build = Command::new(go);
    build.args(["build", "-p", "2", "-trimpath", "-o"]).arg(&aside).arg(".");
    build.current_dir(sources).env("GOTOOLCHAIN", "local").envs(environment.iter().copied());
    let output = build.output().expect("go runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Moved, since another run may be using the one that is there.
    std::fs::rename(&aside, program).expect("the program moves to its place");
}
