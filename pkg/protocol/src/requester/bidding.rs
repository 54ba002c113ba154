//! Rounds of bidding: announcing, gathering bids, giving the seats to the best, and concluding
//! that nobody wants it.

use std::collections::BTreeMap;

use gadus_model::event::JobEvent;
use gadus_model::message::{ANNOUNCE_INPUTS_MAX, Announce, Bid, Message, RoundId};
use gadus_model::{
    ExecutionState, Image, Input, JobId, JobState, NodeId, Placement, Plan, Reason, Restart, Time,
    codec,
};

use super::Requester;
use super::directory::Look;
use super::log::{JobLog, Seat};
use super::queue::Class;
use super::soft::Round;
use super::state::requirements;
use super::submit::queue_limit;
use crate::repeat::Repeat;
use crate::sabotage::Sabotage;
use crate::step::Effect;

/// Up to this many known nodes are all asked directly.
pub const ASK_ALL_MAX: usize = 32;
/// Of more, as many are asked, and gossip reaches the rest.
pub const ASK_SAMPLE: usize = 16;

impl Requester {
    /// Sees to it that every open seat is being filled.
    pub(super) fn fill(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let open = open_seats(&entry.log);
        let undecided = entry.log.view.job.kind.placement == Placement::EveryMatch
            && entry.log.placed.is_none();
        if open.is_empty() && !undecided {
            entry.soft.requeue_at = None;
            return;
        }
        if now < entry.log.backoff_until {
            return;
        }
        self.award_from_bids(now, id);
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let done = open_seats(&entry.log).is_empty() && entry.log.partitions() > 0;
        if done || entry.log.view.state.is_terminal() || entry.soft.resolving {
            return;
        }
        match &mut entry.soft.round {
            Some(round) if round.no == entry.log.round && now < round.closes => {
                self.ask_again(now, id);
            }
            Some(round) if round.no == entry.log.round => self.no_bid(now, id),
            Some(_) | None if entry.soft.requeue_at.is_some_and(|at| now < at) => {}
            Some(_) | None => self.announce_or_queue(now, id),
        }
    }

    fn announce_or_queue(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let view = &entry.log.view;
        let (class, created_at) = (entry.soft.class.clone(), view.created_at);
        let waits = self.queue.must_wait(&class, &view.job, created_at);
        let every = view.job.kind.placement == Placement::EveryMatch;
        let seats = self.directory.seats(now, self.disconnect_ms(), &requirements(&view.job));
        let sought = self.queue.seats_sought(&class, id);
        let full = seats <= sought && !every;
        if waits || full {
            let plan = self.look(now, id);
            if waits || plan.may_pass || (plan.feasible > 0 && sought > 0) {
                return self.enqueue(now, id, plan);
            }
        }
        self.announce(now, id);
    }

    fn announce(&mut self, now: Time, id: JobId) {
        let limits = self.config.limits.clone();
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let no = entry.log.round + 1;
        let view = &entry.log.view;
        self.queue.leave(&entry.soft.class, &view.job, view.created_at);
        entry.soft.requeue_at = None;
        entry.soft.round = Some(Round {
            no,
            window_ends: now.plus_ms(limits.window_ms),
            closes: now.plus_ms(limits.window_ms + limits.no_bid_grace_ms),
            ask: Repeat::now(now),
            asked: Vec::new(),
            bids: BTreeMap::new(),
            bid_at: BTreeMap::new(),
            declined: BTreeMap::new(),
            gossiped: false,
        });
        self.emit(now, id, JobEvent::Announced { round: no });
        self.note_seats_sought(now, id);
        self.ask_again(now, id);
        self.next_in_line(now, id);
    }

    /// Asks the known nodes that could take it and have not answered, and gossips when those are
    /// too few.
    fn ask_again(&mut self, now: Time, id: JobId) {
        let limits = self.config.limits.clone();
        let nodes = self.feasible(now, id);
        let Some(announcement) = self.announcement(id) else { return };
        let known = self.directory.len();
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let Some(round) = &mut entry.soft.round else { return };
        let again = round.ask.due(now, &limits);
        let mut ask: Vec<NodeId> = nodes;
        ask.retain(|node| {
            let asked = round.asked.contains(node);
            !round.bids.contains_key(node)
                && !round.declined.contains_key(node)
                && (again || !asked)
        });
        if known > ASK_ALL_MAX {
            ask.truncate(ASK_SAMPLE.saturating_sub(round.asked.len()));
        }
        round.asked.extend(ask.iter().copied());
        round.asked.sort_unstable();
        round.asked.dedup();
        let few =
            (round.asked.len() as u64) < u64::from(announcement.want) || now >= round.window_ends;
        let gossip = few && (again || !round.gossiped);
        round.gossiped |= gossip;
        for node in ask {
            self.say(node, Message::Ask(announcement.clone()));
        }
        if gossip {
            self.step.effects.push(Effect::Gossip(Box::new(announcement)));
        }
    }

