//! What a call can come to besides success.

use gadus_model::{Failure, FailureKind};
use gadus_ports::{ContentError, failure_of};

use crate::kill::Killed;
use crate::wasi::abi::Errno;

/// Why a call did not succeed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The guest is told.
    Errno(Errno),
    /// The host cannot go on: the run fails, and it is nobody's answer.
    Broken(Box<Failure>),
    /// The guest is to end.
    Killed(Killed),
}

/// What ends a guest because its host could not go on.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub(crate) struct Broken(pub(crate) Failure);

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<Killed> for Fault {
    fn from(killed: Killed) -> Self {
        Self::Killed(killed)
    }
}

impl From<ContentError> for Fault {
    fn from(error: ContentError) -> Self {
        Self::Broken(Box::new(failure_of(&error)))
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Broken(Box::new(failure))
    }
}

/// What the host's files do to us.
pub(super) fn io_failure(doing: &str, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    let is_full = matches!(error.kind(), StorageFull | QuotaExceeded);
    let kind = if is_full { FailureKind::DiskFull } else { FailureKind::Internal };
    Failure::new(kind, format!("{doing} failed: {error}"))
}
