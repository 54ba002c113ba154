//! An import: its blocks count all at once, when it commits, or never.
//!
//! A small one waits in memory and becomes one append, so that small imports share syncs. One
//! that outgrows `session_memory_bytes` leases a bulk pack: blocks are hashed and written by
//! several threads at offsets that are claimed under a lock and written outside it.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use gadus_model::Cid;
use gadus_ports::{ContentError, NamespaceId, PinReason, Pinning};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::packs::Lease;
use super::record::{self, Entry, Extent, Term};
use super::state::{Loc, cost};
use super::{Append, Inner, Item, ask, closed};
use crate::block::{Key, identity};
use crate::error::io_error;

/// Smaller blocks are gathered to writes of about this size.
const GATHER_BYTES: usize = 1 << 20;
/// Larger blocks are written by themselves.
const LARGE_BYTES: usize = 64 << 10;

/// What the committer says.
type Answer = oneshot::Receiver<Result<(), ContentError>>;

/// One import.
#[derive(Debug)]
pub(crate) struct Session {
    inner: Arc<Inner>,
    /// Weak, so that a session does not keep a store from closing.
    appends: mpsc::WeakSender<Append>,
    namespace: Option<NamespaceId>,
    /// A collection looks into it, under this number.
    work: Arc<Mutex<Work>>,
    number: u64,
    /// Whether it waits for room when there is none.
    may_wait: bool,
}

#[derive(Debug, Default)]
pub(super) struct Work {
    blocks: HashMap<Key, Place>,
    /// What the quota has promised.
    reserved_bytes: u64,
    memory: Vec<(Cid, Bytes)>,
    memory_bytes: u64,
    bulk: Option<Bulk>,
}

/// The part of a session that is in bulk packs.
#[derive(Debug)]
struct Bulk {
    /// Where the next claim goes.
    lease: Lease,
    /// Where the session began to write in the leased pack.
    from: u64,
    /// Packs that were filled up before.
    full: Vec<(Lease, u64)>,
    /// Small blocks that wait for company; offsets are within it.
    gathered: Vec<u8>,
    gathered_blocks: Vec<(Key, usize, u32)>,
}

/// Where a block of a session is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the store, public, since before; or on its way to another place.
    Elsewhere,
    /// Waits in memory, at this position.
    Memory(usize),
    /// Waits with other small ones, at this offset.
    Gathered(usize, u32),
    Pack(Loc),
}

/// Bytes and the place that was claimed for them.
struct Claim {
    lease: Lease,
    offset: u64,
}

impl Session {
    pub(super) fn new(
        inner: Arc<Inner>,
        appends: mpsc::WeakSender<Append>,
        namespace: Option<NamespaceId>,
        may_wait: bool,
    ) -> Self {
        let work = Arc::default();
        let number = inner.sessions.begin(&work);
        Self { inner, appends, namespace, work, number, may_wait }
    }

    /// Takes a block whose bytes are known to be what its CID says. Called by several threads.
    pub(crate) fn put(&self, cid: &Cid, bytes: &[u8]) -> Result<(), ContentError> {
        let key = Key::of(cid);
        if identity(cid).is_some() {
            return Ok(());
        }
        match self.work.lock().blocks.entry(key) {
            MapEntry::Occupied(_) => return Ok(()),
            MapEntry::Vacant(new) => new.insert(Place::Elsewhere),
        };
        self.inner.barrier.touch(&key);
        if self.inner.public(&key).is_some() {
            return Ok(());
        }
        self.reserve(cost(bytes.len()))?;
        let mut work = self.work.lock();
        work.reserved_bytes += cost(bytes.len());
        let fits = work.memory_bytes + cost(bytes.len()) <= self.inner.config.session_memory_bytes;
        if work.bulk.is_none() && fits {
            work.memory_bytes += cost(bytes.len());
            let place = Place::Memory(work.memory.len());
            work.blocks.insert(key, place);
            work.memory.push((*cid, Bytes::copy_from_slice(bytes)));
            return Ok(());
        }
        let spilled = std::mem::take(&mut work.memory);
        drop(work);
        for (cid, bytes) in &spilled {
            self.write(cid, bytes)?;
        }
        self.write(cid, bytes)
    }

    fn reserve(&self, bytes: u64) -> Result<(), ContentError> {
        if self.may_wait {
            return self.inner.reserve(bytes, &self.appends);
        }
        self.inner.quota.reserve(bytes)
    }

    /// A block of the session, or a public one. Only while no `put` is under way.
    pub(crate) fn get(&self, cid: &Cid) -> Result<Option<Bytes>, ContentError> {
        if let Some(bytes) = identity(cid) {
            return Ok(Some(bytes));
        }
        let key = Key::of(cid);
        let work = self.work.lock();
        let loc = match work.blocks.get(&key) {
            Some(Place::Memory(nth)) => return Ok(Some(work.memory[*nth].1.clone())),
            Some(Place::Gathered(at, bytes)) => {
                let gathered =
                    work.bulk.as_ref().map(|bulk| &bulk.gathered[*at..][..*bytes as usize]);
                return Ok(gathered.map(Bytes::copy_from_slice));
            }
            Some(Place::Pack(loc)) => Some(*loc),
            Some(Place::Elsewhere) | None => None,
        };
        drop(work);
        match loc {
            Some(loc) => self.inner.read(cid, loc).map(Some),
            None => {
                self.inner.barrier.touch(&key);
                self.inner.block(cid, None)
            }
        }
    }