    fn announcement(&self, id: JobId) -> Option<Announce> {
        let entry = self.jobs.get(&id)?;
        let log = &entry.log;
        let (_, task) = log.view.job.task()?;
        let mut code = task.code.clone();
        if let (gadus_model::Code::Docker { image, .. }, Some(digest)) = (&mut code, &log.image) {
            *image = Image::Digest(digest.clone());
        }
        let inputs = task.inputs.values().filter_map(|input| match input {
            Input::Cid(cid) => Some((*cid, 0)),
            Input::Await(_) => None,
        });
        let want = match log.view.job.kind.placement {
            Placement::EveryMatch if log.placed.is_none() => u32::MAX,
            Placement::EveryMatch | Placement::Ranked { .. } => {
                u32::try_from(open_seats(log).len()).unwrap_or(u32::MAX)
            }
        };
        Some(Announce {
            round: RoundId { job: id, version: log.view.job.version, round: log.round },
            requirements: requirements(&log.view.job),
            code,
            inputs: inputs.take(ANNOUNCE_INPUTS_MAX).collect(),
            want,
            window_ms: self.config.limits.window_ms,
            nodes_hint: u32::try_from(self.directory.len()).unwrap_or(u32::MAX),
            draw_commitment: codec::sha256(&[
                b"gadus/draw/1|",
                &log.seed.to_be_bytes(),
                &log.round.to_be_bytes(),
            ]),
        })
    }

    pub(super) fn bid(&mut self, now: Time, from: NodeId, bid: Bid) {
        let id = bid.round.job;
        let bids_max = self.config.limits.bids_max as usize;
        let wanted = self.is_live(id)
            && self.jobs.get(&id).is_some_and(|e| {
                let undecided = e.log.partitions() == 0;
                bid.round.round == e.log.round && (undecided || !open_seats(&e.log).is_empty())
            });
        if !wanted {
            return self.say(from, Message::Filled { round: bid.round });
        }
        let Some(round) = self.jobs.get_mut(&id).and_then(|e| e.soft.round.as_mut()) else {
            return;
        };
        if round.bids.len() < bids_max || round.bids.contains_key(&from) {
            round.bid_at.insert(from, now);
            round.declined.remove(&from);
            round.bids.insert(from, bid);
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
        let no = entry.log.round;
        let Some(round) = entry.soft.round.as_mut().filter(|r| r.no == no) else { return };
        if declined.round == no && !reasons.is_empty() && round.asked.contains(&from) {
            round.bids.remove(&from);
            round.declined.insert(from, reasons);
            self.advance(now, id);
        }
    }

    /// Gives open seats to the best bids, once the window has ended or everybody has answered.
    fn award_from_bids(&mut self, now: Time, id: JobId) {
        let ttl_ms = self.config.limits.bid_ttl_ms;
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let no = entry.log.round;
        let Some(round) = entry.soft.round.as_mut().filter(|r| r.no == no) else { return };
        let fresh = |at: &Time| now < at.plus_ms(ttl_ms);
        round.bid_at.retain(|_, at| fresh(at));
        round.bids.retain(|node, _| round.bid_at.contains_key(node));
        let answered = |n: &NodeId| round.bids.contains_key(n) || round.declined.contains_key(n);
        let all = !round.asked.is_empty() && round.asked.iter().all(answered);
        if round.bids.is_empty() || !(all || now >= round.window_ends) {
            return;
        }
        let plan = self.look(now, id);
        if self.place(now, id, &plan) {
            return self.award_placed(now, id, &plan);
        }
        self.award_ranked(now, id, &plan);
    }

    fn award_ranked(&mut self, now: Time, id: JobId, plan: &Plan) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let Some(round) = &entry.soft.round else { return };
        let mut left: Vec<(NodeId, u32)> = Vec::new();
        for r in plan.ranked.iter().filter(|r| r.bid) {
            left.push((r.node, round.bids.get(&r.node).map_or(1, |b| b.seats.max(1))));
        }
        let digests: BTreeMap<NodeId, Option<String>> =
            round.bids.iter().map(|(n, b)| (*n, b.image_digest.clone())).collect();
        let mut taken: BTreeMap<NodeId, u32> = BTreeMap::new();
        for seat in open_seats(&entry.log) {
            // One seat each before anybody gets a second.
            let fits = left.iter().filter(|(n, seats)| taken.get(n).copied().unwrap_or(0) < *seats);
            let best = fits.min_by_key(|(n, _)| taken.get(n).copied().unwrap_or(0));
            let Some(node) = best.map(|(n, _)| *n) else { return };
            if !self.is_pinned(now, id, digests.get(&node).cloned().flatten()) {
                return;
            }
            *taken.entry(node).or_default() += 1;
            self.award(now, id, seat, node, plan.clone());
        }
    }

