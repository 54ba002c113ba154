//! Signed claims about executions.

use cid::Cid;
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::signed::Statement;
use crate::{Manifest, NodeId, ResultSummary};

/// What running cost. Never voted on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Fetching inputs and code, in microseconds.
    pub fetch_us: u64,
    /// Pulling the image, compiling the module, making the sandbox, in microseconds.
    pub prepare_us: u64,
    /// The program's own time, in microseconds.
    pub run_us: u64,
    /// Importing the outputs, in microseconds.
    pub store_us: u64,
    /// Bytes that had to be fetched.
    pub fetched_bytes: u64,
    /// Fuel burnt, where it is counted.
    pub fuel: Option<u64>,
    /// Most memory used, in bytes, where it is known.
    pub memory_peak_bytes: Option<u64>,
}

/// What a node claims: this task, run by this engine, gave this manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptBody {
    /// Version of this record; any but [`RECEIPT_VERSION`] is refused.
    #[serde(deserialize_with = "codec::version::<_, RECEIPT_VERSION>")]
    pub v: u8,
    /// The task.
    pub task: Cid,
    /// The answer.
    pub manifest: Cid,
    /// What it cost.
    pub usage: Usage,
    /// The engine: name, version and settings.
    pub engine: String,
    /// The import profile of the result.
    pub profile: String,
    /// Who ran it.
    pub node: NodeId,
    /// Reserved for workflows.
    pub cause: Option<Cid>,
    /// Reserved for workflows.
    pub fx: Option<Cid>,
}

/// The version of [`ReceiptBody`] that this code writes.
pub const RECEIPT_VERSION: u8 = 1;

/// A [`ReceiptBody`] with its node's Ed25519 signature over
/// `"gadus/receipt/1" | 0x00 | DAG-CBOR(body)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The claim.
    pub body: ReceiptBody,
    /// 64 bytes.
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

/// The domain that separates receipt signatures from all others.
pub const RECEIPT_DOMAIN: &[u8] = b"gadus/receipt/1";

/// An answer as one node claims it: not verified by anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The answer.
    pub manifest: Manifest,
    /// The signed claim.
    pub receipt: Receipt,
    /// For people.
    pub summary: ResultSummary,
}

impl ReceiptBody {
    /// Whether the answers of two receipts for one task must be equal. Where fuel decides, an
    /// answer is one of an engine; and another import profile gives the same files another CID.
    #[must_use]
    pub fn is_by_rules_of(&self, other: &Self) -> bool {
        self.task == other.task && self.engine == other.engine && self.profile == other.profile
    }
}

impl Statement for ReceiptBody {
    const DOMAIN: &'static [u8] = RECEIPT_DOMAIN;
}
