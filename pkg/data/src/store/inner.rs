//! What all threads of a store share.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use bytes::Bytes;
use gadus_model::Cid;
use gadus_ports::{ContentError, CrashAt, NamespaceId};
use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;

use super::barrier::Barrier;
use super::checked::Checked;
use super::collect::{Collection, Goal};
use super::index::{Index, StoredPin};
use super::pack::Pack;
use super::packs::Packs;
use super::pressure::Pressure;
use super::quota::Quota;
use super::session::Sessions;
use super::state::{Change, Loc, Position, State};
use super::{Append, closed};
use crate::block::{Key, verify};
use crate::config::ContentConfig;
use crate::error::io_error;

/// How often a block is looked up anew that was moved while it was about to be read.
const MOVES_MAX: usize = 8;

/// The parts of a store.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) config: ContentConfig,
    pub(super) dir: PathBuf,
    pub(super) packs: Packs,
    pub(super) index: Index,
    pub(super) state: RwLock<State>,
    pub(super) quota: Quota,
    pub(super) barrier: Barrier,
    pub(super) checked: Checked,
    pub(super) sessions: Sessions,
    /// Held by the collection, or the check, that goes on.
    pub(super) collecting: Mutex<()>,
    /// Held while the index is written: one update after the other.
    pub(super) flushing: Mutex<()>,
    /// How often blocks were removed.
    pub(super) sweeps: Arc<AtomicU64>,
    pub(super) is_closing: AtomicBool,
    pub(super) pressure: Pressure,
    pub(super) crash: CrashAt,
    pub(super) _lock: File,
}

impl Inner {
    /// Where a public block is.
    ///
    /// # Errors
    /// `Io` where the index cannot be read: whether the block is here is not known then, and nothing
    /// may be removed for its sake.
    pub(super) fn find(&self, key: &Key) -> Result<Option<Loc>, ContentError> {
        // The memory first: the index has a block before the memory forgets it.
        if let Some(known) = self.state.read().public(key) {
            return Ok(known);
        }
        let found = self.index.get(key);
        found.map_err(|e| io_error("reading the content index", io::Error::other(e)))
    }

    /// The same where a block that cannot be found is as good as none.
    pub(super) fn public(&self, key: &Key) -> Option<Loc> {
        self.find(key).unwrap_or_else(|error| {
            tracing::error!(%error, "the content index cannot be read");
            None
        })
    }

    pub(super) fn is_quarantined(&self, namespace: NamespaceId, key: &Key, at: Loc) -> bool {
        self.state.read().quarantined(namespace, key) == Some(at)
    }