    /// A job on every match: decides its nodes, once everybody has answered or the round closes.
    /// True when it is such a job.
    fn place(&mut self, now: Time, id: JobId, plan: &Plan) -> bool {
        let Some(entry) = self.jobs.get(&id) else { return true };
        if entry.log.view.job.kind.placement != Placement::EveryMatch {
            return false;
        }
        if entry.log.placed.is_none() {
            let nodes: Vec<NodeId> = plan.ranked.iter().filter(|r| r.bid).map(|r| r.node).collect();
            if !nodes.is_empty() {
                self.emit(now, id, JobEvent::Placed { nodes });
            }
        }
        true
    }

    fn award_placed(&mut self, now: Time, id: JobId, plan: &Plan) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let nodes = entry.log.placed.clone().unwrap_or_default();
        let bids = entry.soft.round.as_ref().map(|r| r.bids.clone()).unwrap_or_default();
        for seat in open_seats(&entry.log) {
            let Some(node) = nodes.get(seat.0 as usize).copied() else { return };
            let Some(bid) = bids.get(&node) else { continue };
            if !self.is_pinned(now, id, bid.image_digest.clone()) {
                return;
            }
            self.award(now, id, seat, node, plan.clone());
        }
    }

    /// The round is over and seats are still open.
    fn no_bid(&mut self, now: Time, id: JobId) {
        let plan = self.look(now, id);
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        entry.soft.round = None;
        let log = &entry.log;
        let nothing_yet = log.view.executions.is_empty();
        let wanted = u32::try_from(log.seats().len()).unwrap_or(u32::MAX);
        let can_wait = log.view.job.context.timeouts.queue_ms.is_some();
        let every = log.view.job.kind.placement == Placement::EveryMatch;
        if every && log.placed.is_none() {
            let bullets = plan.not_enough_nodes(wanted);
            let bullets = bullets.split_once('\n').map_or("", |(_, rest)| rest);
            let nodes = plan.nodes;
            let message =
                format!("not matching nodes to run job out of {nodes} available nodes.\n{bullets}");
            return self.end(now, id, JobState::Failed, message.trim_end().to_owned());
        }
        if nothing_yet && !plan.may_pass && plan.feasible == 0 && !can_wait {
            return self.end(now, id, JobState::Failed, plan.not_enough_nodes(wanted));
        }
        self.enqueue(now, id, plan);
    }

    fn enqueue(&mut self, now: Time, id: JobId, plan: Plan) {
        let requeue_ms = self.config.limits.requeue_ms;
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        entry.soft.requeue_at = Some(now.plus_ms(requeue_ms));
        let view = &entry.log.view;
        self.queue.join(&entry.soft.class, &view.job, view.created_at);
        if entry.log.queued_since.is_none() {
            self.emit(now, id, JobEvent::Queued { plan: Box::new(plan) });
        }
    }

    /// Resources became free, or may have: the head of each line tries again.
    pub(super) fn wake_heads(&mut self, now: Time, except: Option<JobId>) {
        if self.config.sabotage == Some(Sabotage::ForgetQueue) {
            return;
        }
        for (class, head) in self.queue.heads() {
            if Some(head) != except {
                self.try_head(now, &class, head);
            }
        }
    }

    /// A head left its line: whoever is next tries.
    fn next_in_line(&mut self, now: Time, left: JobId) {
        let Some(entry) = self.jobs.get(&left) else { return };
        let class = entry.soft.class.clone();
        let head = self.queue.heads().into_iter().find(|(c, _)| *c == class);
        if let Some((class, head)) = head.filter(|(_, head)| *head != left) {
            self.try_head(now, &class, head);
        }
    }

    fn try_head(&mut self, now: Time, class: &Class, head: JobId) {
        let Some(entry) = self.jobs.get(&head) else { return };
        let need = requirements(&entry.log.view.job);
        let seats = self.directory.seats(now, self.disconnect_ms(), &need);
        if seats > self.queue.seats_sought(class, head) {
            // Not here and now: this may be called from within another job's turn.
            if let Some(entry) = self.jobs.get_mut(&head) {
                entry.soft.requeue_at = Some(now);
            }
            self.ready.insert(head);
        }
    }

    fn feasible(&self, now: Time, id: JobId) -> Vec<NodeId> {
        let Some(entry) = self.jobs.get(&id) else { return Vec::new() };
        let requirements = requirements(&entry.log.view.job);
        let none = BTreeMap::new();
        let no_bids = BTreeMap::new();
        let look = Look {
            now,
            disconnect_ms: self.disconnect_ms(),
            requirements: &requirements,
            bids: &no_bids,
            declined: entry.soft.round.as_ref().map_or(&none, |r| &r.declined),
            skip: &entry.soft.skip,
        };
        self.directory.feasible(&look)
    }

    fn look(&self, now: Time, id: JobId) -> Plan {
        self.jobs.get(&id).map(|e| self.explain(now, &e.log.view.job)).unwrap_or_default()
    }

    pub(super) fn disconnect_ms(&self) -> u64 {
        self.config.limits.disconnect_ms
    }

    /// Keeps count of the seats that bids are gathered for.
    pub(super) fn note_seats_sought(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let no = entry.log.round;
        let gathers = !entry.log.view.state.is_terminal()
            && entry.soft.round.as_ref().is_some_and(|r| r.no == no);
        let seats = if gathers { open_seats(&entry.log).len() } else { 0 };
        let seats = u32::try_from(seats).unwrap_or(u32::MAX);
        let class = entry.soft.class.clone();
        if self.queue.set_bidding(&class, id, seats) {
            self.wake_heads(now, Some(id));
        }
    }

    /// When a job needs looking at again.
    pub(super) fn set_deadline(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let next = next_deadline(entry, now, self.config.limits.disconnect_ms);
        if let Some(at) = entry.deadline.take() {
            self.deadlines.remove(&(at, id));
        }
        // What is due now was just seen to; a moment later at the soonest keeps turns finite.
        let next = next.map(|at| at.max(now.plus_ms(1)));
        entry.deadline = next;
        if let Some(at) = next {
            self.deadlines.insert((at, id));
        }
    }
}

