//! The one clock of a node.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gadus_model::Time;
use tokio::time::Instant;

/// Tells [`Time`] that never goes back: it follows the monotonic clock from the wall clock's
/// value at the start, and starts no earlier than the newest record of the log.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Time,
    since: Instant,
}

impl Clock {
    /// A clock that is never before `floor`.
    #[must_use]
    pub fn new(floor: Time) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let wall = Time(u64::try_from(wall.as_micros()).unwrap_or(u64::MAX));
        Self { start: wall.max(Time(floor.0.saturating_add(1))), since: Instant::now() }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.start + self.since.elapsed()
    }

    /// How long until a time; zero when it has come.
    #[must_use]
    pub fn until(&self, at: Time) -> Duration {
        at - self.now()
    }

    /// The time of this clock's start: it grows with every start.
    #[must_use]
    pub fn boot(&self) -> u64 {
        self.start.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_after_the_newest_record_even_when_the_wall_clock_went_back() {
        let future = Time(u64::MAX / 2);
        let clock = Clock::new(future);
        assert!(clock.now() > future && clock.boot() > future.0);
        let now = clock.now();
        assert!(clock.now() >= now);
    }
}
