//! Answers that a node signed and a verdict contradicts. Ours.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Some of what nodes were caught with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListEvidenceResponse {
    /// For the next page; empty on the last.
    pub next_token: String,
    /// By node, and then by the submission of the job.
    pub items: Vec<EvidenceEntry>,
}

/// One wrong answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct EvidenceEntry {
    /// Who gave it.
    #[serde(rename = "NodeID")]
    pub node_id: String,
    /// Its key, as a `did:key`: the answer is signed with it.
    pub key: String,
    /// The job that it was caught in.
    #[serde(rename = "JobID")]
    pub job_id: String,
    /// Which partition of it.
    pub partition: u32,
    /// The task that was run.
    #[serde(rename = "TaskCID")]
    pub task_cid: String,
    /// What the node says that it comes to.
    #[serde(rename = "ManifestCID")]
    pub manifest_cid: String,
    /// What it comes to.
    #[serde(rename = "AcceptedCID")]
    pub accepted_cid: String,
    /// By whose word: `quorum` or `referee`.
    pub decided_by: String,
    /// When the verdict was there, RFC 3339.
    pub time: String,
}

/// Evidence that was put together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct EvidenceResponse {
    /// The CID of a record that has the signed answer and the verdict, and links to the task, its
    /// code and inputs: a CAR of it can be checked without this network.
    #[serde(rename = "EvidenceCID")]
    pub evidence_cid: String,
    /// What it is about.
    pub accused: EvidenceEntry,
}
