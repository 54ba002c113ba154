//! Tests that need what not every machine has.

use std::io::Write as _;

/// Says that a test, or a part of one, is left out; under `CI=true` nothing may be.
pub fn skip(what: &str, why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} cannot be left out: {why}");
    // Past the capture of output, so that it is seen.
    let _ = writeln!(std::io::stderr().lock(), "SKIP {what}: {why}");
}

/// Whether this is root.
#[must_use]
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}
