//! The one thread that writes the log: it takes all that waits, writes it at once, syncs once,
//! and answers everybody.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use gadus_model::Cid;
use gadus_ports::{ContentError, NamespaceId, PinReason};
use tokio::sync::mpsc;

use super::pack::{Kind, MAGIC_BYTES, Pack};
use super::record::{self, Entry, Term};
use super::state::{Change, Loc, PinChange, Position, cost};
use super::{Append, Behind, Inner};
use crate::block::Key;
use crate::error::io_error;

/// No more than this is gathered for one write.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// Dead copies smaller than this are not worth a hole.
const HOLE_BYTES_MIN: u32 = 64 << 10;

/// Something to write to the log.
#[derive(Debug)]
pub(crate) enum Item {
    /// A verified block, whose cost is reserved.
    Block { cid: Cid, bytes: Bytes, namespace: Option<NamespaceId> },
    /// Blocks of a large import that are durable in bulk packs, whose cost is reserved.
    Bulk {
        entry: Entry,
        blocks: Vec<(Key, Loc)>,
        namespace: Option<NamespaceId>,
        /// Held until the blocks count: their packs stay.
        writers: Vec<Arc<()>>,
    },
    /// A copy of a block, from a pack that is to go. Its room is that of the block itself.
    Moved { cid: Cid, bytes: Bytes, namespace: Option<NamespaceId>, from: Loc },
    /// The log is to go on in a new pack.
    Rotate,
    /// Anything else.
    Control(Entry),
}

impl Item {
    pub(crate) fn pin(root: Cid, reason: &PinReason, term: Term) -> Self {
        Self::Control(Entry::Pin { root, reason: reason.into(), term: Some(term) })
    }

    /// Whether what it does depends on all before it having taken effect.
    fn is_alone(&self) -> bool {
        matches!(self, Self::Moved { .. } | Self::Rotate)
    }

    /// What it costs of the quota.
    pub(crate) fn cost(&self) -> u64 {
        match self {
            Self::Block { bytes, .. } => cost(bytes.len()),
            Self::Bulk { blocks, .. } => {
                blocks.iter().map(|(_, loc)| cost(loc.bytes as usize)).sum()
            }
            Self::Moved { .. } | Self::Rotate | Self::Control(_) => 0,
        }
    }

    fn data_bytes(&self) -> usize {
        match self {
            Self::Block { bytes, .. } | Self::Moved { bytes, .. } => bytes.len(),
            Self::Bulk { .. } | Self::Rotate | Self::Control(_) => 0,
        }
    }
}

/// Writes the log.
#[derive(Debug)]
pub(super) struct Committer {
    inner: Arc<Inner>,
    pack: Arc<Pack>,
    end: u64,
    behind: Behind,
    /// Reused from batch to batch.
    buffer: Vec<u8>,
    /// Something was written that no sync has followed.
    unsynced: bool,
}

/// What a batch does once it is on disk.
#[derive(Default)]
struct Batch {
    changes: Vec<Change>,
    /// Reserved for blocks that turned out to be here already.
    spare_bytes: u64,
    /// Held until the changes have taken effect.
    writers: Vec<Arc<()>>,
    is_last_of_pack: bool,
}

impl Committer {
    /// Goes on at the end of the log.
    pub(super) fn new(inner: Arc<Inner>, behind: Behind) -> io::Result<Self> {
        let position = inner.state.read().position();
        let (pack, end) = match inner.packs.get(position.pack) {
            Some(pack) if pack.kind == Kind::Log && position.offset >= MAGIC_BYTES => {
                (pack, position.offset)
            }
            _ => (inner.packs.create(Kind::Log)?.pack, MAGIC_BYTES),
        };
        Ok(Self { inner, pack, end, behind, buffer: Vec::new(), unsynced: false })
    }

