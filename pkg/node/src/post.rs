//! Where messages leave a machine's loop, with the points at which a test may end the process.

use std::sync::Arc;
use std::time::Duration;

use gadus_model::message::{Announce, Envelope, RoundId};
use gadus_model::{NodeId, OwnerId};
use gadus_ports::{CrashAt, Transport};

/// What the transport gets to put a message on the wire before the process dies after it.
const LAST_WORDS: Duration = Duration::from_millis(30);

/// A transport as one loop speaks through it.
#[derive(Clone)]
pub(crate) struct Post {
    transport: Arc<dyn Transport>,
    crash_at: CrashAt,
}

impl Post {
    pub(crate) fn new(transport: Arc<dyn Transport>, crash_at: CrashAt) -> Self {
        Self { transport, crash_at }
    }

    pub(crate) fn send(&self, to: NodeId, message: Envelope) {
        self.crash_at.reach("node.before_send");
        self.transport.send(to, message);
        self.crash_at.reach_after("node.after_send", LAST_WORDS);
    }

    pub(crate) fn gossip(&self, owner: OwnerId, term: u64, announcement: Announce) {
        self.crash_at.reach("node.before_send");
        self.transport.gossip(owner, term, announcement);
        self.crash_at.reach_after("node.after_send", LAST_WORDS);
    }

    pub(crate) fn gossip_filled(&self, owner: OwnerId, term: u64, round: RoundId) {
        self.crash_at.reach("node.before_send");
        self.transport.gossip_filled(owner, term, round);
        self.crash_at.reach_after("node.after_send", LAST_WORDS);
    }
}
