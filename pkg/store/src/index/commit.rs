//! Commits to the index.

use gadus_model::LieId;
use gadus_model::view::JobView;
use redb::{Database, Durability, Error, ReadableTable, WriteTransaction};

use crate::index::pending::Work;
use crate::index::row;
use crate::index::tables::{
    BY_CREATION, BY_KEY, BY_NAME, BY_NAMESPACE, COUNTS, IdBytes, JOBS, KNOWN, LIES, WATERMARK,
};

/// Jobs in commits that are not synced. The database keeps their pages in memory.
const UNSYNCED_MAX: usize = 4_096;

/// Puts batches into the file.
pub(crate) struct Commits<'a> {
    db: &'a Database,
    log_id: IdBytes,
    unsynced: usize,
}

impl<'a> Commits<'a> {
    pub(crate) fn new(db: &'a Database, log_id: IdBytes) -> Self {
        Self { db, log_id, unsynced: 0 }
    }

    /// One commit. It is synced when the batch holds a checkpoint, or when enough are not.
    pub(crate) fn commit(&mut self, batch: &[Work]) -> Result<(), Error> {
        let txn = self.db.begin_write()?;
        let mut checkpoint = None;
        for work in batch {
            match work {
                Work::Fold(view) => put(&txn, view)?,
                Work::Checkpoint(number) => checkpoint = Some(*number),
            }
        }
        if let Some(number) = checkpoint {
            set_watermark(&txn, &self.log_id, number)?;
        }
        self.unsynced += batch.len();
        self.finish(txn, checkpoint.is_some())
    }

    /// Makes all commits durable.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        if self.unsynced == 0 {
            return Ok(());
        }
        let txn = self.db.begin_write()?;
        self.finish(txn, true)
    }

    fn finish(&mut self, mut txn: WriteTransaction, sync: bool) -> Result<(), Error> {
        if sync || self.unsynced >= UNSYNCED_MAX {
            // A start after a crash then need not read the whole file.
            txn.set_quick_repair(true);
            self.unsynced = 0;
        } else {
            txn.set_durability(Durability::None)?;
        }
        txn.commit()?;
        Ok(())
    }
}

/// Puts a job into all tables. Its name, key and creation never change, so that putting it again
/// replaces its view alone.
pub(crate) fn put(txn: &WriteTransaction, view: &JobView) -> Result<(), Error> {
    let job = &view.job;
    let (id, created) = (job.id.0.as_bytes(), view.created_at.0);
    let bytes = row::encode(view)?;
    if txn.open_table(JOBS)?.insert(id, bytes.as_slice())?.is_some() {
        return Ok(());
    }
    txn.open_table(BY_CREATION)?.insert((created, id), ())?;
    txn.open_table(BY_NAMESPACE)?.insert((job.namespace.as_str(), created, id), ())?;
    // A job without a name of its own goes by its id.
    if job.name != job.id.to_string() {
        let key = (job.namespace.as_str(), job.name.as_str(), created, id);
        txn.open_table(BY_NAME)?.insert(key, ())?;
    }
    if let Some(key) = &job.idempotency_key {
        txn.open_table(BY_KEY)?.insert((job.context.client.as_str(), key.as_str()), id)?;
    }
    remember(txn, view)?;
    accuse(txn, view)?;
    let mut counts = txn.open_table(COUNTS)?;
    let count = counts.get(job.namespace.as_str())?.map_or(0, |n| n.value());
    counts.insert(job.namespace.as_str(), count + 1)?;
    Ok(())
}

/// The lies that were told in a job.
fn accuse(txn: &WriteTransaction, view: &JobView) -> Result<(), Error> {
    let mut lies = view.lie_ids().peekable();
    if lies.peek().is_none() {
        return Ok(());
    }
    let mut table = txn.open_table(LIES)?;
    for LieId { node, job, partition } in lies {
        table.insert((&node.0, view.created_at.0, job.0.as_bytes(), partition), ())?;
    }
    Ok(())
}

/// The tasks whose results a job verified.
fn remember(txn: &WriteTransaction, view: &JobView) -> Result<(), Error> {
    if view.sealed.is_empty() {
        return Ok(());
    }
    let mut known = txn.open_table(KNOWN)?;
    for (task, level) in view.known() {
        let task = task.to_bytes();
        known.insert((task.as_slice(), level.strength()), view.job.id.0.as_bytes())?;
    }
    Ok(())
}

/// All jobs that were over before this checkpoint of this log are in the file.
pub(crate) fn set_watermark(
    txn: &WriteTransaction,
    log_id: &IdBytes,
    checkpoint: u64,
) -> Result<(), Error> {
    txn.open_table(WATERMARK)?.insert((), (log_id, checkpoint))?;
    Ok(())
}
