//! Everything about a job's answers that can be checked without its network.

use cid::Cid;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{JobId, NodeId, codec};

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
    /// Whose verdict it is, where the answer was known from another job.
    pub origin: Option<JobId>,
    /// A [`Proof`] of what several nodes came to; absent where nobody else was asked: then it is one
    /// node's word.
    pub verdict: Option<Cid>,
}

/// A verdict with all that is behind it. Its records are kept as bytes, each in its one form: they
/// name results that did not count, which are nowhere any more, and a CAR follows links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Version of this record; any but [`BUNDLE_VERSION`] is refused.
    #[serde(deserialize_with = "codec::version::<_, BUNDLE_VERSION>")]
    pub v: u8,
    /// A [`crate::Signed`] of a [`crate::VerdictBody`].
    pub verdict: ByteBuf,
    /// Each a [`crate::Signed`] of a [`crate::CloseBody`], in the order of their rounds.
    pub closes: Vec<ByteBuf>,
    /// Each a [`crate::Reveal`], in the order of the verdict.
    pub reveals: Vec<ByteBuf>,
    /// Each a [`crate::verdict::DrawRecord`], in the order of their rounds.
    pub draws: Vec<ByteBuf>,
    /// The referee's [`crate::Receipt`].
    pub referee: Option<ByteBuf>,
}

/// The root of what `gadus evidence export` writes: a node's signed answer, and the verdict that
/// contradicts it. It links to the task, and that to code and inputs, so that a CAR of it has all
/// that anybody needs to run the task and see who is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Version of this record; any but [`BUNDLE_VERSION`] is refused.
    #[serde(deserialize_with = "codec::version::<_, BUNDLE_VERSION>")]
    pub v: u8,
    /// The job that the verdict is of.
    pub job: JobId,
    /// Its version.
    pub version: u32,
    /// Who is said to have lied.
    pub accused: NodeId,
    /// A [`crate::Task`].
    pub task: Cid,
    /// The accused's [`crate::Receipt`], in its one form: it names a result that is nowhere.
    pub receipt: ByteBuf,
    /// A [`Proof`]: it says what the task comes to.
    pub proof: Cid,
}
