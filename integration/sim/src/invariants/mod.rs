//! What must hold after every step, one file each.

mod accounts;
mod acked_survives;
mod bans;
mod bids;
mod cancel;
mod capacity;
mod chatter;
mod closed_sets;
mod completed;
mod durable;
mod ends_once;
mod epochs;
mod fairness;
mod holders;
mod late_results;
mod lease;
mod lost;
mod memory;
mod outbox;
mod patience;
mod persist_then_speak;
mod promise;
mod proposed_once;
mod replay;
mod replays;
mod replicas;
mod restless;
mod reveals;
mod runs_once;
mod seats;
mod secrecy;
mod stale;
mod transitions;
mod verdicts;

use crate::seen::Invariant;

/// All of them, fresh. What is about one thing comes before what is about all: so the first that
/// sees a mistake says best what it is.
#[must_use]
pub fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(persist_then_speak::PersistThenSpeak),
        Box::new(acked_survives::AckedSurvives),
        Box::new(ends_once::EndsOnce::default()),
        Box::new(epochs::Epochs::default()),
        Box::new(stale::Stale::default()),
        Box::new(late_results::LateResults::default()),
        Box::new(lease::Lease::default()),
        Box::new(lost::Lost),
        Box::new(patience::Patience),
        Box::new(cancel::Cancel::default()),
        Box::new(outbox::Outbox),
        Box::new(holders::Holders::default()),
        Box::new(promise::Promise),
        Box::new(replicas::Replicas),
        Box::new(completed::Completed),
        Box::new(capacity::Capacity),
        Box::new(runs_once::RunsOnce::default()),
        Box::new(proposed_once::ProposedOnce::default()),
        Box::new(seats::Seats::default()),
        Box::new(closed_sets::ClosedSets::default()),
        Box::new(secrecy::Secrecy::default()),
        Box::new(reveals::Reveals::default()),
        Box::new(verdicts::Verdicts),
        Box::new(replays::Replays),
        Box::new(bans::Bans::default()),
        Box::new(fairness::Fairness),
        Box::new(bids::Bids::default()),
        Box::new(transitions::Transitions),
        Box::new(accounts::Accounts),
        Box::new(replay::Replay),
        Box::new(chatter::Chatter::default()),
        Box::new(memory::Memory),
        Box::new(restless::Restless::default()),
    ]
}
