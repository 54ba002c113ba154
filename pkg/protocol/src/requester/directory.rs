//! The compute nodes a requester knows. Soft: every Sync makes it anew.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::message::Requirements;
use gadus_model::{Engine, Execution, Limits, NodeId, NodeInfo, Plan, Reason, Resources, Time};

use super::log::JobLog;
use super::soft::Round;
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
    given: BTreeMap<NodeId, Given>,
}

/// What a node was given by this requester and has not given back.
#[derive(Clone, Debug, Default)]
struct Given {
    resources: Resources,
    executions: BTreeSet<Execution>,
}

/// What a Sync told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing: a later one was heard before.
    Old,
    /// There is no more room on the node than was known.
    Same,
    /// A new node, one that was disconnected, or one with more room.
    More,
}

impl Directory {
    /// Takes in a Sync. `ours` is what it lists of this requester's executions. Of more than
    /// `limits.nodes_max` nodes, the one that was unheard of for longest is forgotten.
    pub fn heard(
        &mut self,
        now: Time,
        info: NodeInfo,
        sync: (u64, u64),
        ours: &Resources,
        limits: &Limits,
    ) -> Heard {
        let known = self.nodes.get(&info.id);
        if known.is_some_and(|known| known.sync > sync) {
            return Heard::Old;
        }
        let before = known.filter(|e| connected(now, limits.disconnect_ms, e));
        let before = before.map(|e| (self.free(e), e.info.job_max, e.info.engines.clone()));
        let since = known.map_or(now, |known| known.since);
        let foreign = info.capacity.less(&info.available).less(ours);
        let id = info.id;
        if known.is_none() && self.nodes.len() >= limits.nodes_max.max(1) as usize {
            self.forget_stalest();
        }
        let entry = NodeEntry { info, heard_at: now, since, foreign, sync };
        let same = before.is_some_and(|(free, most, engines)| {
            free.holds(&self.free(&entry))
                && most.holds(&entry.info.job_max)
                && engines == entry.info.engines
        });
        self.nodes.insert(id, entry);
        if same { Heard::Same } else { Heard::More }
    }

    fn forget_stalest(&mut self) {
        let idle = self.nodes.iter().filter(|(id, _)| !self.given.contains_key(id));
        let stalest = idle.min_by_key(|(_, e)| e.heard_at).map(|(id, _)| *id);
        if let Some(id) = stalest {
            self.nodes.remove(&id);
        }
    }

    /// Any message shows that a node is there.
    pub fn seen(&mut self, now: Time, node: NodeId) {
        if let Some(entry) = self.nodes.get_mut(&node) {
            entry.heard_at = now;
        }
    }

    /// Counts an execution's resources for a node.
    pub fn commit(&mut self, node: NodeId, execution: &Execution, resources: &Resources) {
        let given = self.given.entry(node).or_default();
        if given.executions.insert(execution.clone()) {
            given.resources = given.resources.plus(resources);
        }
    }

    /// Takes them back.
    pub fn release(&mut self, node: NodeId, execution: &Execution, resources: &Resources) {
        let Some(given) = self.given.get_mut(&node) else { return };
        if given.executions.remove(execution) {
            given.resources = given.resources.less(resources);
        }
        if given.executions.is_empty() {
            self.given.remove(&node);
        }
    }

    /// What a node was given and has not given back.
    pub fn given_to(&self, node: NodeId) -> impl Iterator<Item = &Execution> {
        self.given.get(&node).into_iter().flat_map(|given| &given.executions)
    }

    /// Whether a node was heard of lately.
    #[must_use]
    pub fn is_connected(&self, now: Time, node: NodeId, disconnect_ms: u64) -> bool {
        self.nodes.get(&node).is_some_and(|entry| connected(now, disconnect_ms, entry))
    }

    /// How many nodes hold something of this requester.
    #[must_use]
    pub fn nodes_given(&self) -> usize {
        self.given.len()
    }

    /// One node.
    #[must_use]
    pub fn get(&self, node: NodeId) -> Option<&NodeEntry> {
        self.nodes.get(&node)
    }

    /// What runs a node's Wasm functions.
    #[must_use]
    pub fn engine_of(&self, node: NodeId) -> Option<String> {
        let engine = self.nodes.get(&node)?.info.engines.get(&Engine::Wasm)?;
        Some(engine.id.clone())
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
        let given = self.given.get(&entry.info.id).map(|g| g.resources).unwrap_or_default();
        entry.info.capacity.less(&entry.foreign).less(&given)
    }

    /// Jobs of these requirements that would fit now, on all nodes; counted up to `enough`.
    #[must_use]
    pub fn seats(
        &self,
        now: Time,
        disconnect_ms: u64,
        requirements: &Requirements,
        enough: u32,
    ) -> u32 {
        let mut sum: u32 = 0;
        for entry in self.nodes.values() {
            let free = self.free(entry);
            if connected(now, disconnect_ms, entry)
                && matching::reasons_against(&entry.info, &free, requirements).is_empty()
            {
                sum = sum.saturating_add(matching::seats(&free, &requirements.resources));
            }
            if sum >= enough {
                break;
            }
        }
        sum
    }

