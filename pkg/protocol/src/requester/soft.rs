//! What a requester knows of a job beside its log: bids, timers, what it waits for. All of it is
//! made again after a restart.

use std::collections::BTreeMap;

use gadus_model::message::Bid;
use gadus_model::{Execution, NodeId, Reason, Time};

use super::queue::Class;
use crate::repeat::Repeat;

/// The soft state of one job.
#[derive(Clone, Debug)]
pub(super) struct Soft {
    pub(super) class: Class,
    /// The round of bidding that is open or whose bids may still be used.
    pub(super) round: Option<Round>,
    /// Nodes not to be asked before a time.
    pub(super) skip: BTreeMap<NodeId, Time>,
    pub(super) awards: BTreeMap<Execution, Unanswered>,
    /// When each granted execution's lease ends for this requester, grace included.
    pub(super) leases: BTreeMap<Execution, Time>,
    pub(super) keeps: BTreeMap<Execution, Keeping>,
    pub(super) stops: BTreeMap<Execution, Unanswered>,
    /// The image's digest was asked for.
    pub(super) resolving: bool,
    /// A waiting job is announced again at this time, should nothing wake it before.
    pub(super) requeue_at: Option<Time>,
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
    pub(super) bids: BTreeMap<NodeId, Bid>,
    pub(super) bid_at: BTreeMap<NodeId, Time>,
    pub(super) declined: BTreeMap<NodeId, Vec<Reason>>,
    pub(super) gossiped: bool,
}

/// Something said until it is answered, up to a time.
#[derive(Clone, Debug)]
pub(super) struct Unanswered {
    pub(super) repeat: Repeat,
    pub(super) until: Time,
}

/// A result on its way to its keeper.
#[derive(Clone, Debug)]
pub(super) struct Keeping {
    /// A fetch runs.
    pub(super) fetching: bool,
    pub(super) retry: Repeat,
    /// Then the execution has failed.
    pub(super) until: Time,
    /// The producer said that it holds every block.
    pub(super) produced: bool,
}

impl Soft {
    pub(super) fn new(class: Class) -> Self {
        Self {
            class,
            round: None,
            skip: BTreeMap::new(),
            awards: BTreeMap::new(),
            leases: BTreeMap::new(),
            keeps: BTreeMap::new(),
            stops: BTreeMap::new(),
            resolving: false,
            requeue_at: None,
        }
    }

    /// Nothing of an execution is waited for any more.
    pub(super) fn done_with(&mut self, execution: &Execution) {
        self.awards.remove(execution);
        self.leases.remove(execution);
        self.keeps.remove(execution);
        self.stops.remove(execution);
    }
}
