//! Waiting: what fits nothing now stands in a line, and its head tries when room appears.

use gadus_model::event::JobEvent;
use gadus_model::{ExecutionState, JobId, Plan, Time};

use super::Requester;
use crate::sabotage::Sabotage;

/// The wait between two rounds for a head that nobody bids for grows up to this many doublings.
const REQUEUE_DOUBLINGS_MAX: u32 = 5;

impl Requester {
    /// Opens a round, unless others of the class are first or the room is known to be taken.
    pub(super) fn announce_or_wait(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let (class, view) = (entry.soft.class, &entry.log.view);
        let unfair = self.config.sabotage == Some(Sabotage::JumpQueue);
        let after_others = self.queue.must_wait(&class, &view.job, view.created_at) && !unfair;
        let sought = self.queue.seats_sought(&class, id);
        let full = !entry.log.is_unplaced() && !self.has_room(now, id, sought);
        if after_others || full {
            let plan = self.plan(now, id);
            if after_others || plan.may_pass || (plan.feasible > 0 && sought > 0) {
                return self.wait_in_line(now, id, plan);
            }
        }
        self.announce(now, id);
    }

    /// Whether more seats for such a job are free than are sought already.
    fn has_room(&self, now: Time, id: JobId, sought: u32) -> bool {
        let Some(entry) = self.jobs.get(&id) else { return false };
        let enough = sought.saturating_add(1);
        let need = &entry.soft.requirements;
        self.directory.seats(now, self.disconnect_ms(), need, enough) > sought
    }

    /// Puts a job into its line.
    pub(super) fn wait_in_line(&mut self, now: Time, id: JobId, plan: Plan) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let view = &entry.log.view;
        self.queue.join(&entry.soft.class, &view.job, view.created_at);
        let first = !self.queue.must_wait(&entry.soft.class, &view.job, view.created_at);
        let at = first.then(|| self.requeue_at(now, id)).flatten();
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.requeue_at = at;
        }
        self.note_wait(now, id, Some(plan));
    }

    /// Notes once that a job waits; not while a node may be about to take part of it.
    pub(super) fn note_wait(&mut self, now: Time, id: JobId, plan: Option<Plan>) {
        let Some(log) = self.jobs.get(&id).map(|entry| &entry.log) else { return };
        if !log.waits && log.in_state(ExecutionState::Awarded).next().is_none() {
            let plan = Box::new(plan.unwrap_or_else(|| self.plan(now, id)));
            self.emit(now, id, JobEvent::Queued { plan });
        }
    }

    /// When a head tries again should nothing wake it: less and less often.
    fn requeue_at(&self, now: Time, id: JobId) -> Option<Time> {
        if self.config.sabotage == Some(Sabotage::ForgetQueue) {
            return None;
        }
        let doublings = self.jobs.get(&id)?.soft.rounds_in_vain.min(REQUEUE_DOUBLINGS_MAX);
        Some(now.plus_ms(self.config.limits.requeue_ms << doublings))
    }

    /// Whether a job stands in its line and it is not its moment yet.
    pub(super) fn waits_in_line(&self, now: Time, id: JobId) -> bool {
        let Some(entry) = self.jobs.get(&id) else { return false };
        let view = &entry.log.view;
        self.queue.contains(&entry.soft.class, &view.job, view.created_at)
            && entry.soft.requeue_at.is_none_or(|at| now < at)
    }

    /// Takes a job out of its line, if it is in it; the next then tries.
    pub(super) fn leave_line(&mut self, id: JobId) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        entry.soft.requeue_at = None;
        let view = &entry.log.view;
        self.freed |= self.queue.leave(&entry.soft.class, &view.job, view.created_at);
    }

    /// The head of each line tries again if there is room, and at some time in any case.
    pub(super) fn wake_heads(&mut self, now: Time) {
        if self.config.sabotage == Some(Sabotage::ForgetQueue) {
            return;
        }
        for (class, head) in self.queue.heads() {
            let room = self.has_room(now, head, self.queue.seats_sought(&class, head));
            let later = self.requeue_at(now, head);
            let Some(entry) = self.jobs.get_mut(&head) else { continue };
            if room {
                entry.soft.requeue_at = Some(now);
            } else if entry.soft.requeue_at.is_none() {
                entry.soft.requeue_at = later;
            } else {
                continue;
            }
            self.ready.insert(head);
        }
    }

    pub(super) fn disconnect_ms(&self) -> u64 {
        self.config.limits.disconnect_ms
    }

    /// Keeps count of the seats that bids are gathered for.
    pub(super) fn note_seats_sought(&mut self, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let log = &entry.log;
        let gathers = !log.view.state.is_terminal() && entry.soft.round(log.round).is_some();
        let seats = if gathers { log.seats.open().len() } else { 0 };
        let seats = u32::try_from(seats).unwrap_or(u32::MAX);
        let (class, view) = (&entry.soft.class, &log.view);
        let left_off = self.queue.set_bidding(class, id, seats);
        // What the head of a line seeks no more is no room that it did not see before.
        let is_head = self.queue.contains(class, &view.job, view.created_at)
            && !self.queue.must_wait(class, &view.job, view.created_at);
        self.freed |= left_off && !is_head;
    }
}
