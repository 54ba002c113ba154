//! Trees that are known to be here whole, so that a bid need not walk them again.

use std::collections::HashSet;

use gadus_model::Cid;
use parking_lot::Mutex;

use crate::block::Key;
use crate::store::Store;

/// So many are remembered; then all are forgotten, and learnt again.
const ROOTS_MAX: usize = 65_536;

/// Roots of whole trees.
#[derive(Debug)]
pub(crate) struct Complete {
    roots: Mutex<HashSet<Key>>,
}

impl Complete {
    /// Begins with what is pinned.
    pub(crate) fn of(store: &Store) -> Self {
        let roots = store.roots_in_use(ROOTS_MAX).iter().map(Key::of).collect();
        Self { roots: Mutex::new(roots) }
    }

    pub(crate) fn add(&self, root: &Cid) {
        let mut roots = self.roots.lock();
        if roots.len() >= ROOTS_MAX {
            roots.clear();
        }
        roots.insert(Key::of(root));
    }

    pub(crate) fn has(&self, root: &Cid) -> bool {
        self.roots.lock().contains(&Key::of(root))
    }
}
