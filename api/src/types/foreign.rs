//! Verdicts of other requesters. Ours.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A bundle whose verdicts are to be counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct CountRequest {
    /// Its root, as `BundleCID` names it.
    #[serde(rename = "CID")]
    pub cid: String,
}

/// What a bundle is worth here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct CountResponse {
    /// Its root.
    #[serde(rename = "BundleCID")]
    pub bundle_cid: String,
    /// Its verdicts.
    pub items: Vec<CountedInfo>,
}

/// A verdict of another requester.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct CountedInfo {
    /// The task.
    #[serde(rename = "TaskCID")]
    pub task_cid: String,
    /// What it comes to.
    #[serde(rename = "ManifestCID")]
    pub manifest_cid: String,
    /// The result in that.
    #[serde(rename = "ResultCID")]
    pub result_cid: String,
    /// The job that it was checked for.
    #[serde(rename = "JobID")]
    pub job_id: String,
    /// The requester's key, as a `did:key`.
    pub requester: String,
    /// How the requester checked it, such as `quorum=2/2`.
    pub level: String,
    /// What it is worth here: a quorum of those who are trusted; empty where they are too few.
    pub worth: String,
    /// Who came to it.
    pub voters: Vec<VoterInfo>,
}

/// A node that came to an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct VoterInfo {
    /// Which.
    #[serde(rename = "NodeID")]
    pub node_id: String,
    /// Its key, as a `did:key`.
    pub key: String,
    /// Whether it is trusted here.
    pub is_trusted: bool,
}

/// Some bundles whose verdicts are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListVerdictsResponse {
    /// For the next page; empty on the last.
    pub next_token: String,
    /// By their CIDs.
    pub items: Vec<BundleInfo>,
}

/// A bundle whose verdicts are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct BundleInfo {
    /// Its root.
    #[serde(rename = "BundleCID")]
    pub bundle_cid: String,
    /// The tasks that it answers.
    #[serde(rename = "TaskCIDs")]
    pub task_cids: Vec<String>,
}