    /// Whether the session or the public store has a block.
    pub(crate) fn has(&self, cid: &Cid) -> bool {
        let key = Key::of(cid);
        self.inner.barrier.touch(&key);
        identity(cid).is_some()
            || self.work.lock().blocks.contains_key(&key)
            || self.inner.public(&key).is_some()
    }

    /// Writes a block to a bulk pack, by itself or with others.
    fn write(&self, cid: &Cid, bytes: &[u8]) -> Result<(), ContentError> {
        let head =
            record::encode(&Entry::Block { cid: *cid, namespace: self.namespace }, bytes.len());
        self.ensure_bulk()?;
        let mut guard = self.work.lock();
        let work = &mut *guard;
        let Some(bulk) = work.bulk.as_mut() else { return Err(closed()) };
        let key = Key::of(cid);
        if bytes.len() < LARGE_BYTES {
            let data_at = bulk.gathered.len() + head.len();
            bulk.gathered_blocks.push((key, data_at, bytes.len() as u32));
            bulk.gathered.extend_from_slice(&head);
            bulk.gathered.extend_from_slice(bytes);
            work.blocks.insert(key, Place::Gathered(data_at, bytes.len() as u32));
            if bulk.gathered.len() < GATHER_BYTES {
                return Ok(());
            }
            let (gathered, claim) = bulk.take_gathered(&mut work.blocks);
            drop(guard);
            return write_claim(&claim, [&gathered, &[]]);
        }
        let claim = bulk.claim((head.len() + bytes.len()) as u64);
        let offset = claim.offset + head.len() as u64;
        let loc = Loc { pack: claim.lease.pack.id, offset, bytes: bytes.len() as u32 };
        work.blocks.insert(key, Place::Pack(loc));
        drop(guard);
        write_claim(&claim, [&head, bytes])
    }

    /// Leases a pack for the first block that needs one, and when the leased one is full.
    fn ensure_bulk(&self) -> Result<(), ContentError> {
        let full = |bulk: &Bulk| self.inner.packs.is_full(bulk.lease.end);
        if self.work.lock().bulk.as_ref().is_some_and(|bulk| !full(bulk)) {
            return Ok(());
        }
        let lease = self.inner.packs.lease().map_err(|e| io_error("making a pack", e))?;
        let mut work = self.work.lock();
        let from = lease.end;
        match work.bulk.as_mut() {
            None => {
                work.bulk = Some(Bulk {
                    lease,
                    from,
                    full: Vec::new(),
                    gathered: Vec::new(),
                    gathered_blocks: Vec::new(),
                });
            }
            Some(bulk) if full(bulk) => {
                let old = std::mem::replace(&mut bulk.lease, lease);
                let began = std::mem::replace(&mut bulk.from, from);
                bulk.full.push((old, began));
            }
            // Another thread was faster.
            Some(_) => self.inner.packs.give_back(lease.pack, lease.end),
        }
        Ok(())
    }

    /// Makes the session's blocks count, durably, and pins `pin` in the same step. To be called
    /// once, on a thread that may wait, when no `put` is under way.
    pub(crate) fn commit(&self, pin: Option<(Cid, Pinning)>) -> Result<(), ContentError> {
        let is_input = |(_, pin): &(Cid, Pinning)| matches!(pin.reason, PinReason::Input(_));
        let is_lazy = pin.as_ref().is_some_and(is_input);
        let pin = pin.map(|(root, pin)| Item::pin(root, &pin.reason, Term::of(&pin)));
        self.commit_with(pin, is_lazy)
    }

    /// The same for the outputs of an execution, whose blocks are the session's or public.
    pub(crate) fn commit_outputs(&self, root: Cid) -> Result<(), ContentError> {
        self.commit_with(self.outputs(root), false)
    }

    fn outputs(&self, root: Cid) -> Option<Item> {
        let entry = |namespace| Item::Control(Entry::Outputs { namespace, root });
        self.namespace.map(entry)
    }

    fn commit_with(&self, last: Option<Item>, is_lazy: bool) -> Result<(), ContentError> {
        let Some((append, answer)) = self.seal(last, is_lazy)? else { return Ok(()) };
        let Some(appends) = self.appends.upgrade() else { return Err(closed()) };
        appends.blocking_send(append).map_err(|_| closed())?;
        answer.blocking_recv().map_err(|_| closed())?
    }

