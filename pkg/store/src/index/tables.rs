//! The tables of the index. Their names carry a version: other tables are another index, and the
//! file is made again.

use std::path::Path;

use gadus_model::JobId;
use gadus_ports::StoreError;
use redb::{Error, StorageError, TableDefinition};
use uuid::Uuid;

use crate::error::{corrupt, failed};

/// A job's id, as keys have it.
pub(crate) type IdBytes = [u8; 16];

/// Finished jobs, as [`super::row`] has them.
pub(crate) const JOBS: TableDefinition<'_, &IdBytes, &[u8]> = TableDefinition::new("jobs-6");

/// (created, id): the order of lists.
pub(crate) const BY_CREATION: TableDefinition<'_, (u64, &IdBytes), ()> =
    TableDefinition::new("jobs-by-creation-1");

/// (namespace, created, id).
pub(crate) const BY_NAMESPACE: TableDefinition<'_, (&str, u64, &IdBytes), ()> =
    TableDefinition::new("jobs-by-namespace-1");

/// (namespace, name, created, id).
pub(crate) const BY_NAME: TableDefinition<'_, (&str, &str, u64, &IdBytes), ()> =
    TableDefinition::new("jobs-by-name-2");

/// (client, idempotency key).
pub(crate) const BY_KEY: TableDefinition<'_, (&str, &str), &IdBytes> =
    TableDefinition::new("jobs-by-key-1");

/// (CID of a task that was verified, strength of the check) → the newest job that checked it so. A
/// weaker check is kept beside a stronger one, whose result may be lost sooner.
pub(crate) const KNOWN: TableDefinition<'_, (&[u8], u32), &IdBytes> =
    TableDefinition::new("known-2");

/// (node, created, job, partition): answers that a node signed and a verdict contradicts.
pub(crate) const LIES: TableDefinition<'_, LieKey<'_>, ()> = TableDefinition::new("lies-1");

/// A key of [`LIES`].
pub(crate) type LieKey<'a> = (&'a [u8; 32], u64, &'a IdBytes, u32);

/// How many jobs a namespace has.
pub(crate) const COUNTS: TableDefinition<'_, &str, u64> = TableDefinition::new("job-counts-1");

/// The log's id, and the newest checkpoint whose earlier jobs are all here. One row.
pub(crate) const WATERMARK: TableDefinition<'_, (), (&IdBytes, u64)> =
    TableDefinition::new("watermark-6");

/// An id from a key.
pub(crate) fn job_id(bytes: &IdBytes) -> JobId {
    JobId(Uuid::from_bytes(*bytes))
}

/// What the database says, as the store's error.
pub(crate) fn broken(doing: &str, path: &Path, error: impl Into<Error>) -> StoreError {
    const REMEDY: &str = "stop gadus and delete this file: it is made again from the log";
    let error = error.into();
    if let Error::Io(e) = &error {
        return failed(doing, path, e);
    }
    if let Error::Corrupted(why) = &error {
        return corrupt(path, 0, format!("{why}; {REMEDY}"));
    }
    StoreError::Io { doing: format!("{doing} {}", path.display()), why: error.to_string() }
}

/// A row that is not what was written.
pub(crate) fn bad_row(error: &dyn std::error::Error) -> Error {
    StorageError::Corrupted(error.to_string()).into()
}
