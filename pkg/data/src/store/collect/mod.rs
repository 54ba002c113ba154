//! Freeing room, beside those who read and write.
//!
//! ```text
//! drop expired pins ─► raise the barrier ─► a new log pack ─► mark ─► sweep the index
//!     ─► copy what is live out of sparse packs ─► sync ─► index ─► checkpoint ─► remove the packs
//! ```
//!
//! Marks come from pins, from results in quarantine, and from what [`super::barrier`] is told
//! meanwhile. What is cached and not pinned goes, oldest packs first. A pack with little that is
//! live is emptied into the log and removed; its copies are durable and indexed before that, so a
//! crash at any moment leaves each block in one place at least. Nobody waits for a collection,
//! but for one step of it: so many rows, or so many bytes of copies.

pub(super) mod checkpoint;
mod compact;
pub(super) mod mark;
pub(super) mod sweep;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gadus_ports::{Collected, ContentError};
use tokio::sync::mpsc;

use self::compact::Emptied;
use self::sweep::Weight;
use super::committer::Item;
use super::pack::{Kind, Pack};
use super::record::Entry;
use super::{Append, Inner, ask, closed, now};
use crate::error::io_error;

/// How much is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// All that nothing keeps.
    All,
    /// Of what nothing keeps, the oldest, until no more than so many bytes are used.
    Below(u64),
}

/// One collection.
pub(super) struct Collection<'a> {
    pub(super) inner: &'a Inner,
    pub(super) appends: &'a mpsc::WeakSender<Append>,
}