    /// Whether a record is the copy of its block that counts.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(super) fn is_live(
        &self,
        key: &Key,
        namespace: Option<NamespaceId>,
        at: Loc,
    ) -> Result<bool, ContentError> {
        let hidden = namespace.is_some_and(|id| self.is_quarantined(id, key, at));
        Ok(hidden || self.find(key)? == Some(at))
    }

    /// The bytes of a public block, or one of a namespace. A block whose bytes are not its own any
    /// more is forgotten, as if it had never been here: others may have it.
    pub(super) fn block(
        &self,
        cid: &Cid,
        namespace: Option<NamespaceId>,
    ) -> Result<Option<Bytes>, ContentError> {
        let key = Key::of(cid);
        let mut moves = 0;
        loop {
            let quarantined = namespace.and_then(|id| self.state.read().quarantined(id, &key));
            let found = quarantined.map_or_else(|| self.find(&key), |loc| Ok(Some(loc)));
            let Some(loc) = found? else { return Ok(None) };
            // A pack that is gone was emptied since the look: the block is elsewhere now.
            let pack = self.packs.get(loc.pack);
            if pack.is_none() && moves < MOVES_MAX {
                moves += 1;
                continue;
            }
            let bytes = read(pack.as_deref(), cid, loc)?;
            if self.checked.has(loc) || verify(cid, &bytes).is_ok() {
                self.checked.note(loc);
                return Ok(Some(bytes));
            }
            // It may have been moved, and its room used for something else, since the look.
            if self.is_live(&key, namespace, loc)? || moves == MOVES_MAX {
                self.damaged(cid, &key, namespace, loc);
                return Ok(None);
            }
            moves += 1;
        }
    }

    /// Forgets a block of which the disk gave back something else.
    fn damaged(&self, cid: &Cid, key: &Key, namespace: Option<NamespaceId>, loc: Loc) {
        let pack = format!("{:08x}", loc.pack);
        tracing::error!(%cid, pack, offset = loc.offset, "a block is damaged, and forgotten");
        let mut state = self.state.write();
        let hidden = namespace.map_or(0, |id| state.forget_quarantined(id, key, loc));
        let freed = if hidden > 0 { hidden } else { state.forget(key, loc) };
        state.has_holes_now();
        drop(state);
        self.quota.release(freed);
        // From here on nobody may take a tree for whole that was looked at before.
        self.sweeps.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn read(&self, cid: &Cid, loc: Loc) -> Result<Bytes, ContentError> {
        read(self.packs.get(loc.pack).as_deref(), cid, loc)
    }

    /// Does what durable records say, in order, and answers the dead copies.
    pub(super) fn apply(&self, changes: Vec<Change>, position: Position) -> Vec<Loc> {
        let mut indexed = HashMap::new();
        let mut look = |key: &Key| indexed.extend(self.public(key).map(|loc| (*key, loc)));
        for change in &changes {
            match change {
                Change::Block { key, .. }
                | Change::Published { key, .. }
                | Change::Move { key, namespace: None, .. } => look(key),
                Change::Blocks { blocks, .. } => blocks.iter().for_each(|(key, _)| look(key)),
                Change::Promote { namespace, .. } => {
                    let keys = self.state.read().keys_of(*namespace);
                    keys.iter().for_each(&mut look);
                }
                Change::Discard { .. }
                | Change::Outputs { .. }
                | Change::Pin(_)
                | Change::BulkEnd { .. }
                | Change::Move { .. } => {}
            }
        }
        let roots: Vec<_> = changes.iter().filter_map(Change::root).collect();
        self.are_pinned(&roots);
        let mut state = self.state.write();
        let freed = changes.into_iter().map(|change| state.apply(change, &indexed)).sum();
        state.set_position(position);
        self.quota.release(freed);
        let dead = state.take_dead();
        drop(state);
        // Again, with their blocks: a collection may have looked for those just before they came.
        self.are_pinned(&roots);
        dead
    }

    fn are_pinned(&self, roots: &[(Cid, Option<NamespaceId>)]) {
        roots.iter().for_each(|(root, namespace)| self.barrier.pinned(*root, *namespace));
    }

    /// Writes what the index lacks. A failure costs time at the next start; it is told in the log
    /// too.
    pub(super) fn flush(&self) -> Result<(), ContentError> {
        let _turn = self.flushing.lock();
        let update = self.state.write().update();
        match self.index.write(&update) {
            Ok(()) => {
                self.state.write().written(&update);
                self.crash.reach("content.index_written");
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "the content index could not be written; it stays behind");
                self.state.write().failed(&update);
                Err(io_error("writing the content index", io::Error::other(error)))
            }
        }
    }

    /// Writes what the index lacks when it is far behind, and now and then, until the store closes:
    /// what the index has does not hang on the log.
    pub(super) fn flush_when_behind(&self, far: &Receiver<()>) {
        let pause = Duration::from_millis(self.config.index_pause_ms.max(1));
        loop {
            let woken = far.recv_timeout(pause);
            // What could not be written is told in the log, and tried again.
            if woken.is_ok() || self.state.read().behind() > 0 {
                let _ = self.flush();
            }
            if woken == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    /// Shows all pins that the index has, until the look answers false.
    pub(super) fn each_pin(
        &self,
        look: &mut dyn FnMut(StoredPin) -> bool,
    ) -> Result<(), ContentError> {
        let shown = self.index.each_pin(look);
        shown.map_err(|e| io_error("reading the pins", io::Error::other(e)))
    }

    /// Every block that an open session relies on counts as touched.
    pub(super) fn touch_sessions(&self) {
        self.sessions.each_key(|key| self.barrier.touch(key));
    }

    /// Promises room, without waiting for any.
    pub(super) fn try_reserve(&self, bytes: u64) -> Result<(), ContentError> {
        let reserved = self.quota.reserve(bytes);
        self.pressure.is_used(self.quota.used());
        reserved
    }

    /// Promises room; where there is none, what nothing keeps goes first. On a thread that may
    /// wait.
    pub(super) fn reserve(
        &self,
        bytes: u64,
        appends: &mpsc::WeakSender<Append>,
    ) -> Result<(), ContentError> {
        let full = match self.try_reserve(bytes) {
            Ok(()) => return Ok(()),
            Err(full) => full,
        };
        // Somebody's collection may be under way, or over by now.
        drop(self.collecting.lock());
        if self.quota.reserve(bytes).is_ok() {
            return Ok(());
        }
        if bytes > self.quota.max() || !self.pressure.may_collect() {
            return Err(full);
        }
        let low = self.pressure.low().min(self.quota.max().saturating_sub(bytes));
        Collection { inner: self, appends }.run(Goal::Below(low))?;
        self.quota.reserve(bytes)
    }

    /// Collects whenever the store is full enough, until it closes.
    pub(super) fn collect_when_woken(
        &self,
        woken: &Receiver<()>,
        appends: &mpsc::WeakSender<Append>,
    ) {
        while woken.recv().is_ok() {
            let goal = Goal::Below(self.pressure.low());
            if let Err(error) = (Collection { inner: self, appends }).run(goal)
                && !self.is_closing.load(Ordering::Relaxed)
            {
                tracing::warn!(%error, "content could not be collected");
            }
        }
    }

    /// A collection is over.
    pub(super) fn collected(&self) {
        self.pressure.collected(self.quota.used());
    }

    /// From now on, what takes long ends early.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.pressure.close();
    }

    pub(super) fn stop_if_closing(&self) -> Result<(), ContentError> {
        if self.is_closing.load(Ordering::Relaxed) { Err(closed()) } else { Ok(()) }
    }
}

/// Reads a block from its pack; none is an error, as of a file that is not there.
fn read(pack: Option<&Pack>, cid: &Cid, loc: Loc) -> Result<Bytes, ContentError> {
    let bytes = match pack {
        Some(pack) => pack.read(loc.offset, loc.bytes as usize),
        None => Err(io::ErrorKind::NotFound.into()),
    };
    bytes.map_err(|e| io_error(format!("reading block {cid} from pack {:08x}", loc.pack), e))
}
