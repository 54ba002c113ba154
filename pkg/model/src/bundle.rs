//! Everything about a job's answers that can be checked without its network.

use cid::Cid;
use serde::{Deserialize, Serialize};

use crate::{JobId, codec};

/// The root of what `gadus receipt get` exports: it links to the records behind a job's answers,
/// those link to code, inputs and results. A CAR of it has all that a replay takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Version of this record; any but [`BUNDLE_VERSION`] is refused.
    #[serde(deserialize_with = "codec::version::<_, BUNDLE_VERSION>")]
    pub v: u8,
    /// The job.
    pub job: JobId,
    /// Its version.
    pub version: u32,
    /// One for each execution whose answer counts, in the order of their seats.
    pub answers: Vec<Answer>,
}

/// The version of [`Bundle`] that this code writes.
pub const BUNDLE_VERSION: u8 = 1;

/// One answer, by the CIDs of its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// A [`crate::Task`].
    pub task: Cid,
    /// A [`crate::Manifest`].
    pub manifest: Cid,
    /// The node's [`crate::Receipt`].
    pub receipt: Cid,
    /// What others came to; absent where nobody was asked: then it is one node's word.
    pub verdict: Option<Cid>,
}
