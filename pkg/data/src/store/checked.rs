//! Which blocks need no second look: their bytes were held to their hash since this process began,
//! when they came in or when they were first read.
//!
//! What lies on a disk for long may come back as something else. Hashing each read would cost as
//! much as reading; so a large block is hashed once, and a small one always. A fixed table: what
//! falls out of it is hashed again.

use std::sync::atomic::{AtomicU64, Ordering};

use super::state::Loc;

/// Blocks that are remembered, about: half a mebibyte.
const SLOTS: usize = 1 << 16;
/// Smaller blocks are hashed in less time than it takes to look elsewhere for them.
const REMEMBERED_BYTES_MIN: u32 = 32 << 10;

/// The table.
#[derive(Debug)]
pub(super) struct Checked(Box<[AtomicU64]>);

impl Default for Checked {
    fn default() -> Self {
        Self((0..SLOTS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Checked {
    /// The bytes at a place are what they should be.
    pub(super) fn note(&self, at: Loc) {
        if let Some(name) = name_of(at) {
            self.slot(name).store(name, Ordering::Relaxed);
        }
    }

    /// Whether they were, when they were last looked at.
    pub(super) fn has(&self, at: Loc) -> bool {
        name_of(at).is_some_and(|name| self.slot(name).load(Ordering::Relaxed) == name)
    }

    /// They are not: they are looked at again, whatever was known of them.
    pub(super) fn forget(&self, at: Loc) {
        if let Some(name) = name_of(at) {
            // Another place may have its slot by now.
            let _ = self.slot(name).compare_exchange(name, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    fn slot(&self, name: u64) -> &AtomicU64 {
        // Fibonacci hashing: neighbours in a pack go to slots far apart.
        let hash = name.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
        &self.0[usize::try_from(hash).unwrap_or(0) % SLOTS]
    }
}

/// A number for a place that is worth remembering; never 0, where a pack begins and no block does.
fn name_of(at: Loc) -> Option<u64> {
    let offset = u32::try_from(at.offset).ok()?;
    let name = (u64::from(at.pack) << 32) | u64::from(offset);
    (at.bytes >= REMEMBERED_BYTES_MIN && name != 0).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_blocks_are_remembered_by_their_exact_place() {
        let checked = Checked::default();
        let loc = |pack, offset, bytes| Loc { pack, offset, bytes };
        let large = loc(1, 4096, 1 << 20);
        assert!(!checked.has(large));
        checked.note(large);
        assert!(checked.has(large));
        assert!(!checked.has(loc(2, 4096, 1 << 20)) && !checked.has(loc(1, 4097, 1 << 20)));
        checked.forget(loc(1, 4097, 1 << 20));
        assert!(checked.has(large), "another place");
        checked.forget(large);
        assert!(!checked.has(large));
        // What is small, or lies where its place has no number, is not.
        for other in [loc(1, 8192, 100), loc(1, 1 << 32, 1 << 20)] {
            checked.note(other);
            assert!(!checked.has(other));
        }
    }

    #[test]
    fn what_falls_out_is_only_forgotten() {
        let checked = Checked::default();
        let all: Vec<_> =
            (1..200_000).map(|n| Loc { pack: 1, offset: n * 20_000, bytes: 1 << 20 }).collect();
        all.iter().for_each(|at| checked.note(*at));
        let kept = all.iter().filter(|at| checked.has(**at)).count();
        assert!(kept > SLOTS / 2 && kept <= SLOTS, "{kept}");
    }
}
