//! What a requester thinks of nodes, by their answers to work that others answered too. Ours.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Every node that has a record, or that its operator says something of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListTrustResponse {
    /// By node and engine.
    pub items: Vec<TrustInfo>,
}

/// One node's record with one engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct TrustInfo {
    /// Who.
    #[serde(rename = "NodeID")]
    pub node_id: String,
    /// Its key, as a `did:key`.
    pub key: String,
    /// Name, version and settings of what ran the work; empty where there is no record yet.
    pub engine: String,
    /// Right answers in a row to work that it was drawn for.
    pub valid: u32,
    /// Wrong answers, and silence after a round was closed.
    pub faults: u32,
    /// Answers that came to no verdict.
    pub inconclusive: u32,
    /// What follows: `banned`, `referee`, `approved` (by the operator), `trusted` (by its record) or
    /// `unknown`.
    pub level: String,
}

/// Bans a node, or forgives one that was caught.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct BanRequest {
    /// Whether it is not to be used any more.
    pub is_banned: bool,
}
