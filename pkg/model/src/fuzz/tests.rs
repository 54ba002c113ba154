//! What the targets of `fuzz/` found worth keeping, and what they once failed on.

use std::fs;
use std::path::Path;

/// Feeds a parser all inputs of a folder.
fn replay(target: &str, parser: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut inputs = 0;
    for input in fs::read_dir(&folder).unwrap() {
        parser(&fs::read(input.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs >= 10, "{} has {inputs} inputs only", folder.display());
}

#[test]
fn task() {
    replay("task", super::task);
}

#[test]
fn record() {
    replay("record", super::record);
}
