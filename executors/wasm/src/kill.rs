//! How a running guest is told to end.

use std::sync::OnceLock;
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

/// One guest's switch. The guest looks at it on every tick, the host's calls at every step of what
/// may take long, and a guest that sleeps waits on it.
#[derive(Debug, Default)]
pub(crate) struct KillSwitch {
    stopped: Mutex<bool>,
    changed: Condvar,
    deadline: OnceLock<Instant>,
}

impl KillSwitch {
    /// Ends the guest at its next tick, or at once when it sleeps.
    pub(crate) fn stop(&self) {
        *self.stopped.lock() = true;
        self.changed.notify_all();
    }

    /// Ends the guest at a time. Only the first that is set counts.
    pub(crate) fn stop_at(&self, deadline: Instant) {
        self.deadline.get_or_init(|| deadline);
    }

    /// Goes on unless the guest is to end, as seen now.
    ///
    /// # Errors
    /// Why it is to end.
    pub(crate) fn check(&self) -> Result<(), Killed> {
        self.check_at(Instant::now())
    }

    fn check_at(&self, now: Instant) -> Result<(), Killed> {
        if *self.stopped.lock() {
            return Err(Killed::Stop);
        }
        match self.deadline.get() {
            Some(deadline) if now >= *deadline => Err(Killed::Timeout),
            Some(_) | None => Ok(()),
        }
    }

    /// Sleeps until `wake` (for ever when absent), unless the guest is to end before.
    ///
    /// # Errors
    /// Why it is to end.
    pub(crate) fn sleep_until(&self, wake: Option<Instant>) -> Result<(), Killed> {
        let until = [wake, self.deadline.get().copied()].into_iter().flatten().min();
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
        self.check()
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
        assert_eq!(switch.check(), Ok(()));
        switch.stop_at(now + Duration::from_secs(1));
        assert_eq!(switch.check_at(now), Ok(()));
        assert_eq!(switch.check_at(now + Duration::from_secs(1)), Err(Killed::Timeout));
        switch.stop();
        assert_eq!(switch.check_at(now + Duration::from_secs(1)), Err(Killed::Stop));
    }

    #[test]
    fn a_sleeper_without_end_is_woken_by_stop() {
        let switch = Arc::new(KillSwitch::default());
        let sleeper = std::thread::spawn({
            let switch = Arc::clone(&switch);
            move || switch.sleep_until(None)
        });
        switch.stop();
        assert_eq!(sleeper.join().unwrap(), Err(Killed::Stop));
    }

    #[test]
    fn a_sleep_past_the_deadline_is_a_timeout() {
        let soon = Instant::now() + Duration::from_millis(1);
        let late = soon + Duration::from_secs(3600);
        let until = |deadline, wake| {
            let switch = KillSwitch::default();
            switch.stop_at(deadline);
            switch.sleep_until(Some(wake))
        };
        assert_eq!(until(soon, late), Err(Killed::Timeout));
        assert_eq!(until(late, soon), Ok(()));
    }
}
