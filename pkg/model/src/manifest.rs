//! What an execution came to.

use cid::Cid;
use serde::{Deserialize, Serialize};

use crate::codec::{self, CodecError};

/// How a run ended. All three are results: they can be voted on and remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The program ended by itself.
    Exit(i32),
    /// A Wasm trap, by its code; stack exhaustion never comes here.
    Trap(String),
    /// The task's fuel was used up.
    OutOfFuel,
}

impl Outcome {
    /// The exit code people and Bacalhau's API see: 128 + SIGABRT for a trap, as a shell would.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Exit(code) => *code,
            Self::Trap(_) | Self::OutOfFuel => 134,
        }
    }

    /// What it says of an error by itself; empty where it is none.
    #[must_use]
    pub fn error(&self) -> &str {
        match self {
            Self::Trap(trap) => trap,
            Self::Exit(_) | Self::OutOfFuel => "",
        }
    }
}

/// The answer of an execution. Only manifest CIDs are compared and voted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this record; any but [`MANIFEST_VERSION`] is refused.
    #[serde(deserialize_with = "codec::version::<_, MANIFEST_VERSION>")]
    pub v: u8,
    /// How it ended.
    pub outcome: Outcome,
    /// UnixFS directory `stdout  stderr  exitCode  <output name>/`.
    pub result: Cid,
    /// The file `stdout` of it.
    pub stdout: Cid,
    /// The file `stderr` of it.
    pub stderr: Cid,
}

/// The version of [`Manifest`] that this code writes.
pub const MANIFEST_VERSION: u8 = 1;

impl Manifest {
    /// The CID that is compared and voted on.
    ///
    /// # Errors
    /// Never in practice: CIDs and numbers always encode.
    pub fn cid(&self) -> Result<Cid, CodecError> {
        codec::cid_of_value(self)
    }
}

/// What people want to see of a result without fetching it; not part of any identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultSummary {
    /// The first bytes of stdout, lossily decoded.
    pub stdout: String,
    /// Whether there is more of it.
    pub stdout_truncated: bool,
    /// The first bytes of stderr, lossily decoded.
    pub stderr: String,
    /// Whether there is more of it.
    pub stderr_truncated: bool,
    /// A trap's reason and backtrace, or what else the user should know.
    pub error: String,
    /// Things that went right but look wrong, such as an output left empty.
    pub warnings: Vec<String>,
    /// Bytes of the whole result.
    pub result_bytes: u64,
}

/// Bytes of stdout and stderr that a [`ResultSummary`] keeps, as Bacalhau does.
pub const SUMMARY_MAX_BYTES: usize = 2048;
