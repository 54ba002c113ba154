//! The index of finished jobs: a redb file that is made again from the log when it is missing.
//!
//! A folded job waits in memory ([`pending`]) until the index thread commits it; queries look at
//! both places. The file never knows more than the log: a job stays in memory until the append
//! that ended it is durable. The commits in between are not synced. One that is, with the
//! checkpoint's number in it, comes before a checkpoint of the log is complete: by that number a
//! file that is behind the log is told at start.

mod commit;
mod fresh;
mod page;
mod pending;
mod prefix;
mod query;
mod rebuild;
mod row;
mod tables;

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use gadus_model::view::JobView;
use gadus_ports::{Folder, StoreError};
use redb::{Database, ReadableDatabase};

pub(crate) use self::query::Query;

use self::pending::{Pending, Work};
use crate::config::StoreConfig;
use crate::error::failed;
use crate::log::{Inbox, Recovered};

/// The index, and the thread that writes it.
pub(crate) struct Index {
    thread: Option<JoinHandle<()>>,
    pending: Arc<Pending>,
    // After `pending`, which keeps a read transaction open.
    _db: Arc<Database>,
}

impl Index {
    /// Opens the file at `path`, and makes it again if it is missing, damaged, of another log, or
    /// behind what the log has checkpointed.
    ///
    /// # Errors
    /// `Corrupt` when the log that it is made from is damaged, `Io`, `Full`.
    pub(crate) fn open(
        path: &Path,
        log_id: [u8; 16],
        found: &Recovered,
        config: &StoreConfig,
        folder: &mut dyn Folder,
        inbox: Arc<Inbox>,
    ) -> Result<Self, StoreError> {
        let db = Arc::new(rebuild::open(path, log_id, found, config, folder)?);
        let snapshot = db.begin_read().map_err(|e| tables::broken("reading", path, e))?;
        let pending = Arc::new(Pending::new(Arc::clone(&inbox), config, snapshot));
        let thread = {
            let (db, pending, file) = (Arc::clone(&db), Arc::clone(&pending), path.to_owned());
            thread::Builder::new()
                .name("gadus-index".to_owned())
                .spawn(move || run(&db, &file, log_id, &pending, &inbox))
                .map_err(|e| failed("starting the thread of", path, &e))?
        };
        Ok(Self { thread: Some(thread), pending, _db: db })
    }

    pub(crate) fn pending(&self) -> &Arc<Pending> {
        &self.pending
    }

    /// Shows a finished job to queries now, and puts it into the file later.
    pub(crate) fn fold(&self, job: Arc<JobView>) {
        self.pending.enter(|inbox| (inbox.entered(), Work::Fold(job)));
    }

    /// Completes the checkpoint once what was folded so far is durable, and the log's first
    /// `after` items are.
    pub(crate) fn checkpoint(&self, number: u64, after: u64) {
        self.pending.enter(|_| (after, Work::Checkpoint(number)));
    }
}

impl Drop for Index {
    /// Commits what is durable in the log. The log has ended before.
    fn drop(&mut self) {
        self.pending.close();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the index's thread has panicked");
        }
    }
}

/// The index thread.
fn run(db: &Database, path: &Path, log_id: [u8; 16], pending: &Pending, inbox: &Inbox) {
    let mut commits = commit::Commits::new(db, log_id);
    let mut batch = Vec::new();
    while pending.take(&mut batch) {
        let outcome = commits.commit(&batch).and_then(|()| Ok(db.begin_read()?));
        match outcome {
            Ok(snapshot) => pending.committed(&batch, snapshot),
            Err(e) => {
                let error = tables::broken("writing", path, e);
                tracing::error!(%error, "the index has failed");
                pending.fail();
                inbox.fail(&error);
                return;
            }
        }
        for work in batch.drain(..) {
            if let Work::Checkpoint(number) = work {
                inbox.complete(number);
            }
        }
    }
    if let Err(error) = commits.sync() {
        // The next start makes good for it.
        tracing::warn!(%error, "the index could not be synced");
    }
}

#[cfg(test)]
mod tests;
