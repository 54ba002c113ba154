//! Errors of opening, and the short ways to the errors of the port.

use std::io;
use std::path::PathBuf;

use gadus_ports::ContentError;

/// Why a content directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "another gadus process uses the content directory {}; stop it, or choose another data directory",
        dir.display()
    )]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The disk failed.
    #[error("cannot {doing} in the content directory {}", dir.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The directory.
        dir: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A log pack that the index has read is gone. What is left would be taken for all there is,
    /// and the rest removed.
    #[error(
        "a pack is missing from the content directory {}: put packs/{pack} back as it was; without \
         it, remove index.redb there, and what only it knew of is lost",
        dir.display()
    )]
    PackMissing {
        /// The directory.
        dir: PathBuf,
        /// The file.
        pack: String,
    },
    /// A store that is named in the config cannot be used.
    #[error("content.ipfs or content.upstreams names no store: {why}")]
    Upstream {
        /// Which, and why.
        why: String,
    },
    /// The index cannot be used, and cannot be made anew either.
    #[error("the index in the content directory {} cannot be made: {why}", dir.display())]
    Index {
        /// The directory.
        dir: PathBuf,
        /// What the database said.
        why: String,
    },
}

/// An I/O error of the port; a full disk is told apart.
pub(crate) fn io_error(doing: impl Into<String>, source: impl Into<io::Error>) -> ContentError {
    let source = source.into();
    let doing = doing.into();
    if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return ContentError::Full { why: format!("the disk has no room for {doing}") };
    }
    ContentError::Io { doing, source }
}

/// Something is not what its place says.
pub(crate) fn malformed(what: impl Into<String>, why: impl Into<String>) -> ContentError {
    ContentError::Malformed { what: what.into(), why: why.into() }
}
