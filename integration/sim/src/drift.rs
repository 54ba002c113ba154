//! A node's own clock: it runs at its own rate, and jumps ahead, but never goes back.

use gadus_model::Time;

/// Microseconds of the world, which no node can see.
pub type True = u64;

/// A clock that drifts and jumps.
#[derive(Clone, Debug)]
pub struct LocalClock {
    /// True and local time of the last change.
    since: (True, u64),
    /// Parts per million by which it is fast.
    ppm: i64,
    jumped: bool,
}

impl LocalClock {
    /// A clock that shows `local` at true time 0.
    #[must_use]
    pub fn new(local: u64, ppm: i64) -> Self {
        Self { since: (0, local), ppm, jumped: false }
    }

    /// What it shows.
    #[must_use]
    pub fn at(&self, now: True) -> Time {
        let passed = u128::from(now - self.since.0) * u128::from(self.rate()) / 1_000_000;
        Time(self.since.1 + u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// The first true time at which it shows at least `local`.
    #[must_use]
    pub fn when(&self, local: Time) -> True {
        let ahead = u128::from(local.0.saturating_sub(self.since.1)) * 1_000_000;
        let passed = ahead.div_ceil(u128::from(self.rate()));
        self.since.0.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    fn rate(&self) -> u64 {
        1_000_000_u64.saturating_add_signed(self.ppm)
    }

    /// It jumps ahead.
    pub fn jump(&mut self, now: True, by_us: u64) {
        self.since = (now, self.at(now).0 + by_us);
        self.jumped = true;
    }

    /// Whether it ever jumped.
    #[must_use]
    pub fn has_jumped(&self) -> bool {
        self.jumped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_shows_what_it_is_asked_for_at_the_time_it_says() {
        for ppm in [-40_000, 0, 40_000] {
            let mut clock = LocalClock::new(1_000, ppm);
            clock.jump(500, 77);
            for local in [Time(2_000), Time(1_000_000), Time(1_000_001)] {
                let when = clock.when(local);
                assert!(clock.at(when) >= local && clock.at(when - 1) < local);
            }
        }
    }
}