    /// The same for a session that is in memory, on a thread that must not wait.
    pub(crate) async fn commit_small_outputs(&self, root: Cid) -> Result<(), ContentError> {
        let Some((append, answer)) = self.seal(self.outputs(root), false)? else { return Ok(()) };
        let Some(appends) = self.appends.upgrade() else { return Err(closed()) };
        appends.send(append).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// What remains to be appended for the session to count.
    fn seal(
        &self,
        last: Option<Item>,
        is_lazy: bool,
    ) -> Result<Option<(Append, Answer)>, ContentError> {
        let mut items = Vec::new();
        if let Some(item) = self.seal_bulk()? {
            items.push(item);
        }
        let mut work = self.work.lock();
        let namespace = self.namespace;
        let blocks = std::mem::take(&mut work.memory);
        items.extend(blocks.into_iter().map(|(cid, bytes)| Item::Block { cid, bytes, namespace }));
        let is_lazy = is_lazy && items.is_empty();
        items.extend(last);
        if items.is_empty() {
            return Ok(None);
        }
        // From here on the committer answers for the room.
        work.reserved_bytes = 0;
        Ok(Some(ask(items, !is_lazy)))
    }

    /// Writes what is gathered, syncs the bulk packs and gives them back.
    fn seal_bulk(&self) -> Result<Option<Item>, ContentError> {
        let mut guard = self.work.lock();
        let work = &mut *guard;
        let Some(bulk) = work.bulk.as_mut() else { return Ok(None) };
        let (gathered, claim) = bulk.take_gathered(&mut work.blocks);
        drop(guard);
        write_claim(&claim, [&gathered, &[]])?;
        let mut work = self.work.lock();
        let Some(bulk) = work.bulk.take() else { return Ok(None) };
        let placed = |(key, place): (&Key, &Place)| match place {
            Place::Pack(loc) => Some((*key, *loc)),
            Place::Elsewhere | Place::Memory(_) | Place::Gathered(..) => None,
        };
        let blocks = work.blocks.iter().filter_map(placed).collect();
        drop(work);
        let mut leases = bulk.full;
        leases.push((bulk.lease, bulk.from));
        let mut extents = Vec::with_capacity(leases.len());
        let synced = leases.iter().try_for_each(|(lease, _)| lease.pack.sync());
        self.inner.crash.reach("content.bulk_synced");
        let mut writers = Vec::with_capacity(leases.len());
        for (lease, from) in leases {
            extents.push(Extent { pack: lease.pack.id, from, to: lease.end });
            writers.push(lease.writer);
            if synced.is_ok() {
                self.inner.packs.give_back(lease.pack, lease.end);
            }
        }
        synced.map_err(|e| io_error("syncing a pack", e))?;
        let entry = Entry::Commit { extents };
        Ok(Some(Item::Bulk { entry, blocks, namespace: self.namespace, writers }))
    }
}

impl Drop for Session {
    /// A session that did not commit never was.
    fn drop(&mut self) {
        self.inner.sessions.end(self.number);
        let mut work = self.work.lock();
        self.inner.quota.release(work.reserved_bytes);
        if let Some(bulk) = work.bulk.take() {
            for (lease, from) in bulk.full.into_iter().chain([(bulk.lease, bulk.from)]) {
                lease.pack.shrink(from);
                self.inner.packs.give_back(lease.pack, from);
            }
        }
    }
}

impl Work {
    /// All blocks that it relies on, its own or not.
    fn keys(&self) -> impl Iterator<Item = &Key> {
        self.blocks.keys()
    }
}

/// The sessions that are open.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    numbers: AtomicU64,
    open: Mutex<HashMap<u64, Arc<Mutex<Work>>>>,
}

impl Sessions {
    fn begin(&self, work: &Arc<Mutex<Work>>) -> u64 {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        self.open.lock().insert(number, work.clone());
        number
    }

    fn end(&self, number: u64) {
        self.open.lock().remove(&number);
    }

    /// Shows every block that a session relies on.
    pub(super) fn each_key(&self, mut look: impl FnMut(&Key)) {
        let open: Vec<_> = self.open.lock().values().cloned().collect();
        for work in open {
            work.lock().keys().for_each(&mut look);
        }
    }
}

impl Bulk {
    fn claim(&mut self, bytes: u64) -> Claim {
        let claim = Claim { lease: self.lease.clone(), offset: self.lease.end };
        self.lease.end += bytes;
        claim
    }

    /// What is gathered, with a place for it.
    fn take_gathered(&mut self, blocks: &mut HashMap<Key, Place>) -> (Vec<u8>, Claim) {
        let gathered = std::mem::take(&mut self.gathered);
        let claim = self.claim(gathered.len() as u64);
        let pack = claim.lease.pack.id;
        for (key, at, bytes) in self.gathered_blocks.drain(..) {
            let loc = Loc { pack, offset: claim.offset + at as u64, bytes };
            blocks.insert(key, Place::Pack(loc));
        }
        (gathered, claim)
    }
}

fn write_claim(claim: &Claim, parts: [&[u8]; 2]) -> Result<(), ContentError> {
    let written: io::Result<()> = claim.lease.pack.write(parts, claim.offset);
    written.map_err(|e| io_error("writing blocks to a pack", e))?;
    let end = claim.offset + (parts[0].len() + parts[1].len()) as u64;
    claim.lease.pack.begin_write_back(claim.offset, end);
    Ok(())
}