    /// Runs until nobody can append any more.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Append>) {
        while let Some(first) = queue.blocking_recv() {
            let mut bytes = batch_bytes(&first);
            let mut is_open = !is_alone(&first);
            let mut appends = vec![first];
            while is_open && bytes < BATCH_BYTES_MAX {
                let Ok(next) = queue.try_recv() else { break };
                bytes += batch_bytes(&next);
                if is_alone(&next) {
                    self.commit(std::mem::take(&mut appends));
                    is_open = false;
                }
                appends.push(next);
            }
            self.commit(appends);
        }
        if self.unsynced
            && let Err(error) = self.pack.sync()
        {
            tracing::warn!(%error, "the last pins could not be written");
        }
    }

    fn commit(&mut self, appends: Vec<Append>) {
        let reserved: u64 = appends.iter().flat_map(|a| &a.items).map(Item::cost).sum();
        let durable = appends.iter().any(|append| append.durable);
        let mut replies = Vec::with_capacity(appends.len());
        let mut batch = Batch::default();
        let mut seen = HashSet::new();
        self.buffer.clear();
        for append in appends {
            replies.extend(append.reply);
            for item in append.items {
                self.add(item, &mut batch, &mut seen);
            }
        }
        self.inner.crash.reach("content.before_write");
        match self.write(durable) {
            Ok(position) => {
                for change in &batch.changes {
                    // All that comes in was held to its hash.
                    change.locs().for_each(|loc| self.inner.checked.note(loc));
                }
                let dead = self.inner.apply(batch.changes, position);
                drop(batch.writers);
                self.inner.quota.release(batch.spare_bytes);
                let rotated = if batch.is_last_of_pack { self.rotate() } else { Ok(()) };
                for reply in replies {
                    // Whoever asked may be gone.
                    let _ = reply.send(rotated.as_ref().map_err(again).copied());
                }
                self.after(&dead);
            }
            Err(error) => {
                self.inner.quota.release(reserved);
                for reply in replies {
                    let _ = reply.send(Err(again(&error)));
                }
                self.leave_pack();
            }
        }
    }

    /// Puts an item's record into the buffer.
    fn add(
        &mut self,
        item: Item,
        batch: &mut Batch,
        seen: &mut HashSet<(Key, Option<NamespaceId>)>,
    ) {
        match item {
            Item::Block { cid, bytes, namespace } => {
                let key = Key::of(&cid);
                self.inner.barrier.touch(&key);
                let known = self.inner.public(&key).is_some() || !seen.insert((key, namespace));
                if known {
                    batch.spare_bytes += cost(bytes.len());
                    return;
                }
                let loc = self.block(&Entry::Block { cid, namespace }, &bytes);
                batch.changes.push(Change::Block { key, namespace, loc });
            }
            Item::Bulk { entry, blocks, namespace, writers } => {
                self.record(&entry, 0);
                if let Entry::Commit { extents } = entry {
                    let end = |e: record::Extent| Change::BulkEnd { pack: e.pack, end: e.to };
                    batch.changes.extend(extents.into_iter().map(end));
                }
                blocks.iter().for_each(|(key, _)| self.inner.barrier.touch(key));
                batch.changes.push(Change::Blocks { namespace, blocks });
                batch.writers.extend(writers);
            }
            Item::Moved { cid, bytes, namespace, from } => {
                let key = Key::of(&cid);
                // A namespace may have been published since the block was read.
                let namespace = match self.inner.public(&key) {
                    Some(loc) if loc == from => None,
                    _ => match namespace {
                        Some(id) if self.inner.is_quarantined(id, &key, from) => Some(id),
                        _ => return,
                    },
                };
                let to = self.block(&Entry::Block { cid, namespace }, &bytes);
                batch.changes.push(Change::Move { key, namespace, from, to });
            }
            Item::Rotate => batch.is_last_of_pack = true,
            Item::Control(entry) => {
                self.record(&entry, 0);
                if let Entry::Promote { namespace, .. } = &entry {
                    let keys = self.inner.state.read().keys_of(*namespace);
                    keys.iter().for_each(|key| self.inner.barrier.touch(key));
                }
                batch.changes.extend(control(entry));
            }
        }
    }

    /// A block's record; answers where its bytes will be.
    fn block(&mut self, entry: &Entry, bytes: &Bytes) -> Loc {
        self.record(entry, bytes.len());
        let offset = self.end + self.buffer.len() as u64;
        self.buffer.extend_from_slice(bytes);
        Loc { pack: self.pack.id, offset, bytes: bytes.len() as u32 }
    }

    fn record(&mut self, entry: &Entry, data_bytes: usize) {
        self.buffer.extend_from_slice(&record::encode(entry, data_bytes));
    }

    fn write(&mut self, durable: bool) -> io::Result<Position> {
        self.pack.write([&self.buffer, &[]], self.end)?;
        self.unsynced = true;
        self.inner.crash.reach("content.after_write");
        if durable {
            self.pack.sync()?;
            self.unsynced = false;
            self.inner.crash.reach("content.after_sync");
        }
        self.end += self.buffer.len() as u64;
        Ok(Position { pack: self.pack.id, offset: self.end })
    }

    /// What nobody waits for.
    fn after(&mut self, dead: &[Loc]) {
        for loc in dead.iter().filter(|loc| loc.bytes >= HOLE_BYTES_MIN) {
            // Log packs stay whole: a start reads them by their records' data.
            if let Some(pack) = self.inner.packs.get(loc.pack)
                && pack.kind == Kind::Bulk
            {
                pack.punch(loc.offset, u64::from(loc.bytes));
            }
        }
        if self.inner.state.read().behind() >= self.inner.config.index_behind_max {
            // Full means that it knows already.
            let _ = self.behind.try_send(());
        }
        if self.inner.packs.is_full(self.end) {
            self.leave_pack();
            // What is dead takes room of the disk, though none of the quota.
            self.inner.pressure.is_used(self.inner.packs.disk_bytes());
        }
    }

    /// Goes on in a new pack, unless there is nothing in this one.
    fn rotate(&mut self) -> io::Result<()> {
        if self.end > MAGIC_BYTES { self.begin_pack() } else { Ok(()) }
    }

    /// Goes on in a new pack: when this one is full, and after a failed write or sync, when what
    /// is on disk is unknown.
    fn leave_pack(&mut self) {
        if let Err(error) = self.begin_pack() {
            tracing::error!(%error, "no new pack can be made; writing goes on in the old one");
        }
    }

    fn begin_pack(&mut self) -> io::Result<()> {
        if self.unsynced {
            self.pack.sync()?;
        }
        self.pack = self.inner.packs.create(Kind::Log)?.pack;
        self.end = MAGIC_BYTES;
        self.unsynced = false;
        let position = Position { pack: self.pack.id, offset: self.end };
        self.inner.state.write().set_position(position);
        Ok(())
    }
}

