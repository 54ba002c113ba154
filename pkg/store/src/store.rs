//! The store: log and index together.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use gadus_model::event::Record;
use gadus_model::view::JobView;
use gadus_model::{Cid, JobId, LieId, NodeId};
use gadus_ports::{Folder, JobQuery, Page, Store, StoreError, Ticket};

use crate::config::StoreConfig;
use crate::error::failed;
use crate::index::{Index, Query};
use crate::lock::DirLock;
use crate::log::disk::{Disk, RealDisk};
use crate::log::{Growth, Inbox, Recovered, Writer, recover};

/// A [`Store`] in a directory: `log/` with the segments, `index.redb`, and `lock`.
///
/// Dropping it writes what was appended and joins its threads.
pub struct LogStore {
    inbox: Arc<Inbox>,
    growth: Arc<Growth>,
    found: Recovered,
    checkpoint_bytes: u64,
    index_path: PathBuf,
    log_thread: Option<JoinHandle<()>>,
    index: Index,
    // Last: nobody else may come in while the others end.
    _lock: DirLock,
}

impl LogStore {
    /// Opens or makes the store in `dir`. `folder` is asked only if the index must be made again
    /// from the log.
    ///
    /// # Errors
    /// `InUse` when another process has the directory; `Corrupt` for damage in the log that is
    /// not a torn tail, with the file and the offset; `Full` and `Io` for what the disk says.
    pub fn open(
        dir: impl AsRef<Path>,
        config: &StoreConfig,
        folder: &mut dyn Folder,
    ) -> Result<Arc<Self>, StoreError> {
        Self::open_on(Arc::new(RealDisk), dir.as_ref(), config, folder)
    }

    pub(crate) fn open_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        config: &StoreConfig,
        folder: &mut dyn Folder,
    ) -> Result<Arc<Self>, StoreError> {
        let log_dir = dir.join("log");
        fs::create_dir_all(&log_dir).map_err(|e| failed("creating", &log_dir, &e))?;
        let lock = DirLock::take(dir)?;
        let found = recover(&log_dir)?;
        let growth = Arc::new(Growth::new(found.appended_bytes, found.snapshot_bytes));
        let newest = found.segments.iter().map(|s| s.checkpoint).max().unwrap_or(0);
        let inbox = Arc::new(Inbox::new(config.queue_max, newest));
        let writer = Writer::open(&found, config, disk, Arc::clone(&inbox), Arc::clone(&growth))?;
        let index_path = dir.join("index.redb");
        let log_id = writer.log_id();
        let index = Index::open(&index_path, log_id, &found, config, folder, Arc::clone(&inbox))?;
        let pending = Arc::clone(index.pending());
        let log_thread = thread::Builder::new()
            .name("gadus-log".to_owned())
            .spawn(move || writer.run(&*pending))
            .map_err(|e| failed("starting the thread of", &log_dir, &e))?;
        Ok(Arc::new(Self {
            inbox,
            growth,
            found,
            checkpoint_bytes: config.checkpoint_bytes,
            index_path,
            log_thread: Some(log_thread),
            index,
            _lock: lock,
        }))
    }

    fn query(&self) -> Query<'_> {
        Query { pending: self.index.pending(), path: &self.index_path }
    }
}

impl Drop for LogStore {
    fn drop(&mut self) {
        // The log first: the index takes only what is durable there.
        self.inbox.close();
        if self.log_thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the log's thread has panicked");
        }
    }
}

impl Store for LogStore {
    fn append(&self, records: Vec<Record>) -> Ticket {
        self.inbox.append(records)
    }

    fn replay(&self) -> Result<Vec<Record>, StoreError> {
        self.found.since_checkpoint().collect()
    }

    fn wants_checkpoint(&self) -> bool {
        self.growth.wants_checkpoint(self.checkpoint_bytes)
    }

    fn checkpoint(&self, snapshots: Vec<Record>) -> Ticket {
        self.growth.checkpoint_asked();
        let (ticket, checkpoint) = self.inbox.checkpoint(snapshots);
        if let Some((number, after)) = checkpoint {
            self.index.checkpoint(number, after);
        }
        ticket
    }

    fn fold(&self, job: Arc<JobView>) {
        self.index.fold(job);
    }

    fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        self.query().job(id)
    }

    fn job_by_key(&self, client: &str, key: &str) -> Result<Option<JobId>, StoreError> {
        self.query().by_key(client, key)
    }

    fn job_by_name(&self, namespace: &str, name: &str) -> Result<Option<JobId>, StoreError> {
        self.query().by_name(namespace, name)
    }

    fn jobs_by_prefix(&self, prefix: &str, max: usize) -> Result<Vec<JobId>, StoreError> {
        self.query().by_prefix(prefix, max)
    }

    fn jobs_by_task(&self, task: &Cid) -> Result<Vec<JobId>, StoreError> {
        self.query().by_task(task)
    }

    fn lies(
        &self,
        of: Option<NodeId>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<LieId>, StoreError> {
        self.query().lies(of, offset, limit)
    }

    fn jobs(&self, query: &JobQuery) -> Result<Page, StoreError> {
        self.query().page(query)
    }

    fn fsyncs(&self) -> u64 {
        self.growth.fsyncs()
    }
}

#[cfg(test)]
mod tests;
