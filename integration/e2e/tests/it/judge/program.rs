//! boxo's judge, a Go program of ours, built once.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Where its sources are.
pub(super) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("judge")
}

/// A Go, or `None`: then the test is skipped, and says so; under `CI=true` it fails.
pub(super) fn go() -> Option<&'static Path> {
    static GO: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/go.sh");
        let output = Command::new(script).output().unwrap();
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
            assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "no judge: {why}");
            // Written, not printed: the harness swallows what a test that passes prints.
            _ = writeln!(std::io::stderr(), "SKIP the judge of content ids: {why}");
            None
        }
    }
}

/// The program, built; `None` where there is no Go to build it with, which is said.
pub(crate) fn built() -> Option<&'static Path> {
    static BUILT: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let go = go()?;
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("judge");
        let aside = program.with_extension(std::process::id().to_string());
        let mut build = Command::new(go);
        build.args(["build", "-p", "2", "-o"]).arg(&aside).arg(".");
        build.current_dir(sources()).env("GOTOOLCHAIN", "local");
        let output = build.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Moved, since another run may be using the one that is there.
        std::fs::rename(&aside, &program).unwrap();
        Some(program)
    });
    if BUILT.is_none() {
        // Each test that is skipped says so.
        go();
    }
    BUILT.as_deref()
}
