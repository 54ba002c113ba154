//! When a job needs looking at again.

use gadus_model::{ExecutionState, JobId, NodeId, Time};

use super::holders::Goal;
use super::recall::Recall;
use super::submit::{queue_limit, total_limit};
use super::{Entry, Requester};

impl Requester {
    /// Notes when a job is due next.
    pub(super) fn set_deadline(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let next = next_deadline(entry, now, self.config.node, self.config.limits.disconnect_ms);
        // What is due now was just seen to; a moment later at the soonest keeps turns finite.
        let next = next.map(|at| at.max(now.plus_ms(1)));
        if entry.deadline == next {
            return;
        }
        if let Some(at) = entry.deadline.take() {
            self.deadlines.remove(&(at, id));
        }
        entry.deadline = next;
        if let Some(at) = next {
            self.deadlines.insert((at, id));
        }
    }
}

/// The earliest of everything a job waits for.
fn next_deadline(entry: &Entry, now: Time, me: NodeId, disconnect_ms: u64) -> Option<Time> {
    let (log, soft) = (&entry.log, &entry.soft);
    if log.view.state.is_terminal() {
        return soft.stops.values().map(|u| u.repeat.at.min(u.until)).min();
    }
    let awards = soft.awards.values().map(|u| u.repeat.at.min(u.until));
    let silence = now.plus_ms(disconnect_ms);
    let leases = soft.leases.values().map(|ends| (*ends).min(silence));
    let keeps = soft.keeps.iter().filter_map(|(execution, keep)| {
        let producer = log.execution(execution)?.node;
        Some(keep.next(now, &Goal::new(&log.view.job.context, me, producer)))
    });
    let reveals = soft.reveals.values().map(|u| u.repeat.at.min(u.until));
    let seats = soft.seats_due.values().chain(soft.closes_due.values()).copied();
    let limits = total_limit(log).into_iter().chain(queue_limit(log));
    let earliest =
        awards.chain(leases).chain(keeps).chain(reveals).chain(seats).chain(limits).min();
    earliest.into_iter().chain(next_search(entry, now)).min()
}

/// The earliest of what looking for nodes waits for.
fn next_search(entry: &Entry, now: Time) -> Option<Time> {
    let (log, soft) = (&entry.log, &entry.soft);
    match soft.recall {
        // It is woken when what it waits for comes to its end.
        Recall::Due => return None,
        Recall::Asked(until) => return Some(until),
        Recall::Over => {}
    }
    if soft.resolving || (log.seats.open().is_empty() && !log.is_unplaced()) {
        return None;
    }
    if now < log.backoff_until {
        return Some(log.backoff_until);
    }
    let Some(round) = soft.round(log.round) else {
        return soft.requeue_at;
    };
    let unanswered = log.in_state(ExecutionState::Awarded).next().is_some();
    // A closed round waits for the answers to its awards.
    let closes = Some(round.closes).filter(|at| now < *at || !unanswered);
    let ahead = |at: &Time| *at > now;
    let skips = soft.skip.values().copied().filter(ahead);
    let asks = Some(round.ask.at).filter(|_| now < round.closes);
    let window = Some(round.window_ends).filter(ahead);
    closes.into_iter().chain(asks).chain(window).chain(skips).min()
}
