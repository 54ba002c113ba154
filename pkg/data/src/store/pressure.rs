//! When the store collects by itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::config::ContentConfig;

/// How full the store is, and whether that is reason enough.
#[derive(Debug)]
pub(crate) struct Pressure {
    /// A collection is due once so many bytes are used.
    due_at: AtomicU64,
    high: u64,
    low: u64,
    /// A collection that left the store full is followed by another only when it has grown so
    /// much again.
    step: u64,
    pause: Duration,
    last: Mutex<Option<Instant>>,
    /// Wakes the thread that collects.
    wake: Mutex<Option<SyncSender<()>>>,
}

impl Pressure {
    pub(crate) fn new(config: &ContentConfig) -> Self {
        let percent = |percent: u64| {
            u64::try_from(u128::from(config.quota_bytes) * u128::from(percent) / 100)
                .unwrap_or(u64::MAX)
        };
        let high = percent(config.gc_high_percent);
        Self {
            due_at: AtomicU64::new(high),
            high,
            low: percent(config.gc_low_percent).min(high),
            step: percent(2).max(1),
            pause: Duration::from_millis(config.gc_pause_ms),
            last: Mutex::default(),
            wake: Mutex::default(),
        }
    }

    pub(crate) fn wakes(&self, wake: SyncSender<()>) {
        *self.wake.lock() = Some(wake);
    }

    pub(crate) fn close(&self) {
        *self.wake.lock() = None;
    }

    /// What a collection of its own accord brings the store down to.
    pub(crate) fn low(&self) -> u64 {
        self.low
    }

    /// So much is used now.
    pub(crate) fn is_used(&self, used: u64) {
        if used >= self.due_at.load(Ordering::Relaxed)
            && let Some(wake) = self.wake.lock().as_ref()
        {
            // Full means that it is awake already.
            let _ = wake.try_send(());
        }
    }

    /// A collection is over.
    pub(crate) fn collected(&self, used: u64) {
        self.due_at.store(self.high.max(used.saturating_add(self.step)), Ordering::Relaxed);
        *self.last.lock() = Some(Instant::now());
    }

    /// Something is kept no longer: the next who finds the store full need not wait.
    pub(crate) fn let_go(&self) {
        *self.last.lock() = None;
    }

    /// Whether who finds the store full may have it collected, or another did so just now.
    pub(crate) fn may_collect(&self) -> bool {
        self.last.lock().is_none_or(|last| last.elapsed() >= self.pause)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn it_wakes_at_the_mark_and_not_again_until_it_has_grown() {
        let config = ContentConfig {
            quota_bytes: 1_000,
            gc_high_percent: 90,
            gc_low_percent: 75,
            ..ContentConfig::default()
        };
        let pressure = Pressure::new(&config);
        let (wake, woken) = sync_channel(1);
        pressure.wakes(wake);
        let is_woken = |used| {
            pressure.is_used(used);
            woken.try_recv().is_ok()
        };
        assert!(!is_woken(899) && is_woken(900));
        assert_eq!(pressure.low(), 750);
        pressure.collected(950);
        assert!(!is_woken(960) && is_woken(970), "all of it is pinned: two percent more");
        pressure.collected(100);
        assert!(!is_woken(899) && is_woken(900));
    }
}
