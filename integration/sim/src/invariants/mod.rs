//! What must hold after every step, one file each.

mod accounts;
mod acked_survives;
mod cancel;
mod capacity;
mod chatter;
mod completed;
mod ends_once;
mod epochs;
mod fairness;
mod holders;
mod late_results;
mod lease;
mod lost;
mod memory;
mod outbox;
mod persist_then_speak;
mod proposed_once;
mod replay;
mod restless;
mod runs_once;
mod transitions;

use crate::seen::Invariant;

/// All of them, fresh.
#[must_use]
pub fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(replay::Replay),
        Box::new(persist_then_speak::PersistThenSpeak),
        Box::new(transitions::Transitions),
        Box::new(acked_survives::AckedSurvives),
        Box::new(ends_once::EndsOnce::default()),
        Box::new(epochs::Epochs::default()),
        Box::new(late_results::LateResults::default()),
        Box::new(lease::Lease::default()),
        Box::new(cancel::Cancel::default()),
        Box::new(holders::Holders::default()),
        Box::new(completed::Completed),
        Box::new(capacity::Capacity),
        Box::new(accounts::Accounts),
        Box::new(proposed_once::ProposedOnce::default()),
        Box::new(outbox::Outbox),
        Box::new(lost::Lost),
        Box::new(runs_once::RunsOnce::default()),
        Box::new(fairness::Fairness),
        Box::new(chatter::Chatter::default()),
        Box::new(memory::Memory),
        Box::new(restless::Restless::default()),
    ]
}
