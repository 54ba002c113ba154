//! [`EmbeddedContent`]: the port, over the store. Everything here is short; the work is in the
//! modules.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use gadus_model::{Cid, Time};
use gadus_ports::{
    BoxRead, ByteStream, CarPart, Checked, Collected, Content, ContentError, FetchFrom, Fetched,
    Imported, ImportedResult, InputNode, Keeping, Layout, NamespaceId, Node, Pin, PinPage,
    PinReason, Pinning, Resolved, ResultTree, StoreStat,
};
use rustix::fs::CWD;
use tokio::sync::Semaphore;
use tokio::task::JoinError;
use tokio_util::io::SyncIoBridge;

use crate::block::verify;
use crate::config::ContentConfig;
use crate::dag::{Complete, Gaps, gaps, links};
use crate::error::{OpenError, io_error, malformed};
use crate::fetch::flight::Flights;
use crate::import::named::Named;
use crate::import::walk::Walk;
use crate::import::{Budget, Importer, Pool, car, named, tar_tree};
use crate::readers::Readers;
use crate::store::{Session, Store};
use crate::unixfs::{BlockSink, Built};
use crate::upstream::{self, Upstreams};
use crate::{export, fetch, input, materialise, outputs, read};

/// Blocks up to this size, together, are hashed where they come in; more on a thread that may
/// take its time.
const INLINE_HASH_BYTES_MAX: usize = 64 << 10;

/// The embedded content store: no daemon, one directory.
#[derive(Clone)]
pub struct EmbeddedContent {
    pub(crate) core: Arc<Core>,
}

impl fmt::Debug for EmbeddedContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EmbeddedContent").field(&self.core.store).finish()
    }
}

/// What all methods share.
pub(crate) struct Core {
    pub(crate) store: Store,
    pub(crate) complete: Complete,
    pub(crate) flights: Flights,
    pub(crate) upstreams: Upstreams,
    /// Room for downloads: each holds two threads.
    pub(crate) downloads: Semaphore,
    readers: Readers,
    pub(crate) config: ContentConfig,
    pool: Arc<Pool>,
}

impl EmbeddedContent {
    /// Opens or makes the store in a directory, for this process alone.
    ///
    /// # Errors
    /// `Locked` when another process has it, `Io` and `Index` when the disk fails.
    pub fn open(dir: impl AsRef<Path>, config: ContentConfig) -> Result<Self, OpenError> {
        let dir = dir.as_ref();
        let upstreams = upstream::of_config(&config).map_err(|why| OpenError::Upstream { why })?;
        let store = Store::open(dir, &config)?;
        let failed =
            |source| OpenError::Io { doing: "start the threads", dir: dir.to_owned(), source };
        let pool = Pool::new(config.threads()).map_err(failed)?;
        let readers = Readers::new(config.read_threads_max).map_err(failed)?;
        let core = Core {
            complete: Complete::of(&store),
            flights: Flights::default(),
            upstreams,
            downloads: Semaphore::new(config.downloads_max),
            readers,
            pool: Arc::new(pool),
            store,
            config,
        };
        Ok(Self { core: Arc::new(core) })
    }

    /// Writes down what the memory and the packs alone know, before the process ends.
    ///
    /// # Errors
    /// `Io`; then it is read from the packs at the next start.
    pub async fn settle(&self) -> Result<(), ContentError> {
        let core = self.core.clone();
        blocking(move || core.store.settle()).await
    }

    /// Imports a file or a directory of this machine; a symbolic link is kept as one.
    ///
    /// # Errors
    /// `Malformed` for what is neither file, directory nor link; `UnsafeName`, `Io`, `Full`.
    pub async fn import_path(
        &self,
        path: PathBuf,
        layout: Layout,
    ) -> Result<Imported, ContentError> {
        self.import(layout, move |core, importer, budget| {
            let refuse = |path: String, why: String| malformed(format!("'{path}'"), why);
            let mut walk = Walk::new(importer, budget, refuse, core.config.path_depth_max);
            let shown = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            walk.root(CWD, &path, &shown)
        })
        .await
    }

    /// The same for an entry of a directory that is open.
    pub(crate) async fn import_at(
        &self,
        dir: OwnedFd,
        name: PathBuf,
        layout: Layout,
    ) -> Result<Imported, ContentError> {
        self.import(layout, move |core, importer, budget| {
            let refuse = |path: String, why: String| malformed(format!("'{path}'"), why);
            let mut walk = Walk::new(importer, budget, refuse, core.config.path_depth_max);
            walk.root(dir, &name, &name.to_string_lossy())
        })
        .await
    }

    /// Imports a tree of files that come one after the other.
    pub(crate) async fn import_named(
        &self,
        entries: BoxStream<'static, io::Result<Named>>,
    ) -> Result<Imported, ContentError> {
        self.import(Layout::default(), move |core, importer, budget| {
            named::import(importer, entries, budget, core.config.path_depth_max)
        })
        .await
    }

