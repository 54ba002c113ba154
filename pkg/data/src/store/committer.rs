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
use super::record::{self, Entry};
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
    Bulk { entry: Entry, blocks: Vec<(Key, Loc)>, namespace: Option<NamespaceId> },
    /// Anything else.
    Control(Entry),
}

impl Item {
    pub(crate) fn pin(root: Cid, reason: &PinReason) -> Self {
        Self::Control(Entry::Pin { root, reason: reason.into() })
    }

    /// What it costs of the quota.
    pub(crate) fn cost(&self) -> u64 {
        match self {
            Self::Block { bytes, .. } => cost(bytes.len()),
            Self::Bulk { blocks, .. } => {
                blocks.iter().map(|(_, loc)| cost(loc.bytes as usize)).sum()
            }
            Self::Control(_) => 0,
        }
    }

    fn data_bytes(&self) -> usize {
        match self {
            Self::Block { bytes, .. } => bytes.len(),
            Self::Bulk { .. } | Self::Control(_) => 0,
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
}

impl Committer {
    /// Goes on at the end of the log.
    pub(super) fn new(inner: Arc<Inner>, behind: Behind) -> io::Result<Self> {
        let position = inner.state.read().position();
        let (pack, end) = match inner.packs.get(position.pack) {
            Some(pack) if pack.kind == Kind::Log && position.offset >= MAGIC_BYTES => {
                (pack, position.offset)
            }
            _ => (inner.packs.create(Kind::Log)?, MAGIC_BYTES),
        };
        Ok(Self { inner, pack, end, behind, buffer: Vec::new(), unsynced: false })
    }

    /// Runs until nobody can append any more.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Append>) {
        while let Some(first) = queue.blocking_recv() {
            let mut bytes = batch_bytes(&first);
            let mut appends = vec![first];
            while bytes < BATCH_BYTES_MAX {
                let Ok(next) = queue.try_recv() else { break };
                bytes += batch_bytes(&next);
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
        match self.write(durable) {
            Ok(position) => {
                let dead = self.inner.apply(batch.changes, position);
                self.inner.quota.release(batch.spare_bytes);
                for reply in replies {
                    // Whoever asked may be gone.
                    let _ = reply.send(Ok(()));
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
                let known = self.inner.public(&key).is_some() || !seen.insert((key, namespace));
                if known {
                    batch.spare_bytes += cost(bytes.len());
                    return;
                }
                self.record(&Entry::Block { cid, namespace }, bytes.len());
                let offset = self.end + self.buffer.len() as u64;
                self.buffer.extend_from_slice(&bytes);
                let loc = Loc { pack: self.pack.id, offset, bytes: bytes.len() as u32 };
                batch.changes.push(Change::Block { key, namespace, loc });
            }
            Item::Bulk { entry, blocks, namespace } => {
                self.record(&entry, 0);
                if let Entry::Commit { extents } = entry {
                    let end = |e: record::Extent| Change::BulkEnd { pack: e.pack, end: e.to };
                    batch.changes.extend(extents.into_iter().map(end));
                }
                let change = |(key, loc)| Change::Block { key, namespace, loc };
                batch.changes.extend(blocks.into_iter().map(change));
            }
            Item::Control(entry) => {
                self.record(&entry, 0);
                batch.changes.extend(control(entry));
            }
        }
    }

    fn record(&mut self, entry: &Entry, data_bytes: usize) {
        self.buffer.extend_from_slice(&record::encode(entry, data_bytes));
    }

    fn write(&mut self, durable: bool) -> io::Result<Position> {
        self.pack.write([&self.buffer, &[]], self.end)?;
        self.unsynced = true;
        if durable {
            self.pack.sync()?;
            self.unsynced = false;
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
        }
    }

    /// Goes on in a new pack: when this one is full, and after a failed write or sync, when what
    /// is on disk is unknown.
    fn leave_pack(&mut self) {
        let synced = if self.unsynced { self.pack.sync() } else { Ok(()) };
        match synced.and_then(|()| self.inner.packs.create(Kind::Log)) {
            Ok(pack) => {
                self.pack = pack;
                self.end = MAGIC_BYTES;
                self.unsynced = false;
            }
            Err(error) => {
                tracing::error!(%error, "no new pack can be made; writing goes on in the old one");
            }
        }
    }
}

/// What a record that is neither a block nor a commit does.
pub(super) fn control(entry: Entry) -> Option<Change> {
    match entry {
        Entry::Promote { namespace, root, reason } => {
            Some(Change::Promote { namespace, root, reason })
        }
        Entry::Discard { namespace } => Some(Change::Discard { namespace }),
        Entry::Pin { root, reason } => Some(Change::Pin(PinChange::Add(reason, root))),
        Entry::Unpin { reason } => Some(Change::Pin(PinChange::Drop(reason))),
        Entry::Block { .. } | Entry::Commit { .. } => None,
    }
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
