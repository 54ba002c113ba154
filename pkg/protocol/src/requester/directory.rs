//! The compute nodes a requester knows. Soft: every Sync makes it anew.

use std::collections::BTreeMap;

use gadus_model::message::{Bid, Requirements};
use gadus_model::{Execution, NodeId, NodeInfo, Plan, Reason, Resources, Time};

use super::log::JobLog;
use crate::matching::{self, Candidate};

/// What is known of one node.
#[derive(Clone, Debug)]
pub struct NodeEntry {
    /// What it said of itself last.
    pub info: NodeInfo,
    /// When it was heard last.
    pub heard_at: Time,
    /// When it was heard first, since this requester started.
    pub since: Time,
    /// What others than this requester hold there.
    foreign: Resources,
    /// The boot and number of its last Sync.
    pub sync: (u64, u64),
}

/// All nodes, and what this requester has given to each.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    nodes: BTreeMap<NodeId, NodeEntry>,
    committed: BTreeMap<NodeId, Resources>,
}

impl Directory {
    /// Takes in a Sync. False when it is older than one already seen.
    pub fn heard(&mut self, now: Time, info: NodeInfo, sync: (u64, u64), ours: Resources) -> bool {
        let since = match self.nodes.get(&info.id) {
            Some(known) if known.sync > sync => return false,
            Some(known) => known.since,
            None => now,
        };
        let foreign = info.capacity.less(&info.available).less(&ours);
        let id = info.id;
        self.nodes.insert(id, NodeEntry { info, heard_at: now, since, foreign, sync });
        true
    }

    /// Any message shows that a node is there.
    pub fn seen(&mut self, now: Time, node: NodeId) {
        if let Some(entry) = self.nodes.get_mut(&node) {
            entry.heard_at = now;
        }
    }

    /// Counts an execution's resources for a node.
    pub fn commit(&mut self, node: NodeId, resources: &Resources) {
        let sum = self.committed.entry(node).or_default();
        *sum = sum.plus(resources);
    }

    /// Takes them back.
    pub fn release(&mut self, node: NodeId, resources: &Resources) {
        if let Some(sum) = self.committed.get_mut(&node) {
            *sum = sum.less(resources);
            if *sum == Resources::default() {
                self.committed.remove(&node);
            }
        }
    }

    /// One node.
    #[must_use]
    pub fn get(&self, node: NodeId) -> Option<&NodeEntry> {
        self.nodes.get(&node)
    }

    /// All nodes.
    pub fn iter(&self) -> impl Iterator<Item = (&NodeId, &NodeEntry)> {
        self.nodes.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    fn free(&self, entry: &NodeEntry) -> Resources {
        let committed = self.committed.get(&entry.info.id).copied().unwrap_or_default();
        entry.info.capacity.less(&entry.foreign).less(&committed)
    }

    /// Jobs of these requirements that would fit now, on all nodes.
    #[must_use]
    pub fn seats(&self, now: Time, disconnect_ms: u64, requirements: &Requirements) -> u32 {
        let on_node = |entry: &NodeEntry| {
            let free = self.free(entry);
            let fits = connected(now, disconnect_ms, entry)
                && matching::reasons_against(&entry.info, &free, requirements).is_empty();
            if fits { matching::seats(&free, &requirements.resources) } else { 0 }
        };
        self.nodes.values().fold(0, |sum, entry| sum.saturating_add(on_node(entry)))
    }

    /// The nodes that could take it now.
    #[must_use]
    pub fn feasible(&self, look: &Look<'_>) -> Vec<NodeId> {
        let candidates = self.nodes.values().filter(|e| self.against(look, e).is_empty());
        candidates.map(|e| e.info.id).collect()
    }

    fn against(&self, look: &Look<'_>, entry: &NodeEntry) -> Vec<Reason> {
        let node = entry.info.id;
        if let Some(reasons) = look.declined.get(&node) {
            return reasons.clone();
        }
        let mut reasons =
            matching::reasons_against(&entry.info, &self.free(entry), look.requirements);
        if !connected(look.now, look.disconnect_ms, entry) {
            reasons.push(Reason::Disconnected);
        }
        if look.skip.get(&node).is_some_and(|until| look.now < *until) {
            reasons.push(Reason::RecentlyRefused);
        }
        reasons
    }

    /// Ranks every known node, and every bidder, for a job.
    #[must_use]
    pub fn plan(&self, look: &Look<'_>, job: &JobLog) -> Plan {
        let mut candidates: Vec<Candidate<'_>> = Vec::new();
        for (node, entry) in &self.nodes {
            let bid = look.bids.get(node);
            let mut against = self.against(look, entry);
            // A live bid is better evidence of what is free than our own accounts.
            if bid.is_some() {
                against.retain(|r| !matches!(r, Reason::Busy { .. } | Reason::Disconnected));
            }
            let (capacity, free) = (&entry.info.capacity, self.free(entry));
            let need = &look.requirements.resources;
            candidates.push(Candidate {
                node: *node,
                against,
                bid,
                fit_permille: matching::fit_permille(capacity, &free, need),
                failed_before: job.failures_of(*node),
            });
        }
        for (node, bid) in look.bids.iter().filter(|(node, _)| !self.nodes.contains_key(node)) {
            let skipped = look.skip.get(node).is_some_and(|until| look.now < *until);
            candidates.push(Candidate {
                node: *node,
                against: if skipped { vec![Reason::RecentlyRefused] } else { Vec::new() },
                bid: Some(bid),
                fit_permille: bid.fit_permille,
                failed_before: job.failures_of(*node),
            });
        }
        matching::plan(&candidates, job.image.as_deref(), |node| tie(job.seed, node))
    }

    /// What our executions in a Sync reserve there.
    #[must_use]
    pub fn reserved_by<'a>(
        executions: impl Iterator<Item = (&'a Execution, Resources)>,
    ) -> Resources {
        executions.fold(Resources::default(), |sum, (_, r)| sum.plus(&r))
    }
}

/// Everything that matching looks at besides the nodes themselves.
pub struct Look<'a> {
    /// Now.
    pub now: Time,
    /// A node unheard of for this long is disconnected.
    pub disconnect_ms: u64,
    /// What the job needs.
    pub requirements: &'a Requirements,
    /// Live bids.
    pub bids: &'a BTreeMap<NodeId, Bid>,
    /// What asked nodes said against it.
    pub declined: &'a BTreeMap<NodeId, Vec<Reason>>,
    /// Nodes not to be asked before a time.
    pub skip: &'a BTreeMap<NodeId, Time>,
}

fn connected(now: Time, disconnect_ms: u64, entry: &NodeEntry) -> bool {
    now <= entry.heard_at.plus_ms(disconnect_ms)
}

/// A tie-breaker that differs per job and node, and is the same at every replay.
fn tie(seed: u64, node: NodeId) -> u64 {
    let mut x = seed ^ node.0.iter().fold(0, |h: u64, b| h.rotate_left(8) ^ u64::from(*b));
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^ (x >> 33)
}
