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
//! time shares one `fdatasync`. Packs with little left in them are emptied and removed, beside
//! everything else: see [`collect`].

mod barrier;
mod check;
mod checked;
mod collect;
mod committer;
mod index;
mod inner;
mod lock;
mod pack;
mod packs;
mod pins;
mod pressure;
mod quota;
mod record;
mod recover;
mod scan;
mod session;
mod stat;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use gadus_model::{Cid, Time};
use gadus_ports::{Checked, Collected, ContentError, NamespaceId, Pinning, StoreStat};
use tokio::sync::{mpsc, oneshot};

use self::collect::{Collection, Goal};
use self::committer::Committer;
pub(crate) use self::committer::Item;
use self::inner::Inner;
use self::record::{Entry, Term};
pub(crate) use self::session::Session;
use crate::block::{Key, identity};
use crate::config::ContentConfig;
use crate::content::blocking;
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
        let weak_appends = appends.downgrade();
        let (behind, flushes) = sync_channel(1);
        let (wake, woken) = sync_channel(1);
        inner.pressure.wakes(wake);
        let committer = Committer::new(inner.clone(), behind).map_err(|source| OpenError::Io {
            doing: "open a pack",
            dir: dir.to_owned(),
            source,
        })?;
        let (flusher, collector, asked) = (inner.clone(), inner.clone(), weak_appends.clone());
        let threads = vec![
            spawn("gadus-commit", move || committer.run(queue)).map_err(io)?,
            spawn("gadus-index", move || {
                flusher.flush_when_behind(&flushes);
            })
            .map_err(io)?,
            spawn("gadus-collect", move || collector.collect_when_woken(&woken, &asked))
                .map_err(io)?,
        ];
        inner.pressure.is_used(inner.quota.used());
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
        self.inner.block(cid, namespace)
    }

    /// Stores blocks that were checked against their CIDs, durably; all that goes on at once
    /// shares one sync.
    pub(crate) async fn put_verified(&self, blocks: Vec<(Cid, Bytes)>) -> Result<(), ContentError> {
        let items = self.reserve(blocks).await?;
        if items.is_empty() {
            return Ok(());
        }
        self.append(items, true).await
    }

    /// Makes appends of blocks that the quota has room for.
    async fn reserve(&self, blocks: Vec<(Cid, Bytes)>) -> Result<Vec<Item>, ContentError> {
        let stored = blocks.into_iter().filter(|(cid, _)| identity(cid).is_none());
        let items: Vec<_> =
            stored.map(|(cid, bytes)| Item::Block { cid, bytes, namespace: None }).collect();
        let bytes = items.iter().map(Item::cost).sum();
        if self.inner.try_reserve(bytes).is_err() {
            let (inner, appends) = (self.inner.clone(), self.weak_appends.clone());
            blocking(move || inner.reserve(bytes, &appends)).await?;
        }
        Ok(items)
    }

    /// Makes a namespace public and pins its root.
    pub(crate) async fn promote(
        &self,
        namespace: NamespaceId,
        root: Cid,
        pinning: impl Into<Pinning>,
    ) -> Result<(), ContentError> {
        let pinning = pinning.into();
        let term = Some(Term::of(&pinning));
        let reason = (&pinning.reason).into();
        let entry = Entry::Promote { namespace, root, reason, term };
        self.append(vec![Item::Control(entry)], true).await
    }

    /// Forgets a namespace. After a crash it may be back: whoever forgets it does so again.
    pub(crate) async fn discard(&self, namespace: NamespaceId) -> Result<(), ContentError> {
        self.append(vec![Item::Control(Entry::Discard { namespace })], false).await
    }

    /// Begins an import: of a namespace, or public. To be filled by threads that may wait.
    pub(crate) fn session(&self, namespace: Option<NamespaceId>) -> Session {
        Session::new(self.inner.clone(), self.weak_appends.clone(), namespace, true)
    }

    /// The same for threads that may not: a full store is an error at once.
    pub(crate) fn hasty_session(&self, namespace: Option<NamespaceId>) -> Session {
        Session::new(self.inner.clone(), self.weak_appends.clone(), namespace, false)
    }

    /// Frees what nothing keeps. On a thread that may wait.
    pub(crate) fn collect(&self) -> Result<Collected, ContentError> {
        Collection { inner: &self.inner, appends: &self.weak_appends }.run(Goal::All)
    }

    /// Reads and checks everything. On a thread that may wait.
    pub(crate) fn check(&self, repair: bool) -> Result<Checked, ContentError> {
        check::all(&self.inner, repair)
    }

    /// Writes what the index lacks. On a thread that may wait.
    pub(crate) fn settle(&self) -> Result<(), ContentError> {
        self.inner.flush()
    }

    /// Figures. On a thread that may wait.
    pub(crate) fn stat(&self) -> Result<StoreStat, ContentError> {
        stat::stat(&self.inner)
    }

    /// How often blocks were removed: what was seen before that may be gone.
    pub(crate) fn sweeps(&self) -> Arc<AtomicU64> {
        self.inner.sweeps.clone()
    }

    async fn append(&self, items: Vec<Item>, durable: bool) -> Result<(), ContentError> {
        let (append, answer) = ask(items, durable);
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
        self.inner.close();
        self.appends = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to do.
            let _ = thread.join();
        }
    }
}

/// An append, and its answer to come.
fn ask(items: Vec<Item>, durable: bool) -> (Append, oneshot::Receiver<Result<(), ContentError>>) {
    let (reply, answer) = oneshot::channel();
    (Append { items, durable, reply: Some(reply) }, answer)
}

/// By the clock on the wall: terms outlive the process.
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body)
}

fn closed() -> ContentError {
    io_error("writing to the content store", io::Error::from(io::ErrorKind::BrokenPipe))
}

/// Tells the thread that writes the index that there is something to write.
type Behind = SyncSender<()>;
