//! Blocks on disk.
//!
//! ```text
//! put ──► committer (one thread) ──► log pack ──► fdatasync ──► state (memory) ──► index (redb, lazily)
//! large import ──► session ──► bulk pack ──► fdatasync ──► a Commit record, by the committer
//! ```
//!
//! The log packs are the truth: they hold small blocks, and every promotion, discard and pin, in
//! order. Everything else is derived: at start, what the index does not have yet is read from the
//! log's tail, and a lost index is made again from all of it. All that waits for the disk at one
//! time shares one `fdatasync`.

mod committer;
mod index;
mod lock;
mod pack;
mod packs;
mod quota;
mod record;
mod recover;
mod scan;
mod session;
mod state;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use bytes::Bytes;
use gadus_model::Cid;
use gadus_ports::{ContentError, NamespaceId, PinReason};
use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot};

use self::committer::Committer;
pub(crate) use self::committer::Item;
use self::index::Index;
use self::packs::Packs;
use self::quota::Quota;
use self::record::Entry;
pub(crate) use self::session::Session;
use self::state::{Change, Loc, PinChange, Position, State};
use crate::block::{Key, identity};
use crate::config::ContentConfig;
use crate::error::{OpenError, io_error};

/// Blocks by CID, on disk.
#[derive(Debug)]
pub(crate) struct Store {
    inner: Arc<Inner>,
    /// Absent once the store is being dropped, which ends the committer.
    appends: Option<mpsc::Sender<Append>>,
    weak_appends: mpsc::WeakSender<Append>,
    threads: Vec<JoinHandle<()>>,
}

/// What all threads of a store share.
#[derive(Debug)]
struct Inner {
    config: ContentConfig,
    packs: Packs,
    index: Index,
    state: RwLock<State>,
    quota: Quota,
    _lock: File,
}

/// Something for the committer.
#[derive(Debug)]
struct Append {
    items: Vec<Item>,
    /// The answer waits for the disk.
    durable: bool,
    reply: Option<oneshot::Sender<Result<(), ContentError>>>,
}

impl Store {
    /// Opens or makes the store in `dir`, for this process alone.
    pub(crate) fn open(dir: &Path, config: &ContentConfig) -> Result<Self, OpenError> {
        let inner = Arc::new(recover::open(dir, config)?);
        let io = |source| OpenError::Io { doing: "start the threads", dir: dir.to_owned(), source };
        let (appends, queue) = mpsc::channel(config.append_queue_max);
        let (behind, flushes) = sync_channel(1);
        let committer = Committer::new(inner.clone(), behind).map_err(|source| OpenError::Io {
            doing: "open a pack",
            dir: dir.to_owned(),
            source,
        })?;
        let flusher = inner.clone();
        let threads = vec![
            spawn("gadus-commit", move || committer.run(queue)).map_err(io)?,
            spawn("gadus-index", move || {
                while flushes.recv().is_ok() {
                    flusher.flush();
                }
                flusher.flush();
            })
            .map_err(io)?,
        ];
        let weak_appends = appends.downgrade();
        Ok(Self { inner, appends: Some(appends), weak_appends, threads })
    }

    /// Whether a public block is here.
    pub(crate) fn has(&self, cid: &Cid) -> bool {
        identity(cid).is_some() || self.inner.public(&Key::of(cid)).is_some()
    }

    /// A public block, or one of a namespace.
    pub(crate) fn get(
        &self,
        cid: &Cid,
        namespace: Option<NamespaceId>,
    ) -> Result<Option<Bytes>, ContentError> {
        if let Some(bytes) = identity(cid) {
            return Ok(Some(bytes));
        }
        let key = Key::of(cid);
        let quarantined = namespace.and_then(|id| self.inner.state.read().quarantined(id, &key));
        let Some(loc) = quarantined.or_else(|| self.inner.public(&key)) else {
            return Ok(None);
        };
        self.inner.read(cid, loc).map(Some)
    }

    /// Stores blocks that were checked against their CIDs, durably; all that goes on at once
    /// shares one sync.
    pub(crate) async fn put_verified(&self, blocks: Vec<(Cid, Bytes)>) -> Result<(), ContentError> {
        let items = self.reserve(blocks)?;
        if items.is_empty() {
            return Ok(());
        }
        self.append(items, true).await
    }

    /// Makes appends of blocks that the quota has room for.
    fn reserve(&self, blocks: Vec<(Cid, Bytes)>) -> Result<Vec<Item>, ContentError> {
        let stored = blocks.into_iter().filter(|(cid, _)| identity(cid).is_none());
        let items: Vec<_> =
            stored.map(|(cid, bytes)| Item::Block { cid, bytes, namespace: None }).collect();
        self.inner.quota.reserve(items.iter().map(Item::cost).sum())?;
        Ok(items)
    }

    /// Makes a namespace public and pins its root.
    pub(crate) async fn promote(
        &self,
        namespace: NamespaceId,
        root: Cid,
        reason: &PinReason,
    ) -> Result<(), ContentError> {
        let entry = Entry::Promote { namespace, root, reason: reason.into() };
        self.append(vec![Item::Control(entry)], true).await
    }

