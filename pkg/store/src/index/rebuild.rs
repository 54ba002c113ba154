//! Opens the index, or makes it again from the log.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use gadus_ports::{Folder, StoreError};
use redb::{Builder, Database, DatabaseError, Durability, Error, ReadableDatabase, TableError};

use crate::config::StoreConfig;
use crate::error::failed;
use crate::index::commit::{put, set_watermark};
use crate::index::tables::{
    BY_CREATION, BY_KEY, BY_NAME, BY_NAMESPACE, COUNTS, IdBytes, JOBS, KNOWN, LIES, WATERMARK,
    broken,
};
use crate::log::Recovered;

/// Jobs in one commit while the index is made again.
const BATCH_MAX: usize = 1_024;

/// An index that has every job that was over before the log's checkpoint.
pub(crate) fn open(
    path: &Path,
    log_id: IdBytes,
    found: &Recovered,
    config: &StoreConfig,
    folder: &mut dyn Folder,
) -> Result<Database, StoreError> {
    let mut builder = Database::builder();
    builder.set_cache_size(config.index_cache_bytes);
    if fs::exists(path).map_err(|e| failed("looking for", path, &e))? {
        match open_current(&builder, path, log_id, found.checkpoint()) {
            Ok(Some(db)) => return Ok(db),
            Ok(None) => tracing::warn!(file = %path.display(), "the index is behind the log"),
            Err(error) => tracing::warn!(file = %path.display(), %error, "the index is unusable"),
        }
    }
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(failed("removing", path, &e)),
        _ => {}
    }
    let db = builder.create(path).map_err(|e| broken("creating", path, e))?;
    rebuild(&db, path, log_id, found, folder)?;
    Ok(db)
}

/// The file, if it is of this log and not behind it.
fn open_current(
    builder: &Builder,
    path: &Path,
    log_id: IdBytes,
    checkpoint: u64,
) -> Result<Option<Database>, Error> {
    let db = match builder.open(path) {
        Ok(db) => db,
        Err(DatabaseError::UpgradeRequired(_)) => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let is_current = match db.begin_read()?.open_table(WATERMARK) {
        Ok(table) => table.get(())?.is_some_and(|row| {
            let (log, watermark) = row.value();
            *log == log_id && watermark >= checkpoint
        }),
        Err(TableError::TableDoesNotExist(_)) => false,
        Err(e) => return Err(e.into()),
    };
    Ok(is_current.then_some(db))
}

/// Folds all that the log holds before its checkpoint. The watermark comes last: an index that is
/// left half made is made again.
fn rebuild(
    db: &Database,
    path: &Path,
    log_id: IdBytes,
    found: &Recovered,
    folder: &mut dyn Folder,
) -> Result<(), StoreError> {
    let writing = |e: Error| broken("writing", path, e);
    let mut records = found.before_checkpoint();
    let mut jobs = 0;
    loop {
        let mut batch = Vec::new();
        while batch.len() < BATCH_MAX {
            let Some(record) = records.next() else { break };
            batch.extend(folder.apply(record?));
        }
        if batch.is_empty() {
            break;
        }
        jobs += batch.len();
        let put_all = || {
            let mut txn = db.begin_write()?;
            txn.set_durability(Durability::None)?;
            batch.iter().try_for_each(|view| put(&txn, view))?;
            Ok(txn.commit()?)
        };
        put_all().map_err(writing)?;
    }
    if jobs > 0 {
        tracing::info!(jobs, file = %path.display(), "made the index again from the log");
    }
    let finish = || {
        let mut txn = db.begin_write()?;
        txn.set_quick_repair(true);
        // Made now, so that queries need not ask whether they are there.
        txn.open_table(JOBS)?;
        txn.open_table(BY_CREATION)?;
        txn.open_table(BY_NAMESPACE)?;
        txn.open_table(BY_NAME)?;
        txn.open_table(BY_KEY)?;
        txn.open_table(KNOWN)?;
        txn.open_table(LIES)?;
        txn.open_table(COUNTS)?;
        set_watermark(&txn, &log_id, found.checkpoint())?;
        Ok(txn.commit()?)
    };
    finish().map_err(writing)
}
