//! Who is to hold a result, who does, and who is asked to.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::{Context, Durability, Limits, NodeId, Place, Time};

use crate::repeat::Repeat;

/// What a job wants of its results before they count as published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Goal {
    durability: Durability,
    /// It is to be somewhere besides.
    outside: bool,
    requester: NodeId,
    producer: NodeId,
}

/// An accepted result on its way to its holders.
#[derive(Clone, Debug)]
pub(super) struct Keeping {
    /// The requester's own fetch runs.
    pub(super) fetching: bool,
    /// When it is tried again, and it is looked for more who could be asked.
    pub(super) retry: Repeat,
    /// Then the execution has failed.
    pub(super) until: Time,
    /// Who said that it has every block.
    confirmed: BTreeSet<NodeId>,
    /// Others that were asked.
    asked: BTreeMap<NodeId, Asked>,
    /// When it is looked again for others to ask, where there were too few.
    look_at: Option<Time>,
    /// Where it is besides.
    place: Option<Place>,
}

/// One who was asked to hold a result.
#[derive(Clone, Debug)]
struct Asked {
    repeat: Repeat,
    /// From then on it is not counted on: one more is asked.
    until: Time,
}

impl Goal {
    pub(super) fn new(context: &Context, requester: NodeId, producer: NodeId) -> Self {
        let outside = context.publisher.is_external();
        Self { durability: context.durability, outside, requester, producer }
    }

    /// Whether a result that the requester has is published already.
    pub(super) fn is_met_by_requester(&self) -> bool {
        let enough = match self.durability {
            Durability::Producer | Durability::Keeper => true,
            Durability::Replicas(n) => n <= 1,
        };
        enough && !self.outside
    }

    fn wants_requester(&self) -> bool {
        match self.durability {
            Durability::Producer => false,
            Durability::Keeper => true,
            Durability::Replicas(n) => n > 1,
        }
    }

    /// How many hold it besides the requester and the producer.
    fn others(&self) -> usize {
        let both = if self.requester == self.producer { 1 } else { 2 };
        match self.durability {
            Durability::Producer | Durability::Keeper => 0,
            Durability::Replicas(n) => (n as usize).saturating_sub(both),
        }
    }
}

impl Keeping {
    pub(super) fn new(now: Time, until: Time) -> Self {
        Self {
            fetching: false,
            retry: Repeat::now(now),
            until,
            confirmed: BTreeSet::new(),
            asked: BTreeMap::new(),
            look_at: None,
            place: None,
        }
    }

    /// Who produced it shows that it is there again: it has the time that any node has.
    pub(super) fn renew(&mut self, now: Time, publish_ms: u64) {
        self.retry = Repeat::now(now);
        self.until = now.plus_ms(publish_ms);
    }

    /// Its producer has it, public, and perhaps elsewhere.
    pub(super) fn produced(&mut self, now: Time, producer: NodeId, place: Option<Place>) {
        self.place = place.or(self.place.take());
        if self.confirmed.insert(producer) && !self.fetching {
            // Its blocks can be had from now on: no need to wait for the next try.
            self.retry = Repeat::now(now);
        }
    }

    /// The requester has it.
    pub(super) fn kept(&mut self, requester: NodeId) {
        self.confirmed.insert(requester);
    }

    /// Another says that it has it. It counts if it was asked.
    pub(super) fn kept_by(&mut self, node: NodeId) {
        if self.asked.contains_key(&node) {
            self.confirmed.insert(node);
        }
    }

    /// The result's holders, the requester first, and its place, once that is all that is wanted.
    pub(super) fn met(&self, goal: &Goal) -> Option<(Vec<NodeId>, Option<Place>)> {
        let held = match goal.durability {
            Durability::Producer => self.confirmed.contains(&goal.producer),
            Durability::Keeper => self.confirmed.contains(&goal.requester),
            Durability::Replicas(n) => self.confirmed.len() >= n as usize,
        };
        if !held || (goal.outside && self.place.is_none()) {
            return None;
        }
        Some((self.holders(goal), self.place.clone()))
    }

