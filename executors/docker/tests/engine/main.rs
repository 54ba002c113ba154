//! The executor against a real docker engine.
//!
//! `GADUS_TEST_DOCKER_SOCK` names one; where it is unset an engine of their own is started, which
//! takes root. Without either the tests are skipped, and say so; under `CI=true` they fail.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod endings;
mod fences;
mod gpus;
mod images;
mod limits;
mod outages;
mod outputs;
mod restarts;
mod runs;
mod support;
