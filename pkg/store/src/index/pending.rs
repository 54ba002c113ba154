//! What waits for the index thread, seen by queries meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use gadus_model::view::JobView;
use parking_lot::{Condvar, Mutex};
use redb::ReadTransaction;

use crate::config::StoreConfig;
use crate::index::fresh::Fresh;
use crate::log::{Inbox, Pressure};

/// Jobs put into one commit.
const BATCH_MAX: usize = 1_024;

/// Something for the index thread to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// Put the job into the file.
    Fold(Arc<JobView>),
    /// Make everything before this durable: then the checkpoint counts.
    Checkpoint(u64),
}

/// The queue of the index thread. Its bound is kept by the log thread: it does not go on while
/// too many durable jobs wait here, so that tickets come late and no more jobs end.
pub(crate) struct Pending {
    state: Mutex<State>,
    /// There is something to do.
    filled: Condvar,
    /// There is less to do.
    drained: Condvar,
    inbox: Arc<Inbox>,
    jobs_max: usize,
    linger: Duration,
}

struct State {
    /// Each with the number of log items that must be durable before it.
    queue: VecDeque<(u64, Work)>,
    fresh: Fresh,
    /// The file as of the last commit: together with `fresh`, every job exactly once, but for
    /// those folded again.
    snapshot: Arc<ReadTransaction>,
    is_closed: bool,
    has_failed: bool,
}

impl Pending {
    pub(crate) fn new(inbox: Arc<Inbox>, config: &StoreConfig, snapshot: ReadTransaction) -> Self {
        Self {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                fresh: Fresh::default(),
                snapshot: Arc::new(snapshot),
                is_closed: false,
                has_failed: false,
            }),
            filled: Condvar::new(),
            drained: Condvar::new(),
            inbox,
            jobs_max: config.overlay_max,
            linger: Duration::from_millis(config.index_linger_ms),
        }
    }

    /// Takes work, with the number of log items it must wait for.
    pub(crate) fn enter(&self, work: impl FnOnce(&Inbox) -> (u64, Work)) {
        let mut state = self.state.lock();
        let (after, work) = work(&self.inbox);
        // Woken once for a whole batch, unless somebody waits for the outcome.
        let wake = match &work {
            Work::Fold(view) => {
                state.fresh.insert(Arc::clone(view));
                state.queue.is_empty() || state.queue.len() + 1 == BATCH_MAX
            }
            Work::Checkpoint(_) => true,
        };
        // In order, whoever else folds at the same time.
        let after = state.queue.back().map_or(after, |(before, _)| after.max(*before));
        state.queue.push_back((after, work));
        if wake {
            self.filled.notify_one();
        }
    }

    /// Looks at the jobs in memory, and gives the file that goes with them.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Fresh) -> T) -> (T, Arc<ReadTransaction>) {
        let state = self.state.lock();
        (look(&state.fresh), Arc::clone(&state.snapshot))
    }

    /// Waits for work that may be done and takes a batch of it. False when there will be none.
    pub(crate) fn take(&self, batch: &mut Vec<Work>) -> bool {
        let mut state = self.state.lock();
        loop {
            while state.queue.is_empty() && !state.is_closed {
                self.filled.wait(&mut state);
            }
            let is_urgent = |(_, work): &(u64, Work)| matches!(work, Work::Checkpoint(_));
            let is_due = state.queue.len() >= BATCH_MAX || state.queue.iter().any(is_urgent);
            if !is_due && !state.is_closed {
                self.filled.wait_for(&mut state, self.linger);
            }
            let n = self.durable(&state).min(BATCH_MAX);
            if n > 0 {
                batch.extend(state.queue.drain(..n).map(|(_, work)| work));
                return true;
            }
            if state.is_closed {
                return false;
            }
            if is_due {
                // The log is not there yet.
                self.filled.wait_for(&mut state, self.linger.min(Duration::from_millis(1)));
            }
        }
    }

    /// A batch is in the file, and `snapshot` shows it.
    pub(crate) fn committed(&self, batch: &[Work], snapshot: ReadTransaction) {
        let mut state = self.state.lock();
        for work in batch {
            if let Work::Fold(view) = work {
                state.fresh.remove(view);
            }
        }
        let old = std::mem::replace(&mut state.snapshot, Arc::new(snapshot));
        self.drained.notify_all();
        drop(state);
        drop(old);
    }

    /// No more work comes.
    pub(crate) fn close(&self) {
        self.state.lock().is_closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }

    /// No more work is done.
    pub(crate) fn fail(&self) {
        self.state.lock().has_failed = true;
        self.drained.notify_all();
    }

    /// How many at the head of the queue have their log items durable.
    fn durable(&self, state: &State) -> usize {
        let durable = self.inbox.durable();
        state.queue.partition_point(|(after, _)| *after <= durable)
    }
}

impl Pressure for Pending {
    fn wait_for_room(&self) {
        let mut state = self.state.lock();
        // Only what is durable counts: the rest waits for the log, which must not wait for it.
        while self.durable(&state) > self.jobs_max && !state.has_failed && !state.is_closed {
            self.drained.wait(&mut state);
        }
    }
}
