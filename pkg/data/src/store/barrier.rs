//! What writers tell a collection that is under way: blocks that they rely on, and trees that were
//! pinned since it began. Both count as live, whatever the marks say.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use gadus_model::Cid;
use gadus_ports::NamespaceId;
use parking_lot::Mutex;

use crate::block::Key;

/// A block, remembered by half of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mark(u128);

impl From<&Key> for Mark {
    fn from(key: &Key) -> Self {
        Self(key.half())
    }
}

/// The root of a tree that is kept, and whose namespace its blocks may be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Root {
    pub(crate) cid: Cid,
    pub(crate) namespace: Option<NamespaceId>,
}

/// Between a collection and those who write meanwhile. While none is under way, a look at it
/// costs one load.
#[derive(Debug, Default)]
pub(crate) struct Barrier {
    is_up: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    touched: HashSet<Mark>,
    roots: Vec<Root>,
}

/// A barrier that is up, until this is dropped.
#[derive(Debug)]
pub(crate) struct Raised<'a>(&'a Barrier);

impl Barrier {
    pub(crate) fn raise(&self) -> Raised<'_> {
        self.is_up.store(true, Ordering::SeqCst);
        Raised(self)
    }

    /// Somebody relies on a block, or is about to write it. To be called before looking whether
    /// it is here.
    pub(crate) fn touch(&self, key: &Key) {
        self.tell(|seen| {
            seen.touched.insert(key.into());
        });
    }

    /// A tree is pinned. To be called before the pin counts, and again once its blocks are here.
    pub(crate) fn pinned(&self, cid: Cid, namespace: Option<NamespaceId>) {
        self.tell(|seen| seen.roots.push(Root { cid, namespace }));
    }

    fn tell(&self, what: impl FnOnce(&mut Seen)) {
        if self.is_up.load(Ordering::SeqCst) {
            self.note(what);
        }
    }

    /// It may have come down since the look: what is told now is no business of the next
    /// collection, which would keep it.
    fn note(&self, what: impl FnOnce(&mut Seen)) {
        let mut seen = self.seen.lock();
        if self.is_up.load(Ordering::SeqCst) {
            what(&mut seen);
        }
    }

    /// Takes a step that removes blocks, unless trees were pinned since the last one: those are
    /// answered, to be marked first. Writers wait for the step.
    pub(crate) fn settle<T>(
        &self,
        step: impl FnOnce(&dyn Fn(&Key) -> bool) -> T,
    ) -> Result<T, Vec<Root>> {
        let mut seen = self.seen.lock();
        if !seen.roots.is_empty() {
            return Err(std::mem::take(&mut seen.roots));
        }
        let touched = &seen.touched;
        Ok(step(&|key| touched.contains(&key.into())))
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.is_up.store(false, Ordering::SeqCst);
        *self.0.seen.lock() = Seen::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::raw_cid;

    #[test]
    fn what_is_told_counts_while_it_is_up() {
        let barrier = Barrier::default();
        let (one, two) = (raw_cid(b"1"), raw_cid(b"2"));
        barrier.touch(&Key::of(&one));
        {
            let _up = barrier.raise();
            barrier.touch(&Key::of(&two));
            barrier.pinned(one, None);
            let roots = barrier.settle(|_| ()).unwrap_err();
            assert_eq!(roots, [Root { cid: one, namespace: None }]);
            let seen = barrier.settle(|is| (is(&Key::of(&one)), is(&Key::of(&two)))).unwrap();
            assert_eq!(seen, (false, true));
        }
        let _up = barrier.raise();
        assert!(!barrier.settle(|is| is(&Key::of(&two))).unwrap(), "it begins anew");
    }

    #[test]
    fn what_is_told_as_it_comes_down_is_not_kept_for_the_next_one() {
        let barrier = Barrier::default();
        let one = Key::of(&raw_cid(b"1"));
        drop(barrier.raise());
        barrier.note(|seen| {
            seen.touched.insert((&one).into());
        });
        let _up = barrier.raise();
        assert!(!barrier.settle(|is| is(&one)).unwrap());
    }
}