    /// Imports in a session, off the event loop; the root is pinned for the user.
    async fn import<F>(&self, layout: Layout, make: F) -> Result<Imported, ContentError>
    where
        F: FnOnce(&Core, &Importer, &mut Budget) -> Result<Built, ContentError> + Send + 'static,
    {
        let core = self.core.clone();
        blocking(move || {
            let session = Arc::new(core.store.session(None));
            let importer = core.importer_into(session.clone(), layout);
            let mut budget = core.budget();
            let built = make(&core, &importer, &mut budget).map_err(too_much_is_full)?;
            session.commit(Some((built.cid, PinReason::User.into())))?;
            core.complete.add(&built.cid);
            Ok(Imported {
                root: built.cid,
                roots: vec![built.cid],
                bytes: budget.bytes(),
                files: budget.files(),
            })
        })
        .await
    }
}

impl Core {
    /// An importer in the layout of results.
    pub(crate) fn importer(&self, sink: Arc<dyn BlockSink>) -> Importer {
        self.importer_into(sink, Layout::default())
    }

    fn importer_into(&self, sink: Arc<dyn BlockSink>, layout: Layout) -> Importer {
        Importer::new(sink, self.pool.clone(), layout)
    }

    fn budget(&self) -> Budget {
        Budget::new(u64::MAX, self.config.tree_entries_max)
    }

    /// What a tree lacks here; a whole one is remembered.
    pub(crate) fn gaps(&self, root: &Cid, looks_max: usize) -> Result<Gaps, ContentError> {
        let sweep = self.complete.sweep();
        let found = gaps(&self.store, &self.complete, root, looks_max)?;
        if found.missing.is_empty() && !found.is_cut {
            self.complete.add_as_of(root, sweep);
        }
        Ok(found)
    }
}

impl BlockSink for Session {
    fn put(&self, cid: &Cid, bytes: &[u8]) -> Result<(), ContentError> {
        Self::put(self, cid, bytes)
    }
}

#[async_trait]
impl Content for EmbeddedContent {
    fn has(&self, cid: &Cid) -> bool {
        self.core.store.has(cid)
    }

    fn bytes_missing(&self, root: &Cid, size_hint: u64) -> u64 {
        let core = &self.core;
        if core.complete.has(root) {
            return 0;
        }
        if !core.store.has(root) {
            return size_hint.max(1);
        }
        match core.gaps(root, core.config.missing_walk_max) {
            Ok(found) => {
                let sizes = found.missing.iter().map(|(_, size)| size.unwrap_or(1).max(1));
                let known = sizes.fold(0, u64::saturating_add);
                if found.is_cut { known.max(1) } else { known }
            }
            // It will not get better by fetching, but whoever fetches it is told why.
            Err(_) => size_hint.max(1),
        }
    }

    async fn tree_bytes(&self, root: &Cid) -> Option<u64> {
        let block = self.block(root, None).await.ok().flatten()?;
        let links = links(root, &block).ok()?;
        let under = links.into_iter().filter_map(|(_, bytes)| bytes);
        Some(under.fold(block.len() as u64, u64::saturating_add))
    }

    async fn block(
        &self,
        cid: &Cid,
        namespace: Option<NamespaceId>,
    ) -> Result<Option<Bytes>, ContentError> {
        let cid = *cid;
        self.core.reading(move |core| core.store.get(&cid, namespace)).await
    }

    async fn put(&self, blocks: Vec<(Cid, Bytes)>) -> Result<(), ContentError> {
        let bytes: usize = blocks.iter().map(|(_, bytes)| bytes.len()).sum();
        let verify_all =
            move || blocks.iter().try_for_each(|(cid, bytes)| verify(cid, bytes)).map(|()| blocks);
        let blocks = if bytes <= INLINE_HASH_BYTES_MAX {
            verify_all()?
        } else {
            blocking(verify_all).await?
        };
        self.core.store.put_verified(blocks).await
    }

    async fn fetch(
        &self,
        root: Cid,
        from: FetchFrom,
        pinning: Pinning,
    ) -> Result<Fetched, ContentError> {
        fetch::tree(&self.core, root, &from, &pinning).await
    }

    async fn materialise(&self, root: Cid, dest: PathBuf) -> Result<(), ContentError> {
        let core = self.core.clone();
        let stop = StopOnDrop::default();
        let is_over = stop.0.clone();
        blocking(move || materialise::write(&core, &root, &dest, &is_over)).await
    }

    async fn input(&self, root: Cid) -> Result<InputNode, ContentError> {
        let core = self.core.clone();
        self.core.readers.read(move || input::open(&core, &root)).await
    }

