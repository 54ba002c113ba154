//! Rounds of bidding: announcing, asking, and gathering what is answered.

use std::collections::BTreeMap;

use gadus_model::event::JobEvent;
use gadus_model::message::{ANNOUNCE_INPUTS_MAX, Announce, Bid, Message, RoundId};
use gadus_model::{Cid, Code, Image, Input, JobId, NodeId, Reason, Task, Time};

use super::Requester;
use super::directory::tie;
use super::log::JobLog;
use super::soft::{Offer, Round};
use crate::repeat::Repeat;
use crate::step::Effect;
use crate::verify::draw_commitment;

/// Up to this many known nodes are all asked directly.
pub const ASK_ALL_MAX: usize = 32;
/// Of more, as many are asked, and gossip reaches the rest.
pub const ASK_SAMPLE: usize = 16;

impl Requester {
    /// Opens the next round.
    pub(super) fn announce(&mut self, now: Time, id: JobId) {
        self.leave_line(id);
        let Some(entry) = self.jobs.get(&id) else { return };
        let no = entry.log.round + 1;
        self.emit(now, id, JobEvent::Announced { round: no });
        let limits = &self.config.limits;
        let nodes = self.directory.len() as u64;
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let spread_ms = spread(limits.window_ms, nodes, u64::from(want(&entry.log)));
        let window_ends = now.plus_ms(limits.window_ms);
        entry.soft.round = Some(Round {
            no,
            window_ends,
            closes: window_ends.plus_ms(spread_ms.saturating_add(limits.no_bid_grace_ms)),
            ask: Repeat::now(now),
            asked: Vec::new(),
            bids: BTreeMap::new(),
            declined: BTreeMap::new(),
            gossiped: false,
        });
        self.note_seats_sought(id);
        self.ask(now, id);
    }

    /// Asks the known nodes that could take it and have not answered, and gossips when those are
    /// too few.
    pub(super) fn ask(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let due = entry.soft.round(entry.log.round).is_some_and(|round| now >= round.ask.at);
        let mut ask = self.directory.feasible(&self.look(now, entry));
        let known = self.directory.len();
        let wanted = want(&entry.log);
        let seed = entry.log.seed ^ u64::from(entry.log.round);
        let limits = &self.config.limits;
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let Some(round) = &mut entry.soft.round else { return };
        let again = due && round.ask.due(now, limits);
        ask.retain(|node| !round.has_answer_of(node) && (again || !round.asked.contains(node)));
        if known > ASK_ALL_MAX {
            ask.sort_by_key(|node| (!round.asked.contains(node), tie(seed, *node)));
            let again = ask.iter().filter(|node| round.asked.contains(node)).count();
            ask.truncate(again + ASK_SAMPLE.saturating_sub(round.asked.len()));
        }
        round.asked.extend(ask.iter().copied());
        round.asked.sort_unstable();
        round.asked.dedup();
        // Gossip is signed, checked and passed on by everybody. Where all known nodes were asked
        // and are enough, it waits until they have to be asked again.
        let few = round.asked.len() < wanted as usize;
        let late = now >= round.window_ends;
        let unasked = few || (late && known > ASK_ALL_MAX);
        let gossip = (unasked && !round.gossiped) || (again && (few || late));
        round.gossiped |= gossip;
        if ask.is_empty() && !gossip {
            return;
        }
        let Some(announcement) = self.announcement(id) else { return };
        for node in ask {
            self.say(node, Message::Ask(announcement.clone()));
        }
        if gossip {
            self.step.effects.push(Effect::Gossip(Box::new(announcement)));
        }
    }

    /// No bid of the job's round can be of use any more. Where its announcement was gossiped
    /// among many nodes, those that have not spoken yet need not.
    pub(super) fn say_filled(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let (version, no) = (entry.log.view.job.version, entry.log.round);
        let Some(round) = entry.soft.round.as_mut().filter(|r| r.no == no && now < r.closes) else {
            return;
        };
        if std::mem::take(&mut round.gossiped) && self.directory.len() > ASK_ALL_MAX {
            let filled = RoundId { job: id, version, round: no };
            self.step.effects.push(Effect::GossipFilled(filled));
        }
    }

