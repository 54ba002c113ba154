//! Announcements: gathered into one gossip on the way out, judged on the way in.

mod judge;
mod outbox;
mod rate;

pub(crate) use judge::{Judge, Verdict};
pub(crate) use outbox::{NotTaken, Outbox};
