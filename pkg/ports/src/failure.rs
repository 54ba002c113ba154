//! What an error of content means for an execution.

use std::error::Error;

use gadus_model::{Failure, FailureKind};

use crate::content::ContentError;

/// What a content error means for an execution.
#[must_use]
pub fn failure_of(error: &ContentError) -> Failure {
    let kind = match error {
        ContentError::Missing { cid, .. } | ContentError::Unreachable { cid, .. } => {
            FailureKind::MissingBlock(Box::new(*cid))
        }
        ContentError::Full { .. } => FailureKind::DiskFull,
        ContentError::UnsafeOutput { .. } => FailureKind::OutputUnsafe,
        ContentError::TooMuchOutput { .. } => FailureKind::OutputLimit,
        ContentError::HashMismatch { .. } | ContentError::Io { .. } => FailureKind::Internal,
        ContentError::BlockTooBig { .. }
        | ContentError::Malformed { .. }
        | ContentError::UnsafeName { .. }
        | ContentError::NoSuchPath { .. } => FailureKind::Invalid,
    };
    let failure = Failure::new(kind, with_source(error));
    match error {
        ContentError::Missing { .. } => {
            failure.with_hint("add the content to a node of this network with `gadus add`")
        }
        ContentError::Unreachable { .. } => failure.with_hint(
            "start that store, or add the content to a node of this network with `gadus add`",
        ),
        ContentError::UnsafeOutput { .. } => failure.with_hint(
            "an output may hold readable files, directories, and relative links that stay inside \
             of it: copy what a link leads to, or make the link so",
        ),
        ContentError::TooMuchOutput { .. }
        | ContentError::Full { .. }
        | ContentError::HashMismatch { .. }
        | ContentError::Io { .. }
        | ContentError::BlockTooBig { .. }
        | ContentError::Malformed { .. }
        | ContentError::UnsafeName { .. }
        | ContentError::NoSuchPath { .. } => failure,
    }
}

/// An error with everything that caused it, in one line.
#[must_use]
pub fn with_source(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
