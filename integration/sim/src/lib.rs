//! A seeded world for the machines of `gadus-protocol`: whole clusters of them, in one thread and
//! virtual time, under faults that the seed picks.
//!
//! The shell between a machine and the world is modelled by its contract: events are appended at
//! once, what speaks waits behind the ticket, in order, and one fsync serves all that wait. What
//! really runs and who really holds which result is kept beside the machines, so that the
//! [`invariants`] compare with the truth and not with anybody's opinion.
//!
//! A run is a pure function of its seed; every seed is run twice and both runs must be the same.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an invariant looks at the few happenings that concern it"
)]
#![warn(missing_docs)]

pub mod agenda;
pub mod coverage;
pub mod dice;
pub mod disk;
pub mod drift;
pub mod engine;
pub mod habit;
pub mod host;
pub mod invariants;
pub mod liveness;
pub mod names;
pub mod network;
pub mod report;
pub mod seen;
pub mod shell;
pub mod swarm;
pub mod trace;
pub mod workload;
pub mod world;

pub use report::{Outcome, SeedFailure, Summary, caught, check, check_all, run, witness};
