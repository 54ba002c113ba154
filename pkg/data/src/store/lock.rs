//! One process on one directory.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::error::OpenError;

/// Takes the directory for this process; it is free again when the file is closed, which the
/// system does for a killed process too.
pub(crate) fn lock(dir: &Path) -> Result<File, OpenError> {
    let io = |source| OpenError::Io { doing: "make the lock", dir: dir.to_owned(), source };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("lock"))
        .map_err(io)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked { dir: dir.to_owned() }),
        Err(errno) => Err(io(errno.into())),
    }
}
