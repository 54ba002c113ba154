//! One process per data directory.

use std::fs::{File, TryLockError};
use std::path::Path;

use gadus_ports::StoreError;

use crate::error::failed;

/// Holds the directory for this process. The system lets go of it with the process, however that
/// ends.
#[derive(Debug)]
pub(crate) struct DirLock {
    _file: File,
}

impl DirLock {
    /// # Errors
    /// `InUse` when somebody else holds it, in this process or another; `Io`.
    pub(crate) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| failed("opening the lock file", &path, &e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(StoreError::InUse { dir: dir.display().to_string() })
            }
            Err(TryLockError::Error(e)) => Err(failed("locking", &path, &e)),
        }
    }
}
