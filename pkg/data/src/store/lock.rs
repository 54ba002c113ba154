//! One process on one directory.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::error::OpenError;

/// How often, and after what pauses, a lock that another holds is tried again.
const TRIES_MAX: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

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
    let mut tries = 0;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            // A process that this one starts has its files too, until it runs its own program.
            Err(rustix::io::Errno::WOULDBLOCK) if tries < TRIES_MAX => {
                tries += 1;
                std::thread::sleep(PAUSE);
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(OpenError::Locked { dir: dir.to_owned() });
            }
            Err(errno) => return Err(io(errno.into())),
        }
    }
}
