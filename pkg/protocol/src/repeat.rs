//! Asked until answered: when to say something again.

use gadus_model::{Limits, Time};

/// The pace of one repeated message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// When it is said next.
    pub at: Time,
    wait_ms: u64,
}

impl Repeat {
    /// It is due at once.
    #[must_use]
    pub fn now(now: Time) -> Self {
        Self { at: now, wait_ms: 0 }
    }

    /// Whether it is due; if so, the next time is set, each wait twice the last.
    pub fn due(&mut self, now: Time, limits: &Limits) -> bool {
        if now < self.at {
            return false;
        }
        let doubled = self.wait_ms.saturating_mul(2);
        self.wait_ms = doubled.max(limits.repeat_ms).min(limits.repeat_max_ms).max(1);
        self.at = now.plus_ms(self.wait_ms);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit() {
        let limits = Limits { repeat_ms: 100, repeat_max_ms: 350, ..Limits::default() };
        let mut repeat = Repeat::now(Time(0));
        let mut now = Time(0);
        let mut waits = Vec::new();
        for _ in 0..4 {
            assert!(repeat.due(now, &limits) && !repeat.due(now, &limits));
            waits.push(repeat.at.us_since(now) / 1000);
            now = repeat.at;
        }
        assert_eq!(waits, [100, 200, 350, 350]);
    }
}
