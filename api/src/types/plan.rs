//! Plans: who would take a job, and why the others would not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Ranked nodes, and a reason for every node turned down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct PlanInfo {
    /// Best first.
    pub ranked: Vec<RankedNode>,
    /// Nodes that could take it, listed or not.
    pub feasible: u32,
    /// Nodes that could not; the first of them.
    pub turned_down: Vec<TurnedDownNode>,
    /// How many nodes were turned down for each reason.
    pub counts: BTreeMap<String, u32>,
    /// Nodes looked at.
    pub nodes: u32,
    /// Whether waiting can help.
    pub may_pass: bool,
    /// Whether the nodes that would take it, now or once they are less busy, could have all of its
    /// seats: one for each operator and each public network. Only where a job is explained whose
    /// result is to be checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seatable: Option<bool>,
}

/// A node that could take it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct RankedNode {
    /// Which.
    #[serde(rename = "NodeID")]
    pub node_id: String,
    /// Higher is better.
    pub score: i64,
    /// How well it fits, 0 to 1000.
    pub fit_permille: u16,
    /// Bytes it would have to fetch.
    pub bytes_missing: u64,
    /// Whether the compiled module or the image is at hand.
    pub warm: bool,
    /// In the operator's unit.
    pub price: u64,
    /// Whether it gave a bid.
    pub bid: bool,
}

/// A node that could not take it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct TurnedDownNode {
    /// Which.
    #[serde(rename = "NodeID")]
    pub node_id: String,
    /// Every reason, in words.
    pub reasons: Vec<String>,
}
