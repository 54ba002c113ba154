//! How a running guest is told to end.

use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// Why a guest is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Killed {
    /// Its `stop` was cancelled, or nobody waits for it any more.
    #[error("stopped")]
    Stop,
    /// Its deadline passed.
    #[error("out of time")]
    Timeout,
}

/// One guest's switch. The guest looks at it on every tick, and waits on it while it sleeps.
#[derive(Default)]
pub(crate) struct KillSwitch {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl KillSwitch {
    /// Ends the guest at its next tick, or at once when it sleeps.
    pub(crate) fn stop(&self) {
        *self.stopped.lock() = true;
        self.changed.notify_all();
    }

    /// Whether the guest should end, as seen at `now`.
    pub(crate) fn check(&self, now: Instant, deadline: Option<Instant>) -> Option<Killed> {
        if *self.stopped.lock() {
            return Some(Killed::Stop);
        }
        deadline.filter(|deadline| now >= *deadline).map(|_| Killed::Timeout)
    }

    /// Sleeps until `wake` (for ever when absent), unless the guest is to end before.
    ///
    /// # Errors
    /// Why it is to end.
    pub(crate) fn sleep_until(
        &self,
        wake: Option<Instant>,
        deadline: Option<Instant>,
    ) -> Result<(), Killed> {
        let until = [wake, deadline].into_iter().flatten().min();
        let mut stopped = self.stopped.lock();
        while !*stopped {
            match until {
                Some(until) => {
                    if self.changed.wait_until(&mut stopped, until).timed_out() {
                        break;
                    }
                }
                None => self.changed.wait(&mut stopped),
            }
        }
        drop(stopped);
        match self.check(Instant::now(), deadline) {
            Some(killed) => Err(killed),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn stop_wins_over_the_deadline() {
        let switch = KillSwitch::default();
        let now = Instant::now();
        assert_eq!(switch.check(now, None), None);
        assert_eq!(switch.check(now, Some(now + Duration::from_secs(1))), None);
        assert_eq!(switch.check(now, Some(now)), Some(Killed::Timeout));
        switch.stop();
        assert_eq!(switch.check(now, Some(now)), Some(Killed::Stop));
    }

    #[test]
    fn a_sleeper_without_end_is_woken_by_stop() {
        let switch = Arc::new(KillSwitch::default());
        let sleeper = std::thread::spawn({
            let switch = Arc::clone(&switch);
            move || switch.sleep_until(None, None)
        });
        switch.stop();
        assert_eq!(sleeper.join().unwrap(), Err(Killed::Stop));
    }

    #[test]
    fn a_sleep_past_the_deadline_is_a_timeout() {
        let switch = KillSwitch::default();
        let soon = Instant::now() + Duration::from_millis(1);
        let late = soon + Duration::from_secs(3600);
        assert_eq!(switch.sleep_until(Some(late), Some(soon)), Err(Killed::Timeout));
        assert_eq!(switch.sleep_until(Some(soon), Some(late)), Ok(()));
    }
}
