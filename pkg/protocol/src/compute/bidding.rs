//! Judging announcements from local facts, and remembering what was offered.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::message::{Announce, Bid, Message, Requirements, RoundId};
use gadus_model::{Epoch, NodeId, OwnerId, Reason, Slot, Time, codec};

use super::{Compute, Facts};
use crate::matching;

/// Offers and delayed offers; all soft.
#[derive(Clone, Debug, Default)]
pub(super) struct Bids {
    live: BTreeMap<(OwnerId, RoundId), Time>,
    /// Offers that wait for their moment.
    later: BTreeMap<(Time, OwnerId, RoundId), Later>,
    /// The highest epoch granted per slot, kept as long as an award could still name a live bid.
    fences: BTreeMap<(OwnerId, Slot), Epoch>,
    expiries: BTreeSet<(Time, Expiry)>,
}

/// An offer that waits.
#[derive(Clone, Debug)]
struct Later {
    to: NodeId,
    term: u64,
    announcement: Box<Announce>,
    facts: Facts,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Expiry {
    Bid(OwnerId, RoundId),
    Fence(OwnerId, Slot, Epoch),
}

/// Offers and fences remembered at most; beyond that a node offers nothing new.
pub const BIDS_OUT_MAX: usize = 100_000;

impl Bids {
    pub(super) fn forget(&mut self, owner: OwnerId, round: RoundId) {
        self.live.remove(&(owner, round));
    }

    pub(super) fn is_live(&self, now: Time, owner: OwnerId, round: RoundId) -> bool {
        self.live.get(&(owner, round)).is_some_and(|until| now < *until)
    }

    pub(super) fn fence(&mut self, owner: OwnerId, slot: &Slot, epoch: Epoch, until: Time) {
        let highest = self.fences.entry((owner, slot.clone())).or_insert(epoch);
        *highest = (*highest).max(epoch);
        self.expiries.insert((until, Expiry::Fence(owner, slot.clone(), epoch)));
    }

    pub(super) fn fenced(&self, owner: OwnerId, slot: &Slot) -> Option<Epoch> {
        self.fences.get(&(owner, slot.clone())).copied()
    }

    pub(super) fn next_deadline(&self) -> Option<Time> {
        let later = self.later.keys().next().map(|(at, _, _)| *at);
        later.into_iter().chain(self.expiries.first().map(|(at, _)| *at)).min()
    }

    fn expire(&mut self, now: Time) {
        while let Some((at, _)) = self.expiries.first() {
            if *at > now {
                break;
            }
            match self.expiries.pop_first() {
                Some((_, Expiry::Bid(owner, round))) => {
                    if self.live.get(&(owner, round)).is_some_and(|until| *until <= now) {
                        self.live.remove(&(owner, round));
                    }
                }
                Some((_, Expiry::Fence(owner, slot, epoch))) => {
                    if self.fences.get(&(owner, slot.clone())) == Some(&epoch) {
                        self.fences.remove(&(owner, slot));
                    }
                }
                None => break,
            }
        }
    }
}

impl Compute {
    /// Why this node does not take such a job now; empty when it does.
    #[must_use]
    pub fn reasons_against(&self, owner: OwnerId, requirements: &Requirements) -> Vec<Reason> {
        let mut reasons = matching::reasons_against(&self.config.info, &self.free(), requirements);
        if self.config.owners.as_ref().is_some_and(|allowed| !allowed.contains(&owner)) {
            reasons.push(Reason::NotAllowed);
        }
        let max = self.config.limits.executions_max;
        if self.held.len() + self.stopping.len() >= max as usize {
            reasons.push(Reason::TooMany { max });
        }
        reasons
    }

    pub(super) fn announced(
        &mut self,
        now: Time,
        (from, owner, term): (NodeId, OwnerId, u64),
        announcement: Announce,
        asked: bool,
        facts: &Facts,
    ) {
        let round = announcement.round;
        let reasons = self.reasons_against(owner, &announcement.requirements);
        if !reasons.is_empty() {
            if asked {
                self.say(from, owner, Message::Decline { round, reasons });
            }
            return;
        }
        let waits = self.bids.later.keys().any(|(_, o, r)| (*o, *r) == (owner, round));
        if asked {
            self.offer(now, from, owner, &announcement, facts);
        } else if !waits
            && !self.bids.is_live(now, owner, round)
            && self.bids.later.len() < BIDS_OUT_MAX
        {
            let at =
                now.plus_ms(0) + std::time::Duration::from_micros(self.delay_us(&announcement));
            let announcement = Box::new(announcement);
            let later = Later { to: from, term, announcement, facts: facts.clone() };
            self.bids.later.insert((at, owner, round), later);
        }
    }

    /// (1 − fit)·window + U(0, window·nodes/(8·want)): the better fit speaks first, and a crowd
    /// spreads out. The draw is the node's and the round's own, so it needs no randomness.
    fn delay_us(&self, announcement: &Announce) -> u64 {
        let info = &self.config.info;
        let need = &announcement.requirements.resources;
        let fit = u64::from(matching::fit_permille(&info.capacity, &self.free(), need));
        let window_us = announcement.window_ms.min(60_000) * 1000;
        let spread = window_us.saturating_mul(u64::from(announcement.nodes_hint));
        let spread = spread / (8 * u64::from(announcement.want.max(1)));
        let draw = codec::sha256(&[
            &self.config.node.0,
            announcement.round.job.0.as_bytes(),
            &announcement.round.round.to_be_bytes(),
        ]);
        let mut first = [0; 8];
        first.copy_from_slice(&draw[..8]);
        (1000 - fit.min(1000)) * window_us / 1000 + u64::from_be_bytes(first) % (spread + 1)
    }

    fn offer(
        &mut self,
        now: Time,
        to: NodeId,
        owner: OwnerId,
        announcement: &Announce,
        facts: &Facts,
    ) {
        if self.bids.live.len() >= BIDS_OUT_MAX {
            return;
        }
        let (round, need) = (announcement.round, &announcement.requirements.resources);
        let until = now.plus_ms(self.config.limits.bid_ttl_ms);
        self.bids.live.insert((owner, round), until);
        self.bids.expiries.insert((until, Expiry::Bid(owner, round)));
        let free = self.free();
        let bid = Bid {
            round,
            fit_permille: matching::fit_permille(&self.config.info.capacity, &free, need),
            seats: matching::seats(&free, need),
            bytes_missing: facts.bytes_missing,
            module_warm: facts.module_warm,
            image_digest: facts.image_digest.clone(),
            price: self.config.price,
        };
        self.say(to, owner, Message::Bid(bid));
    }

    pub(super) fn tend_bids(&mut self, now: Time) {
        self.bids.expire(now);
        while let Some(entry) = self.bids.later.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let ((_, owner, _), later) = entry.remove_entry();
            let Later { to, term, announcement, facts } = later;
            let fits = self.reasons_against(owner, &announcement.requirements).is_empty();
            if fits && self.knows_term(owner, term) {
                self.offer(now, to, owner, &announcement, &facts);
            }
        }
    }
}
