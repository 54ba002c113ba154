//! What a requester knows of a job beside its log: bids, timers, what it waits for. All of it is
//! made again after a restart.

use std::collections::BTreeMap;

use gadus_model::message::{Bid, Requirements};
use gadus_model::{Cid, Execution, Job, NodeId, Reason, Time};

use super::holders::Keeping;
use super::queue::Class;
use super::recall::Recall;
use super::state::requirements;
use crate::repeat::Repeat;

/// The soft state of one job.
#[derive(Clone, Debug)]
pub(super) struct Soft {
    pub(super) class: Class,
    pub(super) requirements: Requirements,
    /// The round of bidding that is open or whose bids may still be used.
    pub(super) round: Option<Round>,
    /// Nodes not to be asked before a time.
    pub(super) skip: BTreeMap<NodeId, Time>,
    pub(super) awards: BTreeMap<Execution, Unanswered>,
    /// When each granted execution's lease ends for this requester, grace included.
    pub(super) leases: BTreeMap<Execution, Time>,
    pub(super) keeps: BTreeMap<Execution, Keeping>,
    pub(super) stops: BTreeMap<Execution, Unanswered>,
    /// Answers that were committed to and are asked for.
    pub(super) reveals: BTreeMap<Execution, Unanswered>,
    /// When a partition is closed without those who are late.
    pub(super) closes_due: BTreeMap<u32, Time>,
    /// When the empty seats of a partition are given up.
    pub(super) seats_due: BTreeMap<u32, Time>,
    /// The image's digest was asked for.
    pub(super) resolving: bool,
    /// It is in its line, and is looked at again at this time should nothing wake it before;
    /// only the head of a line has a time.
    pub(super) requeue_at: Option<Time>,
    /// Rounds without an award since the last one.
    pub(super) rounds_in_vain: u32,
    /// The name of its work, where its answer may be one that is known.
    pub(super) task: Option<Cid>,
    /// How far it is with asking for that.
    pub(super) recall: Recall,
}

/// A round of bidding.
#[derive(Clone, Debug)]
pub(super) struct Round {
    pub(super) no: u32,
    /// Bids are gathered until then, or until all who were asked have answered.
    pub(super) window_ends: Time,
    /// Then "no bid" is concluded.
    pub(super) closes: Time,
    pub(super) ask: Repeat,
    pub(super) asked: Vec<NodeId>,
    pub(super) bids: BTreeMap<NodeId, Offer>,
    pub(super) declined: BTreeMap<NodeId, Vec<Reason>>,
    pub(super) gossiped: bool,
}

impl Round {
    /// Whether a node bid or turned it down.
    pub(super) fn has_answer_of(&self, node: &NodeId) -> bool {
        self.bids.contains_key(node) || self.declined.contains_key(node)
    }

    /// Whether everybody who was asked has answered.
    pub(super) fn all_answered(&self) -> bool {
        self.asked.iter().all(|node| self.has_answer_of(node))
    }
}

/// A bid, and when it came.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) bid: Bid,
    pub(super) at: Time,
    /// Seats that this bid was awarded already.
    pub(super) taken: u32,
}

/// Something said until it is answered, up to a time.
#[derive(Clone, Debug)]
pub(super) struct Unanswered {
    pub(super) repeat: Repeat,
    pub(super) until: Time,
}

impl Soft {
    pub(super) fn new(job: &Job, task: Option<Cid>) -> Self {
        let requirements = requirements(job);
        Self {
            class: Class::of(&requirements, job.context.verification),
            requirements,
            round: None,
            skip: BTreeMap::new(),
            awards: BTreeMap::new(),
            leases: BTreeMap::new(),
            keeps: BTreeMap::new(),
            stops: BTreeMap::new(),
            reveals: BTreeMap::new(),
            closes_due: BTreeMap::new(),
            seats_due: BTreeMap::new(),
            resolving: false,
            requeue_at: None,
            rounds_in_vain: 0,
            task,
            recall: Recall::Due,
        }
    }

    /// A node is not asked before a time, and what it bid does not count.
    pub(super) fn pass_over(&mut self, node: NodeId, until: Time) {
        self.skip.insert(node, until);
        if let Some(round) = &mut self.round {
            round.bids.remove(&node);
        }
    }

    /// How an accepted result comes to its holders; begun now, should it not have been.
    pub(super) fn keeping(
        &mut self,
        now: Time,
        execution: &Execution,
        until: Time,
    ) -> &mut Keeping {
        self.keeps.entry(execution.clone()).or_insert_with(|| Keeping::new(now, until))
    }

    /// Nothing of an execution is waited for any more.
    pub(super) fn done_with(&mut self, execution: &Execution) {
        self.awards.remove(execution);
        self.leases.remove(execution);
        self.keeps.remove(execution);
        self.stops.remove(execution);
        self.reveals.remove(execution);
    }

    /// The round, while it is the job's last one.
    pub(super) fn round(&self, no: u32) -> Option<&Round> {
        self.round.as_ref().filter(|round| round.no == no)
    }
}