/// The seats that no live or published execution fills, and that may be filled once more.
pub(super) fn open_seats(log: &JobLog) -> Vec<Seat> {
    let current = log.current();
    let policy = log.view.job.context.retry;
    let restarts = log.view.job.kind.restart == Restart::Elsewhere;
    let is_open = |seat: &Seat| match current.get(seat).map(|e| e.state) {
        None | Some(ExecutionState::Refused) => true,
        Some(ExecutionState::Failed | ExecutionState::Lost | ExecutionState::Rejected) => {
            restarts && log.attempts(*seat) < policy.attempts_max
        }
        Some(
            ExecutionState::Awarded
            | ExecutionState::Granted
            | ExecutionState::Proposed
            | ExecutionState::Accepted
            | ExecutionState::Published
            | ExecutionState::Cancelled,
        ) => false,
    };
    log.seats().into_iter().filter(is_open).collect()
}

/// The earliest of everything a job waits for.
fn next_deadline(entry: &super::Entry, now: Time, disconnect_ms: u64) -> Option<Time> {
    let (log, soft) = (&entry.log, &entry.soft);
    let live = !log.view.state.is_terminal();
    let mut times: Vec<Time> = Vec::new();
    times.extend(soft.stops.values().flat_map(|u| [u.repeat.at, u.until]).filter(|_| !live));
    if live {
        times.extend(soft.awards.values().flat_map(|u| [u.repeat.at, u.until]));
        times.extend(soft.leases.values().copied());
        times.extend(soft.leases.keys().map(|_| now.plus_ms(disconnect_ms)));
        times.extend(soft.keeps.values().map(|k| k.until));
        times.extend(soft.keeps.values().filter(|k| !k.fetching).map(|k| k.retry.at));
        let total = log.view.job.context.timeouts.total_ms;
        times.extend(total.map(|ms| log.view.created_at.plus_ms(ms)));
        times.extend(queue_limit(log));
        if !open_seats(log).is_empty() || log.partitions() == 0 {
            let gathering = soft.round.as_ref().filter(|r| r.no == log.round && !soft.resolving);
            times.extend(gathering.map(|r| r.closes));
            times.extend(gathering.map(|r| r.ask.at));
            times.extend(gathering.map(|r| r.window_ends).filter(|at| *at > now));
            times.extend(soft.requeue_at);
            times.extend(Some(log.backoff_until).filter(|at| *at > now));
            times.extend(soft.skip.values().copied().filter(|at| *at > now));
        }
    }
    times.into_iter().min()
}
