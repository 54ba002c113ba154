//! What the network has done, counted.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counts since the start.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct NetStats {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// The same, as they grow.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> NetStats {
                NetStats { $($name: self.$name.get(),)* }
            }
        }
    };
}

counters! {
    /// Messages handed to the system.
    messages_sent,
    /// Writes that it took.
    message_writes,
    /// Messages that came and were delivered.
    messages_received,
    /// Messages dropped because the peer is not connected, or was lost with them on the way.
    dropped_unreachable,
    /// Messages dropped because too much waits for the peer.
    dropped_queue_full,
    /// Messages and announcements dropped because they are larger than a frame may be.
    dropped_too_big,
    /// Gossips published.
    gossips_sent,
    /// Announcements in them.
    announcements_sent,
    /// Announcements dropped: the queue was full, or nobody listens.
    announcements_dropped,
    /// Gossips delivered.
    gossips_received,
    /// Gossips ignored: over a signer's rate, of an unknown version, or the node is too slow.
    gossips_ignored,
    /// Peers cut off because they sent nonsense.
    nonsense,
    /// Connections turned away, by limit, list or penalty.
    connections_refused,
    /// Blocks sent to peers.
    blocks_served,
    /// Bytes of them.
    block_bytes_served,
    /// Bytes of blocks that came from peers.
    block_bytes_received,
}

/// One count.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
