//! What several answers to the same work came to. Ours.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::is_default;

/// How the result of a partition was checked, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct VerdictInfo {
    /// Which partition.
    pub partition: u32,
    /// `verified`, `inconclusive`, `rejected`, `unchecked` (it was not drawn for a check) or
    /// `pending`.
    pub decision: String,
    /// How it was to be checked, such as `quorum=2/2`.
    pub level: String,
    /// The accepted answer.
    #[serde(rename = "ManifestCID", skip_serializing_if = "is_default")]
    pub manifest_cid: String,
    /// Whether an answer that was counted is of a node that the requester trusts.
    pub has_trusted: bool,
    /// Whose answer decided, where there was no quorum.
    #[serde(skip_serializing_if = "is_default")]
    pub referee: String,
    /// The job that it was checked for, where its answer was known from that.
    #[serde(rename = "ReplayedFrom", skip_serializing_if = "is_default")]
    pub replayed_from: String,
    /// Rounds that were closed.
    pub rounds: u32,
    /// Who said what.
    pub votes: Vec<VoteInfo>,
}

/// One node's part in a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct VoteInfo {
    /// Who.
    #[serde(rename = "NodeID")]
    pub node_id: String,
    /// Its answer; empty while it has not shown it, and for ever where it never does.
    #[serde(rename = "ManifestCID")]
    pub manifest_cid: String,
    /// `agrees`, `differs`, `silent`, `sealed` or `shown`.
    pub stand: String,
}
