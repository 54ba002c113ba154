//! Why a module is not rewritten.

use wasmparser::BinaryReaderError;

/// What is wrong with a module.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// It cannot be read, which the validator would have told.
    #[error("{} (at byte {:#x})", .0.message(), .0.offset())]
    Unreadable(#[from] BinaryReaderError),
    /// With what is added it has more of something than any module may have.
    #[error("it has {count} {what}, and {max} is the limit here")]
    Large {
        /// What it has too much of.
        what: &'static str,
        /// What it has.
        count: u64,
        /// What it may have.
        max: u64,
    },
}

impl Refused {
    pub(super) fn large<N: TryInto<u64>>(what: &'static str, count: N, max: N) -> Self {
        let number = |n: N| n.try_into().unwrap_or(u64::MAX);
        Self::Large { what, count: number(count), max: number(max) }
    }
}
