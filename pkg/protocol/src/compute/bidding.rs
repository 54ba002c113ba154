//! Judging announcements from local facts, and making offers.

use std::time::Duration;

use gadus_model::message::{Announce, Bid, Message, Requirements, RoundId};
use gadus_model::{NodeId, OwnerId, Reason, Time, codec};

use super::fence::Later;
use super::{Compute, Facts};
use crate::matching;
use crate::requester::spread;
use crate::sabotage::Sabotage;

impl Compute {
    /// Why this node does not take such a job now; empty when it does.
    #[must_use]
    pub fn reasons_against(&self, owner: OwnerId, requirements: &Requirements) -> Vec<Reason> {
        let mut reasons = matching::reasons_against(&self.config.info, &self.free(), requirements);
        if !self.works_for(owner) {
            reasons.push(Reason::NotAllowed);
        }
        let (held, running) = (self.held.len() + self.stopping.len(), self.running());
        let limits = &self.config.limits;
        for (n, max) in [(held, limits.executions_max), (running, limits.running_max)] {
            if n >= max as usize {
                reasons.push(Reason::TooMany { max });
            }
        }
        reasons
    }

    pub(super) fn announced(
        &mut self,
        now: Time,
        (from, owner, term): (NodeId, OwnerId, u64),
        announcement: Announce,
        asked: bool,
        facts: Facts,
    ) {
        let round = announcement.round;
        let reasons = self.reasons_against(owner, &announcement.requirements);
        if !reasons.is_empty() {
            if asked {
                self.say(from, owner, Message::Decline { round, reasons });
            }
        } else if asked {
            self.offer(now, from, owner, &announcement, &facts);
        } else if !self.bids.knows(owner, round) {
            let at = now + Duration::from_micros(self.delay_us(&announcement));
            self.bids.offer_later(at, owner, Later { to: from, term, announcement, facts });
        }
    }

    /// (1 − fit)·window + U(0, window·nodes/(8·want)): the better fit speaks first, and a crowd
    /// spreads out. The draw is the node's and the round's own, so it needs no randomness.
    fn delay_us(&self, announcement: &Announce) -> u64 {
        let info = &self.config.info;
        let need = &announcement.requirements.resources;
        let fit = matching::fit_permille(&info.capacity, &self.free(), need);
        let draw = codec::sha256(&[
            &self.config.node.0,
            announcement.round.job.0.as_bytes(),
            &announcement.round.round.to_be_bytes(),
        ]);
        let mut first = [0; 8];
        first.copy_from_slice(&draw[..8]);
        bid_delay_us(announcement, fit, u64::from_be_bytes(first))
    }

    fn offer(
        &mut self,
        now: Time,
        to: NodeId,
        owner: OwnerId,
        announcement: &Announce,
        facts: &Facts,
    ) {
        let (round, need) = (announcement.round, &announcement.requirements.resources);
        let until = now.plus_ms(self.config.limits.bid_ttl_ms);
        self.bids.offered(until, owner, round);
        let free = self.free();
        let places = (self.config.limits.running_max as usize).saturating_sub(self.running());
        let places = u32::try_from(places).unwrap_or(u32::MAX);
        let bid = Bid {
            round,
            fit_permille: matching::fit_permille(&self.config.info.capacity, &free, need),
            seats: matching::seats(&free, need).min(places),
            bytes_missing: facts.bytes_missing,
            module_warm: facts.module_warm,
            image_digest: facts.image_digest.clone(),
            price: self.config.price,
        };
        self.say(to, owner, Message::Bid(bid));
    }

    /// Offers that still wait for their moment are not made any more. One that was made stays: it
    /// may be the very one that was taken.
    pub(super) fn filled(&mut self, owner: OwnerId, rounds: &[RoundId]) {
        if self.config.sabotage == Some(Sabotage::BidWhenFilled) {
            return;
        }
        for round in rounds {
            self.bids.forget_later(owner, *round);
        }
    }

    pub(super) fn tend_bids(&mut self, now: Time) {
        while let Some((owner, later)) = self.bids.due(now) {
            let Later { to, term, announcement, facts } = later;
            let fits = self.reasons_against(owner, &announcement.requirements).is_empty();
            if fits && self.knows_term(owner, term) {
                self.offer(now, to, owner, &announcement, &facts);
            }
        }
    }
}

/// The wait before a bid, in microseconds, for a fit (0 to 1000) and a number drawn.
fn bid_delay_us(announcement: &Announce, fit_permille: u16, draw: u64) -> u64 {
    let window_us = announcement.window_ms.min(WINDOW_MAX_MS) * 1000;
    let (nodes, want) = (u64::from(announcement.nodes_hint), u64::from(announcement.want));
    let unfit = 1000 - u64::from(fit_permille.min(1000));
    unfit * window_us / 1000 + draw % (spread(window_us, nodes, want) + 1)
}

/// No window is longer, whatever an announcement says.
const WINDOW_MAX_MS: u64 = 60_000;

#[cfg(test)]
mod tests;
