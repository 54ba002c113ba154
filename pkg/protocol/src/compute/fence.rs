//! What was offered, and which epochs are over here: both remembered for as long as an award could
//! still name a live bid.
//!
//! That is as long as this node was at work. A machine that slept may find in its inbox what was
//! said before: time that nobody lived through makes it forget nothing.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::message::{Announce, RoundId};
use gadus_model::{Epoch, JobId, NodeId, OwnerId, Slot, Time};

use super::Facts;

/// Offers, delayed offers and fences; all soft.
#[derive(Clone, Debug, Default)]
pub(super) struct Bids {
    offers: BTreeMap<(OwnerId, RoundId), Offer>,
    fences: BTreeMap<(OwnerId, Slot), Fence>,
    /// When each entry of the two maps is due, by the time lived.
    agenda: BTreeSet<(Lived, Due)>,
    /// Microseconds that were slept through.
    slept_us: u64,
}

/// A time, less what was slept through before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Lived(u64);

#[derive(Clone, Debug)]
enum Offer {
    /// Waits for its moment.
    Later(Lived, Box<Later>),
    /// Was made, and may be awarded until the one; by the other it is forgotten.
    Live(Time, Lived),
}

/// An offer that waits.
#[derive(Clone, Debug)]
pub(super) struct Later {
    pub(super) to: NodeId,
    pub(super) term: u64,
    pub(super) announcement: Announce,
    pub(super) facts: Facts,
}

/// The newest epoch of a slot that was decided on here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fence {
    pub(super) epoch: Epoch,
    /// It was granted here once, so it can not be called refused any more.
    pub(super) granted: bool,
    until: Lived,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Offer(OwnerId, RoundId),
    Fence(OwnerId, Slot),
}

/// Offers and fences remembered at most; beyond that the oldest are forgotten. A bid is always
/// older than the fences that follow from it, so it is forgotten first.
pub const BIDS_OUT_MAX: usize = 32_768;

impl Bids {
    /// Offers, fences and entries of the agenda.
    pub(super) fn sizes(&self) -> [usize; 3] {
        [self.offers.len(), self.fences.len(), self.agenda.len()]
    }

    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.agenda.first().map(|(at, _)| Time(at.0.saturating_add(self.slept_us)))
    }

    /// It is so much later than it should be: the machine slept.
    pub(super) fn slept(&mut self, us: u64) {
        self.slept_us = self.slept_us.saturating_add(us);
    }

    fn lived(&self, at: Time) -> Lived {
        Lived(at.0.saturating_sub(self.slept_us))
    }

    /// Whether a round was answered, or will be.
    pub(super) fn knows(&self, owner: OwnerId, round: RoundId) -> bool {
        self.offers.contains_key(&(owner, round))
    }

    pub(super) fn is_live(&self, now: Time, owner: OwnerId, round: RoundId) -> bool {
        matches!(self.offers.get(&(owner, round)), Some(Offer::Live(until, _)) if now < *until)
    }

    /// An offer is to be made at a time.
    pub(super) fn offer_later(&mut self, at: Time, owner: OwnerId, later: Later) {
        let round = later.announcement.round;
        self.put(owner, round, Offer::Later(self.lived(at), Box::new(later)));
    }

    /// An offer was made. What is fenced of its job stays fenced for as long as it lives.
    pub(super) fn offered(&mut self, until: Time, owner: OwnerId, round: RoundId) {
        let lived = self.lived(until);
        self.put(owner, round, Offer::Live(until, lived));
        let fenced = self.fences.range((owner, first_slot(round.job))..);
        let fenced = fenced.take_while(|((o, slot), _)| *o == owner && slot.job == round.job);
        let slots: Vec<Slot> = fenced.map(|((_, slot), _)| slot.clone()).collect();
        for slot in slots {
            self.extend_fence(lived, owner, slot);
        }
    }

    fn put(&mut self, owner: OwnerId, round: RoundId, offer: Offer) {
        self.forget(owner, round);
        let at = offer.due();
        self.offers.insert((owner, round), offer);
        self.agenda.insert((at, Due::Offer(owner, round)));
        self.shrink();
    }

    /// No award will name this round any more.
    pub(super) fn forget(&mut self, owner: OwnerId, round: RoundId) {
        if let Some(offer) = self.offers.remove(&(owner, round)) {
            self.agenda.remove(&(offer.due(), Due::Offer(owner, round)));
        }
    }

    /// The same, if the offer was not made yet.
    pub(super) fn forget_later(&mut self, owner: OwnerId, round: RoundId) {
        if matches!(self.offers.get(&(owner, round)), Some(Offer::Later(..))) {
            self.forget(owner, round);
        }
    }

    /// An epoch is decided on: neither it nor an older one of its slot may be granted from now.
    pub(super) fn fence(
        &mut self,
        until: Time,
        owner: OwnerId,
        slot: &Slot,
        epoch: Epoch,
        granted: bool,
    ) {
        let until = self.lived(until);
        let fence = self.fences.entry((owner, slot.clone()));
        let fence = fence.or_insert(Fence { epoch, granted: false, until: Lived::default() });
        if fence.epoch < epoch {
            (fence.epoch, fence.granted) = (epoch, granted);
        } else if fence.epoch == epoch {
            fence.granted |= granted;
        }
        self.extend_fence(until, owner, slot.clone());
        self.shrink();
    }

    fn extend_fence(&mut self, until: Lived, owner: OwnerId, slot: Slot) {
        let Some(fence) = self.fences.get_mut(&(owner, slot.clone())) else { return };
        let (before, at) = (fence.until, fence.until.max(until));
        fence.until = at;
        self.agenda.remove(&(forgotten(before), Due::Fence(owner, slot.clone())));
        self.agenda.insert((forgotten(at), Due::Fence(owner, slot)));
    }

    pub(super) fn fenced(&self, owner: OwnerId, slot: &Slot) -> Option<Fence> {
        self.fences.get(&(owner, slot.clone())).copied()
    }

    fn shrink(&mut self) {
        while self.agenda.len() > BIDS_OUT_MAX {
            let Some((_, due)) = self.agenda.pop_first() else { return };
            self.remove(due);
        }
    }

    fn remove(&mut self, due: Due) -> Option<(OwnerId, Later)> {
        match due {
            Due::Fence(owner, slot) => {
                self.fences.remove(&(owner, slot));
                None
            }
            Due::Offer(owner, round) => match self.offers.remove(&(owner, round)) {
                Some(Offer::Later(_, later)) => Some((owner, *later)),
                Some(Offer::Live(..)) | None => None,
            },
        }
    }

    /// Forgets what is over, and gives the next offer whose moment has come.
    pub(super) fn due(&mut self, now: Time) -> Option<(OwnerId, Later)> {
        let now = self.lived(now);
        while self.agenda.first().is_some_and(|(at, _)| *at <= now) {
            let (_, due) = self.agenda.pop_first()?;
            let later = self.remove(due);
            if later.is_some() {
                return later;
            }
        }
        None
    }
}

impl Offer {
    fn due(&self) -> Lived {
        match self {
            Self::Later(at, _) => *at,
            Self::Live(_, until) => forgotten(*until),
        }
    }
}

/// When something that lives until then is forgotten: all of one second together, so that a node
/// with many bids does not wake for each.
fn forgotten(until: Lived) -> Lived {
    Lived(until.0.div_ceil(SECOND_US).saturating_mul(SECOND_US))
}

const SECOND_US: u64 = 1_000_000;

/// The slot before all others of a job.
fn first_slot(job: JobId) -> Slot {
    Slot { job, version: 0, task: String::new(), partition: 0, replica: 0 }
}
