//! The shell over fakes: whole nodes in one process, with time that stands still until it is
//! needed.

mod cluster;
mod failures;
mod happy;
mod restarts;