/// What a record that is neither a block nor a commit does.
pub(super) fn control(entry: Entry) -> Option<Change> {
    match entry {
        Entry::Promote { namespace, root, reason, term } => {
            let pin = PinChange::Add(reason, root, term.unwrap_or_default());
            Some(Change::Promote { namespace, pin })
        }
        Entry::Discard { namespace } => Some(Change::Discard { namespace }),
        Entry::Outputs { namespace, root } => Some(Change::Outputs { namespace, root }),
        Entry::Pin { root, reason, term } => {
            Some(Change::Pin(PinChange::Add(reason, root, term.unwrap_or_default())))
        }
        Entry::Unpin { reason, root } => Some(Change::Pin(PinChange::Drop(reason, root))),
        Entry::Block { .. }
        | Entry::Commit { .. }
        | Entry::Known { .. }
        | Entry::Hidden { .. }
        | Entry::End { .. } => None,
    }
}

fn is_alone(append: &Append) -> bool {
    append.items.iter().any(Item::is_alone)
}

fn batch_bytes(append: &Append) -> usize {
    append.items.iter().map(Item::data_bytes).sum()
}

/// One error for each who waits.
fn again(error: &io::Error) -> ContentError {
    let copy = match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    };
    io_error("writing blocks to a pack", copy)
}