    async fn import_result(
        &self,
        namespace: NamespaceId,
        tree: ResultTree,
    ) -> Result<ImportedResult, ContentError> {
        let core = self.core.clone();
        let streams_bytes = tree.stdout.len() + tree.stderr.len();
        if tree.outputs.is_empty() && streams_bytes <= INLINE_HASH_BYTES_MAX {
            let session = Arc::new(core.store.hasty_session(Some(namespace)));
            match outputs::make(&core, session, &tree) {
                Ok(made) => {
                    made.session.commit_small_outputs(made.result.result).await?;
                    return Ok(made.result);
                }
                // On a thread that may wait until there is room.
                Err(ContentError::Full { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        blocking(move || {
            let session = Arc::new(core.store.session(Some(namespace)));
            let made = outputs::make(&core, session, &tree)?;
            made.session.commit_outputs(made.result.result)?;
            Ok(made.result)
        })
        .await
    }

    async fn promote(
        &self,
        namespace: NamespaceId,
        root: Cid,
        pinning: Pinning,
    ) -> Result<(), ContentError> {
        self.core.store.promote(namespace, root, pinning).await?;
        if self.core.store.has(&root) {
            self.core.complete.add(&root);
        }
        Ok(())
    }

    async fn discard(&self, namespace: NamespaceId) -> Result<(), ContentError> {
        self.core.store.discard(namespace).await
    }

    async fn import_file(&self, bytes: BoxRead, layout: Layout) -> Result<Imported, ContentError> {
        let mut source = SyncIoBridge::new(bytes);
        self.import(layout, move |_, importer, budget| importer.file(&mut source, None, budget))
            .await
    }

    async fn import_tar(&self, tar: BoxRead, layout: Layout) -> Result<Imported, ContentError> {
        let source = SyncIoBridge::new(tokio::io::BufReader::with_capacity(256 << 10, tar));
        self.import(layout, move |core, importer, budget| {
            tar_tree::import(importer, source, budget, core.config.path_depth_max)
        })
        .await
    }

    async fn import_car(&self, car: BoxRead) -> Result<Imported, ContentError> {
        let source = SyncIoBridge::new(car);
        let core = self.core.clone();
        blocking(move || {
            let source = io::BufReader::with_capacity(256 << 10, source);
            car::import_whole(&core, source)
        })
        .await
    }

    async fn open(
        &self,
        root: Cid,
        path: &str,
        from: Option<FetchFrom>,
    ) -> Result<Node, ContentError> {
        read::open(&self.core, root, path, from).await
    }

    async fn resolve(
        &self,
        root: Cid,
        path: &str,
        from: Option<FetchFrom>,
    ) -> Result<Resolved, ContentError> {
        read::resolve(&self.core, root, path, from.as_ref()).await
    }

    async fn export_car(
        &self,
        root: Cid,
        path: &str,
        part: CarPart,
        from: Option<FetchFrom>,
    ) -> Result<ByteStream, ContentError> {
        export::car(&self.core, root, path, part, from).await
    }

    async fn pin(&self, root: Cid, pinning: Pinning) -> Result<(), ContentError> {
        self.core.store.pin(root, pinning).await
    }

    async fn unpin(&self, reason: &PinReason) -> Result<(), ContentError> {
        self.core.store.unpin(reason).await
    }

    async fn pins(&self) -> Result<Vec<(Cid, PinReason)>, ContentError> {
        let core = self.core.clone();
        blocking(move || core.store.pins()).await
    }
}

#[async_trait]
impl Keeping for EmbeddedContent {
    async fn keep(
        &self,
        root: Cid,
        reason: PinReason,
        until: Option<Time>,
    ) -> Result<(), ContentError> {
        self.core.store.keep(root, &reason, until).await
    }

    async fn release(&self, root: Cid, reason: PinReason) -> Result<(), ContentError> {
        self.core.store.release(root, &reason).await
    }

    async fn pin_page(&self, offset: usize, limit: usize) -> Result<PinPage, ContentError> {
        let core = self.core.clone();
        blocking(move || core.store.pin_page(offset, limit)).await
    }

    async fn pins_of(&self, root: Cid) -> Result<Vec<Pin>, ContentError> {
        let core = self.core.clone();
        blocking(move || core.store.pins_of(&root)).await
    }

    async fn stat(&self) -> Result<StoreStat, ContentError> {
        let core = self.core.clone();
        blocking(move || core.store.stat()).await
    }

    async fn collect(&self) -> Result<Collected, ContentError> {
        let core = self.core.clone();
        blocking(move || core.store.collect()).await
    }

    async fn check(&self, repair: bool) -> Result<Checked, ContentError> {
        let core = self.core.clone();
        blocking(move || core.store.check(repair)).await
    }
}

impl Core {
    /// Reads a little: some blocks at most, and nothing that anybody else sends.
    pub(crate) async fn reading<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, ContentError> + Send + 'static,
    ) -> Result<T, ContentError> {
        let core = self.clone();
        self.readers.read(move || work(&core)).await
    }
}

/// Tells a thread that nobody waits for its work any more.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs what waits for disks or computes for long on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ContentError> + Send + 'static,
) -> Result<T, ContentError> {
    finished(tokio::task::spawn_blocking(work).await)
}

/// What became of work on another thread.
pub(crate) fn finished<T>(
    ended: Result<Result<T, ContentError>, JoinError>,
) -> Result<T, ContentError> {
    match ended {
        Ok(result) => result,
        Err(error) => Err(io_error("working on content", io::Error::other(error))),
    }
}

/// An import has no caps of a job: its limits are those of the store.
fn too_much_is_full(error: ContentError) -> ContentError {
    if let ContentError::TooMuchOutput { what, max } = error {
        return ContentError::Full { why: format!("one import may have {max} {what}") };
    }
    error
}
