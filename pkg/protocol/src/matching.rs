//! Who could take a job, who would be best, and why not the others.

use std::collections::BTreeMap;

use gadus_model::message::{Bid, Requirements};
use gadus_model::plan::{PLAN_NODES_MAX, Plan, Ranked, TurnedDown};
use gadus_model::{Network, NodeId, NodeInfo, Reason, Resources};

/// Every reason why a node cannot take a job, given what is free there. Empty: it can.
#[must_use]
pub fn reasons_against(
    info: &NodeInfo,
    free: &Resources,
    requirements: &Requirements,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !info.engines.contains_key(&requirements.engine) {
        reasons.push(Reason::Engine(requirements.engine));
    }
    if requirements.network != Network::None && !info.networked_jobs {
        reasons.push(Reason::NoNetwork);
    }
    if let Some(kind) = &requirements.publishes_to
        && !info.publishers.contains(kind)
    {
        reasons.push(Reason::NoPublisher(kind.clone()));
    }
    for constraint in &requirements.constraints {
        if !constraint.matches(&info.labels) {
            reasons.push(Reason::Constraint(constraint.to_string()));
        }
    }
    let need = amounts(&requirements.resources);
    for ((what, need), ((_, most), (_, free))) in
        need.into_iter().zip(amounts(&info.job_max).into_iter().zip(amounts(free)))
    {
        let what = what.to_owned();
        if need > most {
            reasons.push(Reason::TooBig { what, need, have: most });
        } else if need > free {
            reasons.push(Reason::Busy { what, need, free });
        }
    }
    reasons
}

fn amounts(r: &Resources) -> [(&'static str, u64); 4] {
    [
        ("cpu", r.cpu_millis),
        ("memory", r.memory_bytes),
        ("disk", r.disk_bytes),
        ("gpu", u64::from(r.gpus)),
    ]
}

/// How well a job fits what is free, 0 to 1000: the share of the scarcest resource that would
/// still be free, so that work spreads.
#[must_use]
pub fn fit_permille(capacity: &Resources, free: &Resources, need: &Resources) -> u16 {
    let rest = free.less(need);
    let share = amounts(capacity)
        .into_iter()
        .zip(amounts(&rest))
        .filter(|((_, all), _)| *all > 0)
        .map(|((_, all), (_, rest))| rest.min(all).saturating_mul(1000) / all)
        .min()
        .unwrap_or(1000);
    u16::try_from(share).unwrap_or(1000)
}

/// How many such jobs fit into what is free; capped, since only small numbers matter.
#[must_use]
pub fn seats(free: &Resources, need: &Resources) -> u32 {
    let most = amounts(free)
        .into_iter()
        .zip(amounts(need))
        .filter(|(_, (_, need))| *need > 0)
        .map(|((_, free), (_, need))| free / need)
        .min()
        .unwrap_or(u64::from(SEATS_MAX));
    u32::try_from(most).unwrap_or(SEATS_MAX).min(SEATS_MAX)
}

const SEATS_MAX: u32 = 10_000;

/// What having every input counts, however small they are: their bytes may not be known.
const LOCAL: i64 = 200;
/// What a warm module or image counts.
const WARM: i64 = 300;

/// What ranking weighs. Fetching a gigabyte outweighs an idle node; a warm module or image, or
/// having all the inputs, outweighs a somewhat busier one.
fn score(bid: &Bid, pinned: Option<&str>, failed_before: u32, tie: u64) -> i64 {
    let warm = is_warm(bid, pinned);
    let missing_mib = i64::try_from(bid.bytes_missing >> 20).unwrap_or(i64::MAX).min(1_000_000);
    let price = i64::try_from(bid.price).unwrap_or(i64::MAX).min(1_000_000_000);
    let fit = i64::from(bid.fit_permille);
    let local = bid.bytes_missing == 0;
    let facts = fit + if warm { WARM } else { 0 } + if local { LOCAL } else { 0 }
        - 2 * missing_mib.min(100_000);
    // The last three digits break ties without ever outweighing a fact.
    (facts - price - 2_000 * i64::from(failed_before)) * 1000 + i64::from((tie % 1000) as u16)
}

fn is_warm(bid: &Bid, pinned: Option<&str>) -> bool {
    match (&bid.image_digest, pinned) {
        (Some(have), Some(want)) => have == want,
        (Some(_), None) => true,
        (None, _) => bid.module_warm,
    }
}

/// One known node, as ranking sees it.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// Which.
    pub node: NodeId,
    /// Why it cannot take the job now; empty: it can.
    pub against: Vec<Reason>,
    /// Its live bid.
    pub bid: Option<&'a Bid>,
    /// How well it fits by what is known of it; a bid says it better.
    pub fit_permille: u16,
    /// How often it failed this job.
    pub failed_before: u32,
}

/// Ranks candidates into a [`Plan`]. `tie` breaks ties, per node.
#[must_use]
pub fn plan(
    candidates: &[Candidate<'_>],
    pinned: Option<&str>,
    tie: impl Fn(NodeId) -> u64,
) -> Plan {
    let mut plan =
        Plan { nodes: u32::try_from(candidates.len()).unwrap_or(u32::MAX), ..Plan::default() };
    for candidate in candidates {
        if candidate.against.is_empty() {
            plan.ranked.push(ranked(candidate, pinned, tie(candidate.node)));
        } else {
            turn_down(&mut plan, candidate);
        }
    }
    plan.feasible = u32::try_from(plan.ranked.len()).unwrap_or(u32::MAX);
    plan.ranked.sort_by(|a, b| (b.bid, b.score, a.node).cmp(&(a.bid, a.score, b.node)));
    plan.ranked.truncate(PLAN_NODES_MAX.max(candidates.iter().filter(|c| c.bid.is_some()).count()));
    plan
}

fn ranked(candidate: &Candidate<'_>, pinned: Option<&str>, tie: u64) -> Ranked {
    let node = candidate.node;
    match candidate.bid {
        Some(bid) => Ranked {
            node,
            score: score(bid, pinned, candidate.failed_before, tie),
            fit_permille: bid.fit_permille,
            bytes_missing: bid.bytes_missing,
            warm: is_warm(bid, pinned),
            price: bid.price,
            bid: true,
        },
        None => Ranked {
            node,
            score: i64::from(candidate.fit_permille),
            fit_permille: candidate.fit_permille,
            bytes_missing: 0,
            warm: false,
            price: 0,
            bid: false,
        },
    }
}

fn turn_down(plan: &mut Plan, candidate: &Candidate<'_>) {
    plan.may_pass |= candidate.against.iter().all(Reason::is_passing);
    let worded: BTreeMap<String, ()> =
        candidate.against.iter().map(|r| (r.to_string(), ())).collect();
    for reason in worded.into_keys() {
        *plan.counts.entry(reason).or_default() += 1;
    }
    if plan.turned_down.len() < PLAN_NODES_MAX {
        let (node, reasons) = (candidate.node, candidate.against.clone());
        plan.turned_down.push(TurnedDown { node, reasons });
    }
}