impl Collection<'_> {
    /// Collects. One collection runs at a time; this waits for its turn. On a thread that may
    /// wait.
    ///
    /// # Errors
    /// `Io` and `Full` (there is no room for copies); what was freed so far stays freed.
    pub(super) fn run(&self, goal: Goal) -> Result<Collected, ContentError> {
        let _turn = self.inner.collecting.lock();
        let result = self.run_alone(goal);
        self.inner.collected();
        if let Ok(done) = &result {
            tracing::info!(
                blocks = done.blocks,
                bytes = done.bytes,
                packs = done.packs,
                copied_bytes = done.copied_bytes,
                expired_pins = done.expired_pins,
                "collected content that nothing keeps"
            );
        }
        result
    }

    fn run_alone(&self, goal: Goal) -> Result<Collected, ContentError> {
        let inner = self.inner;
        let disk_before = inner.packs.disk_bytes();
        let mut done = Collected { expired_pins: self.expire()?, ..Collected::default() };
        let barrier = inner.barrier.raise();
        let floor = self.rotate()?;
        inner.touch_sessions();
        inner.flush()?;
        let mut marks = mark::all(inner)?;
        inner.crash.reach("content.gc_marked");
        let weights = sweep::weigh(inner, |key| marks.has(key))?;
        let packs = packs_to_sweep(&weights, goal, inner.quota.used());
        let swept = sweep::sweep(inner, &mut marks, &packs)?;
        done.blocks = swept.blocks;
        done.bytes = swept.bytes;
        inner.crash.reach("content.gc_swept");
        drop((barrier, marks));
        self.remove_sparse(floor, &mut done)?;
        done.disk_bytes = disk_before.saturating_sub(inner.packs.disk_bytes());
        Ok(done)
    }

    /// Drops pins whose time is over.
    fn expire(&self) -> Result<u64, ContentError> {
        let mut over = Vec::new();
        let now = now();
        self.inner.flush()?;
        self.inner.each_pin(&mut |pin| {
            if pin.term.is_over(now) {
                over.push(Entry::Unpin { reason: pin.reason, root: Some(pin.root) });
            }
            true
        })?;
        let expired = over.len() as u64;
        if expired > 0 {
            self.append(over.into_iter().map(Item::Control).collect())?;
        }
        Ok(expired)
    }

    /// Has the log go on in a new pack, and answers its number: all before it are as they stay.
    /// All that was appended before this has taken effect afterwards.
    fn rotate(&self) -> Result<u32, ContentError> {
        self.append(vec![Item::Rotate])?;
        Ok(self.inner.state.read().position().pack)
    }

    /// Empties and removes packs that hold little, the emptiest first.
    fn remove_sparse(&self, floor: u32, done: &mut Collected) -> Result<(), ContentError> {
        let weights = sweep::weigh(self.inner, |_| true)?;
        let mut victims = self.victims(&weights, floor);
        while !victims.is_empty() {
            let mut emptied = Vec::new();
            let mut copied = 0;
            // A round at a time, so that the copies need no more than a pack's room.
            while copied < self.inner.config.pack_bytes_max
                && let Some(pack) = victims.pop()
            {
                if let Emptied::Yes { copied: bytes } = compact::empty(self, &pack)? {
                    copied += bytes;
                    emptied.push(pack);
                }
            }
            done.copied_bytes += copied;
            done.packs += emptied.len() as u64;
            self.remove(&emptied)?;
        }
        Ok(())
    }

    /// Packs to be removed, the emptiest last. Nobody writes to them any more.
    fn victims(&self, weights: &BTreeMap<u32, Weight>, floor: u32) -> Vec<Arc<Pack>> {
        let percent_max = self.inner.config.gc_live_percent_max;
        let mut victims = Vec::new();
        for pack in self.inner.packs.below(floor) {
            let live = weights.get(&pack.id).copied().unwrap_or_default().live;
            let bytes = match pack.kind {
                Kind::Log => pack.file_bytes().unwrap_or_default(),
                Kind::Bulk => self.inner.state.read().bulk_end(pack.id),
            };
            let is_sparse =
                live == 0 || live.saturating_mul(100) < bytes.saturating_mul(percent_max);
            if is_sparse && self.inner.packs.retire(&pack) {
                victims.push((live, pack));
            }
        }
        victims.sort_by_key(|(live, _)| std::cmp::Reverse(*live));
        victims.into_iter().map(|(_, pack)| pack).collect()
    }

    /// Removes packs whose live blocks were copied.
    fn remove(&self, packs: &[Arc<Pack>]) -> Result<(), ContentError> {
        let inner = self.inner;
        inner.crash.reach("content.gc_copied");
        inner.flush()?;
        inner.crash.reach("content.gc_indexed");
        if packs.iter().any(|pack| pack.kind == Kind::Log) {
            checkpoint::write(inner)?;
            inner.crash.reach("content.gc_checkpoint");
        }
        {
            let mut state = inner.state.write();
            packs.iter().for_each(|pack| state.forget_pack(pack.id));
        }
        inner.flush()?;
        inner.crash.reach("content.gc_forgot");
        for pack in packs {
            let removed = inner.packs.remove(pack);
            removed.map_err(|e| io_error(format!("removing pack {:08x}", pack.id), e))?;
            inner.crash.reach("content.gc_removed");
        }
        Ok(())
    }

    /// Appends, durably.
    pub(super) fn append(&self, items: Vec<Item>) -> Result<(), ContentError> {
        let (append, answer) = ask(items, true);
        let appends = self.appends.upgrade().ok_or_else(closed)?;
        appends.blocking_send(append).map_err(|_| closed())?;
        drop(appends);
        answer.blocking_recv().map_err(|_| closed())?
    }
}

/// The packs to sweep: all, or the oldest until enough goes.
fn packs_to_sweep(weights: &BTreeMap<u32, Weight>, goal: Goal, used: u64) -> BTreeSet<u32> {
    let mut to_free = match goal {
        Goal::All => u64::MAX,
        Goal::Below(bytes) => used.saturating_sub(bytes),
    };
    let mut packs = BTreeSet::new();
    for (pack, weight) in weights.iter().filter(|(_, weight)| weight.dead > 0) {
        if to_free == 0 {
            break;
        }
        to_free = to_free.saturating_sub(weight.dead);
        packs.insert(*pack);
    }
    packs
}
