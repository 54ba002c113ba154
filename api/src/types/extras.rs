//! What we tell of an execution beyond Bacalhau, under its key `Gadus`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PlanInfo;

/// Who bid and who won, where the time went, and what the node claims.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ExecutionExtras {
    /// The state in our own words: `awarded`, `granted`, `proposed`, `accepted`, `published`,
    /// `refused`, `rejected`, `failed`, `lost` or `cancelled`; of work whose result is checked also
    /// `committed`, `revealed` and `faulted`.
    pub state: String,
    /// Which try at its slot, from 1.
    pub epoch: u32,
    /// What to do about its failure.
    #[serde(skip_serializing_if = "super::is_default")]
    pub hint: String,
    /// When each step was durable at the requester.
    #[serde(rename = "MarksUs")]
    pub marks_us: MarksUs,
    /// Who bid, and why this node won.
    pub plan: PlanInfo,
    /// Who has every block of the result.
    pub holders: Vec<String>,
    /// Until when they keep it, in microseconds since the Unix epoch; absent while there are none,
    /// and where they keep it for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_until_us: Option<u64>,
    /// Things that went right but look wrong.
    pub warnings: Vec<String>,
    /// Bytes of the whole result.
    pub result_bytes: u64,
    /// The job that it was run for, where it never ran for this one: its answer was known.
    #[serde(skip_serializing_if = "super::is_default")]
    pub replayed_from: String,
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestInfo>,
    /// The node's claim about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptInfo>,
}

/// Moments in microseconds since the Unix epoch, by the requester's clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct MarksUs {
    /// The job was submitted.
    pub submitted: u64,
    /// Its round of bidding began.
    pub announced: u64,
    /// The seat was given.
    pub awarded: u64,
    /// The node said yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<u64>,
    /// It had an answer that nobody had seen, of work whose result is checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed: Option<u64>,
    /// It showed that answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revealed: Option<u64>,
    /// An answer counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<u64>,
    /// A holder had every block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<u64>,
    /// It was over, however.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
}

/// The answer of an execution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ManifestInfo {
    /// What is compared and voted on.
    #[serde(rename = "CID")]
    pub cid: String,
    /// `exit`, `trap` or `out of fuel`.
    pub outcome: String,
    /// The trap's code; empty for an exit.
    #[serde(skip_serializing_if = "super::is_default")]
    pub trap: String,
    /// The result directory.
    pub result: String,
    /// Its file `stdout`.
    pub stdout: String,
    /// Its file `stderr`.
    pub stderr: String,
}

/// A node's signed claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ReceiptInfo {
    /// The task's CID.
    pub task: String,
    /// The manifest's CID.
    pub manifest: String,
    /// The engine: name, version and settings.
    pub engine: String,
    /// The import profile of the result.
    pub profile: String,
    /// Who ran it.
    pub node: String,
    /// What it cost.
    pub usage: UsageInfo,
    /// Its Ed25519 signature, in hexadecimal.
    pub signature: String,
}

/// What running cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct UsageInfo {
    /// Fetching inputs and code.
    pub fetch_us: u64,
    /// Pulling the image, compiling the module, making the sandbox.
    pub prepare_us: u64,
    /// The program's own time.
    pub run_us: u64,
    /// Importing the outputs.
    pub store_us: u64,
    /// Bytes that had to be fetched.
    pub fetched_bytes: u64,
    /// Fuel burnt, where it is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Most memory used, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_peak_bytes: Option<u64>,
}
