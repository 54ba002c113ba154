//! What the system says, as the store's errors.

use std::io::{Error, ErrorKind};
use std::path::Path;

use gadus_ports::StoreError;

/// What `doing` something with a file came to. A lack of room is told apart: it is the one that
/// people can mend.
pub(crate) fn failed(doing: &str, path: &Path, error: &Error) -> StoreError {
    let doing = format!("{doing} {}", path.display());
    let why = error.to_string();
    let is_full = matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    );
    if is_full {
        let dir = path.parent().unwrap_or(path).display().to_string();
        return StoreError::Full { doing, why, dir };
    }
    StoreError::Io { doing, why }
}

/// Damage in a file of the log.
pub(crate) fn corrupt(path: &Path, offset: u64, why: impl Into<String>) -> StoreError {
    StoreError::Corrupt { file: path.display().to_string(), offset, why: why.into() }
}
