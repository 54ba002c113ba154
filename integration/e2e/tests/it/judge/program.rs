//! boxo's judge, a Go program of ours, built once.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Where its sources are.
pub(super) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("judge")
}

/// A Go, where there is one.
pub(super) fn go() -> Option<&'static Path> {
    gadus_e2e::go::go("the judge of content ids")
}

/// The program, built; `None` where there is no Go to build it with, which is said.
pub(crate) fn built() -> Option<&'static Path> {
    static BUILT: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let go = go()?;
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("judge");
        gadus_e2e::go::build(go, &sources(), &program, &[]);
        Some(program)
    });
    if BUILT.is_none() {
        // Each test that is skipped says so.
        go();
    }
    BUILT.as_deref()
}
