//! How much the log has grown since its last checkpoint.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counters that the log thread writes and the event loop reads. None of them orders anything.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    appended_bytes: AtomicU64,
    snapshot_bytes: AtomicU64,
    is_checkpointing: AtomicBool,
    fsyncs: AtomicU64,
}

impl Growth {
    pub(crate) fn new(appended_bytes: u64, snapshot_bytes: u64) -> Self {
        Self {
            appended_bytes: appended_bytes.into(),
            snapshot_bytes: snapshot_bytes.into(),
            ..Self::default()
        }
    }

    /// Whether a checkpoint is worth it: it writes all snapshots again, so at least as much must
    /// have been appended.
    pub(crate) fn wants_checkpoint(&self, after_bytes: u64) -> bool {
        let worth = after_bytes.max(self.snapshot_bytes.load(Relaxed));
        !self.is_checkpointing.load(Relaxed) && self.appended_bytes.load(Relaxed) >= worth
    }

    pub(crate) fn checkpoint_asked(&self) {
        self.is_checkpointing.store(true, Relaxed);
    }

    pub(crate) fn checkpoint_written(&self, snapshot_bytes: u64) {
        self.appended_bytes.store(0, Relaxed);
        self.snapshot_bytes.store(snapshot_bytes, Relaxed);
    }

    pub(crate) fn checkpoint_complete(&self) {
        self.is_checkpointing.store(false, Relaxed);
    }

    pub(crate) fn appended(&self, bytes: u64) {
        self.appended_bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn synced(&self) {
        self.fsyncs.fetch_add(1, Relaxed);
    }

    pub(crate) fn fsyncs(&self) -> u64 {
        self.fsyncs.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_wanted_after_growth_and_not_while_one_is_made() {
        let growth = Growth::new(90, 0);
        assert!(!growth.wants_checkpoint(100));
        growth.appended(10);
        assert!(growth.wants_checkpoint(100));
        growth.checkpoint_asked();
        assert!(!growth.wants_checkpoint(100));
        growth.checkpoint_written(300);
        growth.checkpoint_complete();
        growth.appended(299);
        assert!(!growth.wants_checkpoint(100), "less than the snapshots took");
        growth.appended(1);
        assert!(growth.wants_checkpoint(100));
    }
}
