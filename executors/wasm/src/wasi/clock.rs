//! The guest's monotonic clock, shared by reading it and by sleeping on it.

use std::time::{Duration, Instant};

use wasmtime_wasi::HostMonotonicClock;

/// Counts nanoseconds from the guest's start.
#[derive(Clone)]
pub(super) struct GuestClock {
    start: Instant,
}

impl GuestClock {
    pub(super) fn new() -> Self {
        Self { start: Instant::now() }
    }

    /// When it shows this; `None` when that lies beyond what the host's clock can say.
    pub(super) fn instant_at(&self, nanos: u64) -> Option<Instant> {
        self.start.checked_add(Duration::from_nanos(nanos))
    }
}

impl HostMonotonicClock for GuestClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
