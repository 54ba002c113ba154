//! Trees that are known to be here whole, so that a bid need not walk them again. What was known
//! before blocks were removed is known no more.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gadus_model::Cid;
use parking_lot::Mutex;

use crate::block::Reading;
use crate::store::Store;

/// So many are remembered; then all are forgotten, and learnt again.
const ROOTS_MAX: usize = 65_536;

/// Roots of whole trees, by how they were read: a node may be named as a leaf elsewhere.
#[derive(Debug)]
pub(crate) struct Complete {
    /// With the number of the store's last sweep before they were looked at.
    roots: Mutex<HashMap<Reading, u64>>,
    sweeps: Arc<AtomicU64>,
}

impl Complete {
    /// Begins with what is pinned.
    pub(crate) fn of(store: &Store) -> Self {
        let name = |cid: &Cid| (Reading::of(cid), 0);
        let roots = store.roots_in_use(ROOTS_MAX).iter().map(name).collect();
        Self { roots: Mutex::new(roots), sweeps: store.sweeps() }
    }

    /// The store's last sweep, to be asked before a tree is looked at.
    pub(crate) fn sweep(&self) -> u64 {
        self.sweeps.load(Ordering::SeqCst)
    }

    /// A tree is whole, and kept.
    pub(crate) fn add(&self, root: &Cid) {
        self.add_as_of(root, self.sweep());
    }

    /// A tree was whole when it was looked at.
    pub(crate) fn add_as_of(&self, root: &Cid, sweep: u64) {
        let mut roots = self.roots.lock();
        if roots.len() >= ROOTS_MAX {
            roots.clear();
        }
        roots.insert(Reading::of(root), sweep);
    }

    pub(crate) fn has(&self, root: &Cid) -> bool {
        let sweep = self.roots.lock().get(&Reading::of(root)).copied();
        sweep == Some(self.sweep())
    }
}
