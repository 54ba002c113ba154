//! The hard limit on bytes.

use std::sync::atomic::{AtomicU64, Ordering};

use gadus_ports::ContentError;

/// Bytes that are stored or promised.
#[derive(Debug)]
pub(crate) struct Quota {
    used: AtomicU64,
    max: u64,
}

impl Quota {
    pub(crate) fn new(used: u64, max: u64) -> Self {
        Self { used: AtomicU64::new(used), max }
    }

    /// Promises room for `bytes` more.
    pub(crate) fn reserve(&self, bytes: u64) -> Result<(), ContentError> {
        let fits = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.max);
        match self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits) {
            Ok(_) => Ok(()),
            Err(used) => Err(ContentError::Full {
                why: format!(
                    "{bytes} more bytes do not fit beside {used} in the content quota of {} bytes",
                    self.max
                ),
            }),
        }
    }

    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    /// Gives room back.
    pub(crate) fn release(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        // The closure always answers: there is nothing to fail.
        let _ = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_and_room_comes_back() {
        let quota = Quota::new(90, 100);
        assert!(quota.reserve(10).is_ok());
        assert!(matches!(quota.reserve(1), Err(ContentError::Full { .. })));
        assert!(matches!(quota.reserve(u64::MAX), Err(ContentError::Full { .. })));
        quota.release(5);
        assert!(quota.reserve(5).is_ok());
        assert_eq!(quota.used(), 100);
    }
}