    fn announcement(&self, id: JobId) -> Option<Announce> {
        let entry = self.jobs.get(&id)?;
        let log = &entry.log;
        let (_, task) = log.view.job.task()?;
        let mut code = task.code.clone();
        if let (Code::Docker { image, .. }, Some(digest)) = (&mut code, &log.image) {
            *image = Image::Digest(digest.clone());
        }
        Some(Announce {
            round: RoundId { job: id, version: log.view.job.version, round: log.round },
            requirements: entry.soft.requirements.clone(),
            code,
            inputs: largest_inputs(task, &log.view.job.context.input_bytes),
            want: want(log),
            window_ms: self.config.limits.window_ms,
            nodes_hint: u32::try_from(self.directory.len()).unwrap_or(u32::MAX),
            draw_commitment: draw_commitment(
                &self.config.notary.draw_secret(log.view.job.id, log.round),
            ),
        })
    }

    pub(super) fn bid(&mut self, now: Time, from: NodeId, bid: Bid) {
        let (id, bids_max) = (bid.round.job, self.config.limits.bids_max as usize);
        let entry = self.jobs.get_mut(&id).filter(|e| {
            let log = &e.log;
            let same = bid.round.version == log.view.job.version && bid.round.round == log.round;
            let wanted = !log.seats.open().is_empty() || log.is_unplaced();
            same && wanted && !log.view.state.is_terminal()
        });
        let Some(entry) = entry else {
            return self.say(from, Message::Filled { round: bid.round });
        };
        let Some(round) = &mut entry.soft.round else { return };
        if round.bids.len() >= bids_max && !round.bids.contains_key(&from) {
            return;
        }
        round.declined.remove(&from);
        let offer = Offer { bid, at: now, taken: 0 };
        let before = round.bids.insert(from, offer);
        if let (Some(before), Some(offer)) = (before, round.bids.get_mut(&from)) {
            // The same bid over again: a message that came twice gives no second seat.
            offer.taken = before.taken;
        }
        self.advance(now, id);
    }

    pub(super) fn declined(
        &mut self,
        now: Time,
        from: NodeId,
        declined: RoundId,
        reasons: Vec<Reason>,
    ) {
        let id = declined.job;
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let same =
            declined.version == entry.log.view.job.version && declined.round == entry.log.round;
        let Some(round) = entry.soft.round.as_mut().filter(|_| same) else { return };
        if !reasons.is_empty() && round.asked.contains(&from) {
            round.bids.remove(&from);
            round.declined.insert(from, reasons);
            self.advance(now, id);
        }
    }
}

/// The largest inputs, with their bytes; 0 where those are not known.
fn largest_inputs(task: &Task, bytes: &BTreeMap<String, u64>) -> Vec<(Cid, u64)> {
    let inputs = task.inputs.iter().filter_map(|(path, input)| match input {
        Input::Cid(cid) => Some((*cid, bytes.get(path).copied().unwrap_or(0))),
        Input::Await(_) => None,
    });
    let mut inputs: Vec<_> = inputs.collect();
    inputs.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    inputs.truncate(ANNOUNCE_INPUTS_MAX);
    inputs
}

/// The seats that an announcement asks for.
fn want(log: &JobLog) -> u32 {
    match log.is_unplaced() {
        true => u32::MAX,
        false => u32::try_from(log.seats.open().len()).unwrap_or(u32::MAX),
    }
}

/// The widest spread of bids, in the unit of `window`: a crowd of nodes speaks over a longer time.
/// See `Compute`'s delay, of which this is the largest.
#[must_use]
pub(crate) fn spread(window: u64, nodes: u64, want: u64) -> u64 {
    window.saturating_mul(nodes) / (8 * want.max(1))
}
