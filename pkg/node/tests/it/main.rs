//! The shell over fakes: whole nodes in one process, with time that stands still until it is
//! needed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cluster;
mod failures;
mod happy;
mod images;
mod keeping;
mod restarts;
mod sealed;
