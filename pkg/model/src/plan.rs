//! The outcome of matching and ranking, as a value: what the award used is what `job explain`,
//! the API's failure message and the tests print.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{NodeId, Reason};

/// Ranked nodes, and a reason for every node turned down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Best first; at most [`PLAN_NODES_MAX`].
    pub ranked: Vec<Ranked>,
    /// Nodes that could take it, listed or not.
    pub feasible: u32,
    /// The first [`PLAN_NODES_MAX`] nodes turned down, with every reason.
    pub turned_down: Vec<TurnedDown>,
    /// How many nodes were turned down for each reason, as worded.
    pub counts: BTreeMap<String, u32>,
    /// Nodes looked at.
    pub nodes: u32,
    /// Whether waiting can help: some node was turned down for passing reasons alone.
    pub may_pass: bool,
}

/// Nodes listed in full in a [`Plan`].
pub const PLAN_NODES_MAX: usize = 20;

/// A node that could take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    /// Which.
    pub node: NodeId,
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
    /// Whether it gave a bid (otherwise it is known by its Sync alone).
    pub bid: bool,
}

/// A node that could not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedDown {
    /// Which.
    pub node: NodeId,
    /// Every reason.
    pub reasons: Vec<Reason>,
}

impl Plan {
    /// Bacalhau's words for "nobody can take it", with a line per reason.
    #[must_use]
    pub fn not_enough_nodes(&self, wanted: u32) -> String {
        let (nodes, feasible) = (self.nodes, self.feasible);
        let head = format!(
            "not enough nodes to run job. requested: {wanted}, available: {nodes}, suitable: {feasible}."
        );
        self.counts
            .iter()
            .fold(head, |text, (reason, n)| format!("{text}\n• {n} of {nodes} nodes: {reason}"))
    }
}
