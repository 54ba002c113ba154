//! Bids stay few: who heard that a round is filled makes no offer for it, unless asked; and in a
//! calm crowd a round costs a sample's answers and a few more.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::message::{Message, RoundId};
use gadus_protocol::requester::ASK_SAMPLE;

use crate::drift::True;
use crate::network::HostNo;
use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct Bids {
    /// When a node heard that a round is filled, and of nothing to the contrary since.
    filled: BTreeMap<(HostNo, RoundId), True>,
    asked: BTreeSet<(HostNo, RoundId)>,
    /// Bids that nobody was asked for, by round.
    unasked: BTreeMap<RoundId, u64>,
    wanted: BTreeMap<RoundId, u64>,
}

/// What was decided may wait for so many fsyncs before it is said.
const FSYNCS: u64 = 2;
const SLACK_US: u64 = 1_000;
/// Unasked bids for a seat in a calm crowd: eight nodes speak in each window, and a few windows
/// pass until they all have heard that it is filled.
const PER_SEAT: u64 = 24;

impl Invariant for Bids {
    fn name(&self) -> &'static str {
        "bids"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Gossiped { host, round, filled: true } => {
                self.filled.insert((*host, *round), truth.now);
                Ok(())
            }
            Seen::Gossiped { host, round, filled: false } => {
                self.filled.remove(&(*host, *round));
                Ok(())
            }
            Seen::Arrived { host, message, .. } => {
                if let Message::Ask(announcement) = &message.body {
                    self.asked.insert((*host, announcement.round));
                }
                Ok(())
            }
            Seen::Said { host, message, .. } => match &message.body {
                Message::Ask(announcement) => {
                    let wanted = u64::from(announcement.want);
                    self.wanted.insert(announcement.round, wanted);
                    Ok(())
                }
                Message::Bid(bid) => self.bid(truth, *host, bid.round),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

impl Bids {
    fn bid(&mut self, truth: &Truth, host: HostNo, round: RoundId) -> Result<(), String> {
        let key = (host, round);
        if self.asked.contains(&key) {
            return Ok(());
        }
        let slack_us = truth.swarm.fsync_us * FSYNCS + SLACK_US;
        if self.filled.get(&key).is_some_and(|heard| truth.now > heard + slack_us) {
            return Err(format!("h{host} bids for {round:?}, which it heard is filled"));
        }
        let unasked = self.unasked.entry(round).or_default();
        *unasked += 1;
        let seats = self.wanted.get(&round).copied().unwrap_or(1);
        let most = ASK_SAMPLE as u64 + seats.saturating_mul(PER_SEAT);
        match truth.swarm.is_calm() && truth.swarm.is_crowded() && *unasked > most {
            true => Err(format!("{unasked} unasked bids for {seats} seats of {round:?}")),
            false => Ok(()),
        }
    }
}
