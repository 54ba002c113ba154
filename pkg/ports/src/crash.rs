//! Named points at which a test may have the process die.
//!
//! Always compiled: the binary that is tested is the one that ships. A point that is not asked
//! for costs one comparison.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Where the process is to die, if anywhere. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct CrashAt(Option<Arc<Target>>);

#[derive(Debug)]
struct Target {
    point: String,
    passes_left: AtomicU32,
}

impl CrashAt {
    /// From `POINT`, or `POINT:N` for the `N`th time that the point is reached (from 1). `None`
    /// and an empty text mean never.
    #[must_use]
    pub fn new(spec: Option<&str>) -> Self {
        let Some(spec) = spec.filter(|s| !s.is_empty()) else { return Self(None) };
        let (point, nth) = match spec.rsplit_once(':') {
            Some((point, n)) => n.parse().map_or((spec, 1), |n: u32| (point, n.max(1))),
            None => (spec, 1),
        };
        let passes_left = AtomicU32::new(nth - 1);
        Self(Some(Arc::new(Target { point: point.to_owned(), passes_left })))
    }

    /// Dies here, without any clean-up, if this is the point and the time asked for.
    pub fn reach(&self, point: &str) {
        if self.is_now(point) {
            std::process::abort();
        }
    }

    /// The same, but what other threads have in hand gets `wait` to leave first: a point that
    /// comes after a message was handed over is one after it was sent. The caller does nothing
    /// more. On a runtime of several threads only.
    pub fn reach_after(&self, point: &str, wait: Duration) {
        if self.is_now(point) {
            // This thread may hold the very task that would write the message.
            tokio::task::block_in_place(|| std::thread::sleep(wait));
            std::process::abort();
        }
    }

    fn is_now(&self, point: &str) -> bool {
        self.0.as_ref().is_some_and(|target| {
            target.point == point
                && target
                    .passes_left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                    .is_err()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_point_at_the_named_time() {
        let at = CrashAt::new(Some("store.after_sync:3"));
        let seen: Vec<bool> = (0..4).map(|_| at.clone().is_now("store.after_sync")).collect();
        assert_eq!(seen, [false, false, true, true]);
        assert!(!at.is_now("store.before_write"));
    }

    #[test]
    fn without_a_number_it_is_the_first_time() {
        assert!(CrashAt::new(Some("node.before_send")).is_now("node.before_send"));
        assert!(!CrashAt::new(None).is_now(""));
        assert!(!CrashAt::new(Some("")).is_now(""));
    }
}