    /// The nodes that could take it now.
    #[must_use]
    pub(super) fn feasible(&self, look: &Look<'_>) -> Vec<NodeId> {
        let candidates = self.nodes.values().filter(|e| self.against(look, e).is_empty());
        candidates.map(|e| e.info.id).collect()
    }

    /// The nodes that match but have no room just now.
    #[must_use]
    pub(super) fn busy(&self, look: &Look<'_>) -> Vec<NodeId> {
        let full = |r: &Reason| matches!(r, Reason::Busy { .. } | Reason::TooMany { .. });
        let busy = self.nodes.values().filter(|e| {
            let against = self.against(look, e);
            !against.is_empty() && against.iter().all(full)
        });
        busy.map(|e| e.info.id).collect()
    }

    /// Whether a known node turned it down for good.
    #[must_use]
    pub(super) fn is_hopeless(&self, look: &Look<'_>, node: NodeId) -> bool {
        let entry = self.nodes.get(&node);
        entry.is_some_and(|e| self.against(look, e).iter().any(|r| !r.is_passing()))
    }

    fn against(&self, look: &Look<'_>, entry: &NodeEntry) -> Vec<Reason> {
        let node = entry.info.id;
        if let Some(reasons) = look.round.and_then(|round| round.declined.get(&node)) {
            return reasons.clone();
        }
        let mut reasons =
            matching::reasons_against(&entry.info, &self.free(entry), look.requirements);
        if !connected(look.now, look.disconnect_ms, entry) {
            reasons.push(Reason::Disconnected);
        }
        reasons.extend(look.skips(node));
        if look.banned.contains(&node) {
            reasons.push(Reason::Banned);
        }
        reasons
    }

    /// Ranks every known node, and every bidder, for a job.
    #[must_use]
    pub(super) fn plan(&self, look: &Look<'_>) -> Plan {
        let mut candidates: Vec<Candidate<'_>> = Vec::new();
        let bid_of = |node| look.round.and_then(|r| r.bids.get(node)).map(|offer| &offer.bid);
        for (node, entry) in &self.nodes {
            let bid = bid_of(node);
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
                failed_before: look.failures_of(*node),
            });
        }
        let bids = look.round.into_iter().flat_map(|round| &round.bids);
        for (node, offer) in bids.filter(|(node, _)| !self.nodes.contains_key(node)) {
            let skipped = look.skips(*node);
            let banned = look.banned.contains(node).then_some(Reason::Banned);
            let against = skipped.into_iter().chain(banned).collect();
            candidates.push(Candidate {
                node: *node,
                against,
                bid: Some(&offer.bid),
                fit_permille: offer.bid.fit_permille,
                failed_before: look.failures_of(*node),
            });
        }
        let seed = look.log.map_or(0, |log| log.seed);
        let image = look.log.and_then(|log| log.image.as_deref());
        matching::plan(&candidates, image, |node| tie(seed, node))
    }
}

/// Everything that matching looks at besides the nodes themselves.
pub(super) struct Look<'a> {
    pub(super) now: Time,
    pub(super) disconnect_ms: u64,
    pub(super) requirements: &'a Requirements,
    /// The round of bidding, if one is open.
    pub(super) round: Option<&'a Round>,
    /// Nodes that are not used any more.
    pub(super) banned: &'a BTreeSet<NodeId>,
    /// Nodes not to be asked before a time.
    pub(super) skip: Option<&'a BTreeMap<NodeId, Time>>,
    /// The job so far, if it is known.
    pub(super) log: Option<&'a JobLog>,
}

impl Look<'_> {
    /// Why a node is not asked for now.
    fn skips(&self, node: NodeId) -> Option<Reason> {
        let until = self.skip.and_then(|skip| skip.get(&node))?;
        (self.now < *until).then(|| match self.failures_of(node) {
            0 => Reason::RecentlyRefused,
            _ => Reason::RecentlyFailed,
        })
    }

    fn failures_of(&self, node: NodeId) -> u32 {
        self.log.map_or(0, |log| log.seats.failures_of(node))
    }
}

fn connected(now: Time, disconnect_ms: u64, entry: &NodeEntry) -> bool {
    now <= entry.heard_at.plus_ms(disconnect_ms)
}

/// A tie-breaker that differs per job and node, and is the same at every replay.
pub(super) fn tie(seed: u64, node: NodeId) -> u64 {
    let mut x = seed ^ node.0.iter().fold(0, |h: u64, b| h.rotate_left(8) ^ u64::from(*b));
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^ (x >> 33)
}
