//! Checking what was signed, from its records alone: the bundle that `gadus receipt get` exports,
//! and evidence against a node. Blocks are what their CIDs say; here records are held against each
//! other, signatures against keys, and a verdict against the answers that it is made of.

mod answers;
mod lie;
mod verdict;

use bytes::Bytes;
use gadus_model::{Cid, codec};
use gadus_ports::{Content, ContentError};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::answers::{Checked, read_answer_to, read_bundle};
pub use self::lie::{Accusation, read_evidence};
pub use self::verdict::Judged;

/// Why something cannot be believed, or could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// Something is not as it should be: somebody changed it, or made it up.
    #[error("{what}: {why}")]
    Forged {
        /// Which part.
        what: String,
        /// What does not hold.
        why: String,
    },
    /// There is more of it than is looked at.
    #[error("it has {found} answers, and {max} are looked at")]
    TooMany {
        /// How many there are.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// This machine could not read it.
    #[error("{what}: {source}")]
    Unreadable {
        /// Which part.
        what: String,
        /// Why not.
        source: Box<ContentError>,
    },
}

impl ProofError {
    /// Something does not hold.
    pub fn forged(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Forged { what: what.into(), why: why.into() }
    }

    /// What a content store says: of the bytes, or of this machine.
    #[must_use]
    pub fn of_content(what: &str, error: ContentError) -> Self {
        match error {
            ContentError::Missing { cid, .. } | ContentError::Unreachable { cid, .. } => {
                Self::forged(what, format!("block {cid} is not there"))
            }
            ContentError::HashMismatch { .. }
            | ContentError::BlockTooBig { .. }
            | ContentError::Malformed { .. }
            | ContentError::UnsafeName { .. }
            | ContentError::NoSuchPath { .. }
            | ContentError::UnsafeOutput { .. }
            | ContentError::TooMuchOutput { .. } => Self::forged(what, error.to_string()),
            ContentError::Full { .. } | ContentError::Io { .. } => {
                Self::Unreadable { what: what.to_owned(), source: Box::new(error) }
            }
        }
    }
}

/// Reads a record, which must be in its one form.
///
/// # Errors
/// `Forged` where it is missing or no such record; `Unreadable`.
pub async fn record<T: DeserializeOwned + Serialize>(
    content: &dyn Content,
    cid: &Cid,
    what: &str,
) -> Result<T, ProofError> {
    let block = block(content, cid, what).await?;
    codec::decode_canonical(&block).map_err(|error| ProofError::forged(what, error.to_string()))
}

/// Reads a block that must be there.
///
/// # Errors
/// `Forged` where it is missing; `Unreadable`.
pub async fn block(content: &dyn Content, cid: &Cid, what: &str) -> Result<Bytes, ProofError> {
    let block = content.block(cid, None).await;
    let block = block.map_err(|error| ProofError::of_content(what, error))?;
    block.ok_or_else(|| ProofError::forged(what, format!("block {cid} is not there")))
}