    /// Forgets a namespace. After a crash it may be back: whoever forgets it does so again.
    pub(crate) async fn discard(&self, namespace: NamespaceId) -> Result<(), ContentError> {
        self.append(vec![Item::Control(Entry::Discard { namespace })], false).await
    }

    /// Pins a root. An input's pin does not wait for the disk: whoever runs the execution again
    /// after a crash asks for its inputs again.
    pub(crate) async fn pin(&self, root: Cid, reason: &PinReason) -> Result<(), ContentError> {
        let durable = !matches!(reason, PinReason::Input(_));
        self.append(vec![Item::pin(root, reason)], durable).await
    }

    pub(crate) async fn unpin(&self, reason: &PinReason) -> Result<(), ContentError> {
        let entry = Entry::Unpin { reason: reason.into() };
        self.append(vec![Item::Control(entry)], false).await
    }

    /// All pins, sorted and each once.
    pub(crate) fn pins(&self) -> Result<Vec<(Cid, PinReason)>, ContentError> {
        // The changes first: what the index takes meanwhile is then seen twice, not never.
        let changes = self.inner.state.read().pin_changes().to_vec();
        let mut pins = self
            .inner
            .index
            .pins()
            .map_err(|e| io_error("reading the pins", io::Error::other(e)))?;
        for change in changes {
            match change {
                PinChange::Add(reason, root) => pins.push((reason, root)),
                PinChange::Drop(reason) => pins.retain(|(other, _)| *other != reason),
            }
        }
        let mut pins: Vec<_> =
            pins.into_iter().map(|(reason, root)| (root, PinReason::from(reason))).collect();
        pins.sort();
        pins.dedup();
        Ok(pins)
    }

    /// Roots that were whole when they were pinned, for users and as inputs. What a lost index or
    /// a crash leaves out here is only walked again.
    pub(crate) fn roots_in_use(&self, roots_max: usize) -> Vec<Cid> {
        self.inner.index.roots_in_use(roots_max).unwrap_or_else(|error| {
            tracing::warn!(%error, "the pins cannot be read");
            Vec::new()
        })
    }

    /// Begins an import: of a namespace, or public.
    pub(crate) fn session(&self, namespace: Option<NamespaceId>) -> Session {
        Session::new(self.inner.clone(), self.weak_appends.clone(), namespace)
    }

    async fn append(&self, items: Vec<Item>, durable: bool) -> Result<(), ContentError> {
        let (reply, answer) = oneshot::channel();
        let append = Append { items, durable, reply: Some(reply) };
        let sent = match &self.appends {
            Some(appends) => appends.send(append).await.is_ok(),
            None => false,
        };
        match (sent, answer.await) {
            (true, Ok(result)) => result,
            _ => Err(closed()),
        }
    }

    /// Bytes that count against the quota.
    #[cfg(test)]
    pub(crate) fn used_bytes(&self) -> u64 {
        self.inner.quota.used()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.appends = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to do.
            let _ = thread.join();
        }
    }
}

impl Inner {
    /// Where a public block is.
    fn public(&self, key: &Key) -> Option<Loc> {
        // The memory first: the index has a block before the memory forgets it.
        if let Some(loc) = self.state.read().public(key) {
            return Some(loc);
        }
        self.index.get(key).unwrap_or_else(|error| {
            tracing::error!(%error, "the content index cannot be read");
            None
        })
    }

    fn read(&self, cid: &Cid, loc: Loc) -> Result<Bytes, ContentError> {
        let bytes = match self.packs.get(loc.pack) {
            Some(pack) => pack.read(loc.offset, loc.bytes as usize),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        bytes.map_err(|e| io_error(format!("reading block {cid} from pack {:08x}", loc.pack), e))
    }

    /// Does what durable records say, in order, and answers the dead copies.
    fn apply(&self, changes: Vec<Change>, position: Position) -> Vec<Loc> {
        let mut indexed = HashMap::new();
        for change in &changes {
            let keys = match change {
                Change::Block { key, .. } => vec![*key],
                Change::Promote { namespace, .. } => self.state.read().keys_of(*namespace),
                Change::Discard { .. } | Change::Pin(_) | Change::BulkEnd { .. } => vec![],
            };
            let known = keys.into_iter().filter_map(|key| Some((key, self.public(&key)?)));
            indexed.extend(known);
        }
        let mut state = self.state.write();
        let freed = changes.into_iter().map(|change| state.apply(change, &indexed)).sum();
        state.set_position(position);
        self.quota.release(freed);
        state.take_dead()
    }

    /// Writes what the index lacks. A failure costs time at the next start, nothing else.
    fn flush(&self) {
        let update = self.state.write().update();
        match self.index.write(&update) {
            Ok(()) => self.state.write().written(&update),
            Err(error) => {
                tracing::warn!(%error, "the content index could not be written; it stays behind");
                self.state.write().failed(&update);
            }
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body)
}

fn closed() -> ContentError {
    io_error("writing to the content store", io::Error::from(io::ErrorKind::BrokenPipe))
}

/// Tells the thread that writes the index that there is something to write.
type Behind = SyncSender<()>;
