//! The seam to where data comes from before it is content: URLs, buckets, directories of this
//! machine. A job never holds any of them: they are fetched once, when it is submitted, and what
//! the job holds is the CID.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use gadus_model::Cid;

use crate::content::ContentError;

/// Where data is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A file at an `http` or `https` URL.
    Url {
        /// The URL, without a fragment.
        url: String,
        /// What its bytes must hash to.
        sha256: Option<[u8; 32]>,
    },
    /// An object of a bucket, or all objects below a prefix.
    S3(Box<S3Origin>),
    /// A file or a directory of the node's own machine.
    Path(PathBuf),
}

impl Origin {
    /// Whether it is one file, which then has a name of its own there. A path may be anything.
    #[must_use]
    pub fn is_one_file(&self) -> bool {
        match self {
            Self::Url { .. } => true,
            Self::S3(origin) => !origin.is_prefix(),
            Self::Path(_) => false,
        }
    }

    /// The same for everybody to see: without a URL's query, which may hold a secret (signed URLs
    /// do).
    #[must_use]
    pub fn shown(&self) -> String {
        let text = self.to_string();
        match self {
            Self::Url { .. } => text.split('?').next().unwrap_or_default().to_owned(),
            Self::S3(_) | Self::Path(_) => text,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, .. } => f.write_str(url),
            Self::S3(origin) => write!(f, "s3://{}/{}", origin.bucket, origin.key),
            Self::Path(path) => write!(f, "file://{}", path.display()),
        }
    }
}

/// What is wanted of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct S3Origin {
    /// The bucket.
    pub bucket: String,
    /// An object's key; one that ends in `/` or `*`, or is empty, is a prefix.
    pub key: String,
    /// Of a prefix, take only objects the rest of whose key this regular expression matches.
    pub filter: Option<String>,
    /// The server, where it is not the one that the node is set up for.
    pub endpoint: Option<String>,
    /// The region, where it is not the node's own.
    pub region: Option<String>,
    /// An old version of the object.
    pub version: Option<String>,
    /// What the object's bytes must hash to.
    pub sha256: Option<[u8; 32]>,
}

impl S3Origin {
    /// Whether all objects below a prefix are wanted.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.key.is_empty() || self.key.ends_with(['/', '*'])
    }

    /// What the keys of wanted objects begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.key.strip_suffix('*').unwrap_or(&self.key)
    }
}

/// Data that has become content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// Its CID.
    pub cid: Cid,
    /// What the origin calls it; a plain name of one entry.
    pub name: Option<String>,
    /// Bytes of file content.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

/// Fetches data and makes content of it, which is pinned for the user.
#[async_trait]
pub trait Sources: Send + Sync {
    /// Fetches what is at an origin. Those who ask for the same at the same time share one download.
    ///
    /// # Errors
    /// As [`SourceError`] says; nothing of what was fetched is kept then.
    async fn pin(&self, origin: &Origin) -> Result<Pinned, SourceError>;
}

/// Why data could not be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SourceError {
    /// It may not be fetched from there.
    #[error("{origin} is not fetched: {why}")]
    Refused {
        /// From where.
        origin: String,
        /// Why.
        why: String,
        /// What would help.
        hint: String,
    },
    /// Nothing, or something else than what was asked for, is there.
    #[error("{origin} cannot be had: {why}")]
    Wrong {
        /// From where.
        origin: String,
        /// Why.
        why: String,
    },
    /// It cannot be reached, or broke off.
    #[error("{origin} could not be fetched: {why}")]
    Unreachable {
        /// From where.
        origin: String,
        /// Why.
        why: String,
    },
    /// It is larger than what is taken.
    #[error("{origin} has more than {bytes_max} bytes, the limit sources.bytes_max")]
    TooLarge {
        /// From where.
        origin: String,
        /// The limit.
        bytes_max: u64,
    },
    /// It is more files than what is taken.
    #[error("{origin} has more than {objects_max} objects, the limit sources.objects_max")]
    TooMany {
        /// From where.
        origin: String,
        /// The limit.
        objects_max: usize,
    },
    /// Its bytes are others than those that were asked for.
    #[error("{origin} is not what was asked for: its SHA-256 is {actual}, and not {expected}")]
    Mismatch {
        /// From where.
        origin: String,
        /// What was asked for, in hexadecimal digits.
        expected: String,
        /// What came.
        actual: String,
    },
    /// It came, but could not be stored.
    #[error("{origin} could not be stored: {}", content.0)]
    Content {
        /// From where.
        origin: String,
        /// Why.
        content: SharedContentError,
    },
}

/// A content error that several who waited for one download are told.
#[derive(Clone, Debug)]
pub struct SharedContentError(pub std::sync::Arc<ContentError>);
