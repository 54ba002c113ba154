//! Filling seats: from announcing a job to giving its seats to the best bids, or concluding that
//! nobody wants it.

use gadus_model::{ExecutionState, JobId, JobState, NodeId, Plan, Sealed, Stage, Time};

use super::soft::Round;
use super::{ASK_ALL_MAX, Requester};

impl Requester {
    /// Sees to it that every open seat is being filled.
    pub(super) fn fill(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        if entry.log.seats.open().is_empty() && !entry.log.is_unplaced() {
            if entry.log.in_state(ExecutionState::Awarded).next().is_none() {
                self.say_filled(now, id);
            }
            return self.leave_line(id);
        }
        if now < entry.log.backoff_until || entry.soft.resolving {
            return;
        }
        entry.soft.skip.retain(|_, until| now < *until);
        self.award_from_bids(now, id);
        let Some(entry) = self.jobs.get(&id) else { return };
        let filled = entry.log.seats.open().is_empty() && !entry.log.is_unplaced();
        if filled || entry.log.view.state.is_terminal() || entry.soft.resolving {
            return;
        }
        match entry.soft.round(entry.log.round) {
            // A seat of a job on every match is one node's, and waits for that one.
            Some(round) if entry.log.placed.is_none() && self.is_used_up(round) => {
                self.wait_for_room(now, id);
            }
            Some(round) if now < round.closes => self.ask(now, id),
            // The answers to its awards come first.
            Some(_) if entry.log.in_state(ExecutionState::Awarded).next().is_some() => {}
            Some(_) => self.no_bid(now, id),
            None if self.waits_in_line(now, id) => self.note_wait(now, id, None),
            None => self.announce_or_wait(now, id),
        }
    }

    /// Gives open seats to the best bids, once the window has ended or everybody has answered.
    fn award_from_bids(&mut self, now: Time, id: JobId) {
        let ttl_ms = self.config.limits.bid_ttl_ms;
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let (no, unplaced) = (entry.log.round, entry.log.is_unplaced());
        let Some(round) = entry.soft.round.as_mut().filter(|r| r.no == no) else { return };
        round.bids.retain(|_, offer| now < offer.at.plus_ms(ttl_ms));
        let all = !round.asked.is_empty() && round.all_answered();
        // A job on every match has its nodes when everybody has spoken, or nobody will any more.
        let ends = if unplaced { round.closes } else { round.window_ends };
        if !(all || now >= ends) {
            return;
        }
        if unplaced {
            self.place(now, id);
        }
        let Some(entry) = self.jobs.get(&id) else { return };
        if entry.log.placed.is_some() {
            self.award_placed(now, id);
        } else if entry.soft.round.as_ref().is_some_and(|round| !round.bids.is_empty()) {
            match entry.log.view.sealed.is_empty() {
                true => self.award_ranked(now, id),
                false => self.award_drawn(now, id),
            }
        }
    }

    fn award_ranked(&mut self, now: Time, id: JobId) {
        let plan = self.plan(now, id);
        let Some(entry) = self.jobs.get(&id) else { return };
        let seats: Vec<_> = entry.log.seats.open().iter().copied().collect();
        for seat in seats {
            let Some((node, digest)) = self.best(id, &plan) else { return };
            if !self.is_pinned(now, id, digest) {
                return;
            }
            self.award(now, id, seat, node, &plan);
        }
    }

    /// The best bidder with a seat left: one seat each before anybody gets a second. With it, the
    /// digest of the image it has.
    fn best(&self, id: JobId, plan: &Plan) -> Option<(NodeId, Option<String>)> {
        let entry = self.jobs.get(&id)?;
        let bids = &entry.soft.round(entry.log.round)?.bids;
        let ranked = plan.ranked.iter().filter(|r| r.bid);
        let offers = ranked.filter_map(|r| Some((r.node, bids.get(&r.node)?)));
        let with_room = offers.filter(|(_, offer)| offer.taken < offer.bid.seats.max(1));
        let best = with_room.min_by_key(|(_, offer)| offer.taken);
        best.map(|(node, offer)| (node, offer.bid.image_digest.clone()))
    }

    /// Whether all there is to be had in a round was given away: nodes that are not known do not
    /// count where the known ones are few, since those are all asked.
    fn is_used_up(&self, round: &Round) -> bool {
        let mut offers = round.bids.values();
        self.directory.len() <= ASK_ALL_MAX
            && !round.bids.is_empty()
            && offers.all(|offer| offer.taken >= offer.bid.seats.max(1))
            && round.all_answered()
    }

    /// More seats are open than there was room for: the job stands in line for the next room, be
    /// it its own, and does not wait for bids that nobody has to give.
    fn wait_for_room(&mut self, now: Time, id: JobId) {
        let plan = self.plan(now, id);
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.round = None;
        }
        self.wait_in_line(now, id, plan);
    }

    /// Whether a job is older than this run of the requester, and nodes, its own among them, may
    /// still be about to find it again.
    pub(super) fn is_returning(&self, now: Time, id: JobId) -> bool {
        let until = self.started_at.plus_ms(self.config.limits.disconnect_ms);
        let entry = self.jobs.get(&id);
        now < until && entry.is_some_and(|entry| entry.log.view.created_at < self.started_at)
    }

    /// The round is over and seats are still open.
    fn no_bid(&mut self, now: Time, id: JobId) {
        let plan = self.plan(now, id);
        let enough = self.could_fill_sealed(now, id);
        let returning = self.is_returning(now, id);
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        entry.soft.round = None;
        entry.soft.rounds_in_vain = entry.soft.rounds_in_vain.saturating_add(1);
        let log = &entry.log;
        // Seats that somebody in particular is to have are given up in time.
        let is_called = |s: &Sealed| s.verdict.is_none() && s.stage > Stage::Drawn;
        let under_way = log.view.sealed.iter().any(is_called);
        let may_pass = returning || under_way || (enough && (plan.may_pass || plan.feasible > 0));
        // Once part of it ran, nothing else looks at the time that it may wait for nodes.
        let queue_ms = log.view.job.context.timeouts.queue_ms;
        let can_wait = queue_ms.is_some_and(|ms| now < log.view.created_at.plus_ms(ms));
        if may_pass || can_wait || log.seats.any_live() {
            return self.wait_in_line(now, id, plan);
        }
        let wanted = u32::try_from(log.seats.len()).unwrap_or(u32::MAX);
        let message = match log.is_unplaced() {
            true => not_matching(&plan),
            false => plan.not_enough_nodes(wanted),
        };
        self.end(now, id, JobState::Failed, message);
    }
}

/// Bacalhau's words for "no node matches", with a line per reason.
fn not_matching(plan: &Plan) -> String {
    let bullets = plan.not_enough_nodes(1);
    let bullets = bullets.split_once('\n').map_or("", |(_, rest)| rest);
    let nodes = plan.nodes;
    let message =
        format!("not matching nodes to run job out of {nodes} available nodes.\n{bullets}");
    message.trim_end().to_owned()
}
