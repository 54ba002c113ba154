//! Receipts: what nodes claim about a job's results.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answers of a job that count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListReceiptsResponse {
    /// The CID of a record that links to all below, to the code, the inputs and the results: a CAR
    /// of it can be checked without this network.
    #[serde(rename = "BundleCID")]
    pub bundle_cid: String,
    /// One for each execution whose answer counts.
    pub items: Vec<ReceiptEntry>,
}

/// One answer, as its node claims it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ReceiptEntry {
    /// Whose answer it is.
    #[serde(rename = "ExecutionID")]
    pub execution_id: String,
    /// Who ran it.
    #[serde(rename = "NodeID")]
    pub node_id: String,
    /// Its key, as a `did:key`: the receipt is signed with it.
    pub issuer: String,
    /// The CID of the task, which names the work.
    #[serde(rename = "TaskCID")]
    pub task_cid: String,
    /// The CID of the answer.
    #[serde(rename = "ManifestCID")]
    pub manifest_cid: String,
    /// The CID of the result directory.
    #[serde(rename = "ResultCID")]
    pub result_cid: String,
    /// The CID of the signed claim.
    #[serde(rename = "ReceiptCID")]
    pub receipt_cid: String,
    /// Name, version and settings of what ran it.
    pub engine: String,
    /// `attested`: it is one node's word. `verified, quorum=2/2`: so many came to it without seeing
    /// each other's answers.
    pub level: String,
}