    fn holders(&self, goal: &Goal) -> Vec<NodeId> {
        let mut holders: Vec<NodeId> = self.confirmed.iter().copied().collect();
        holders.sort_by_key(|node| (*node != goal.requester, *node != goal.producer, *node));
        holders
    }

    /// Whether the requester is to fetch it now; if so, that is noted.
    pub(super) fn fetch(&mut self, now: Time, goal: &Goal, limits: &Limits) -> bool {
        let wanted = self.waits_for_requester(goal) && self.retry.due(now, limits);
        self.fetching |= wanted;
        wanted
    }

    fn waits_for_requester(&self, goal: &Goal) -> bool {
        goal.wants_requester() && !self.fetching && !self.confirmed.contains(&goal.requester)
    }

    /// Whom to ask now to hold it too: those that have not answered, again, and of the candidates
    /// as many as are lacking. Whoever could hold it may be asked, but it is asked only once the
    /// result can be had from somebody.
    pub(super) fn ask(
        &mut self,
        now: Time,
        goal: &Goal,
        limits: &Limits,
        candidates: impl FnOnce() -> Vec<NodeId>,
    ) -> Vec<NodeId> {
        self.look_at = None;
        if self.confirmed.is_empty() || goal.others() == 0 {
            return Vec::new();
        }
        let counted_on =
            |node: &NodeId, asked: &Asked| self.confirmed.contains(node) || now < asked.until;
        let likely = self.asked.iter().filter(|(node, asked)| counted_on(node, asked)).count();
        let lacking = goal.others().saturating_sub(likely);
        let taken = |node: &NodeId| {
            *node == goal.requester || *node == goal.producer || self.asked.contains_key(node)
        };
        let until = now.plus_ms(limits.keep_ms);
        if lacking > 0 {
            let more = candidates().into_iter().filter(|node| !taken(node)).take(lacking);
            let more: Vec<NodeId> = more.collect();
            // There may be more of them later.
            self.look_at = (more.len() < lacking).then_some(until);
            for node in more {
                self.asked.insert(node, Asked { repeat: Repeat::now(now), until });
            }
        }
        let confirmed = &self.confirmed;
        let silent = self.asked.iter_mut().filter(|(node, _)| !confirmed.contains(node));
        let due = silent.filter_map(|(node, asked)| asked.repeat.due(now, limits).then_some(*node));
        due.collect()
    }

    /// Somebody who has it, for those who are asked.
    pub(super) fn source(&self, goal: &Goal) -> NodeId {
        match self.confirmed.contains(&goal.producer) {
            true => goal.producer,
            false => self.confirmed.first().copied().unwrap_or(goal.requester),
        }
    }

    /// When it is to be looked at again.
    pub(super) fn next(&self, now: Time, goal: &Goal) -> Time {
        let retry = self.waits_for_requester(goal).then_some(self.retry.at);
        let silent = self.asked.iter().filter(|(node, _)| !self.confirmed.contains(node));
        let asked = silent.flat_map(|(_, asked)| {
            [Some(asked.repeat.at), Some(asked.until).filter(|at| now < *at)]
        });
        let asked = asked.flatten();
        retry.into_iter().chain(asked).chain(self.look_at).fold(self.until, Time::min)
    }

    /// What is lacking, for people.
    pub(super) fn lacks(&self, goal: &Goal) -> String {
        let held = self.confirmed.len();
        match goal.durability {
            Durability::Replicas(n) if held < n as usize => {
                format!("{held} of the {n} nodes that were to hold the result had it")
            }
            _ if goal.outside && self.place.is_none() => {
                "the result was not brought to where it was to be published".to_owned()
            }
            Durability::Producer | Durability::Keeper | Durability::Replicas(_) => {
                "no holder had the result".to_owned()
            }
        }
    }
}
