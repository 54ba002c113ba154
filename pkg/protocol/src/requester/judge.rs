//! After anything has happened: is the job over, and if not, when may it be tried again?

use gadus_model::event::JobEvent;
use gadus_model::{Completion, ExecutionState, JobId, JobState, Restart, Time};

use super::Requester;
use super::log::JobLog;
use crate::sabotage::Sabotage;

impl Requester {
    /// Ends a job that is done or can never be, and notes the wait after a failed try.
    pub(super) fn judge(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let log = &entry.log;
        let kind = log.view.job.kind;
        let early = self.config.sabotage == Some(Sabotage::CompleteUnpublished)
            && log.seats.open().is_empty()
            && log.live().all(|e| e.state == ExecutionState::Accepted);
        let done = log.is_published() || (early && log.seats.any_live());
        if done && kind.completion == Completion::AllSlots {
            return self.end(now, id, JobState::Completed, String::new());
        }
        if let Some(message) = failure_message(log) {
            return self.end(now, id, JobState::Failed, message);
        }
        self.back_off(now, id);
    }

    /// The wait after a failed try: doubled each time, and noted once per try.
    fn back_off(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let again = entry.log.view.job.kind.restart == Restart::Elsewhere;
        if !entry.log.owes_backoff || !again || entry.log.seats.open().is_empty() {
            return;
        }
        let doublings = entry.log.seats.spent_most().saturating_sub(1).min(16);
        let policy = entry.log.view.job.context.retry;
        let ms = policy.backoff_ms.saturating_mul(1 << doublings).min(policy.backoff_max_ms);
        // Bids of before the failure are not used again.
        self.say_filled(now, id);
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.round = None;
        }
        self.leave_line(id);
        self.emit(now, id, JobEvent::BackedOff { ms });
    }
}

/// Why a job can never complete any more, if so.
fn failure_message(log: &JobLog) -> Option<String> {
    if log.view.job.kind.restart == Restart::Never {
        // Every node's turn comes to its end before the job does.
        let over = log.seats.open().is_empty() && !log.seats.any_live();
        return (over && log.seats.dead().is_some())
            .then(|| "Job failed because one or more executions failed".to_owned());
    }
    if let Some(doomed) = &log.doomed {
        return Some(doomed.clone());
    }
    if let Some(why) = log.impossible() {
        return Some(why);
    }
    let dead = match log.view.sealed.is_empty() {
        true => log.seats.dead()?,
        false => log.hopeless_seat()?,
    };
    let last = log.newest(dead)?;
    let why = &last.message;
    let once = log.view.job.context.retry.attempts_max <= 1;
    Some(match (once, last.state == ExecutionState::Lost) {
        (true, true) => format!("outcome unknown: {why}"),
        (true, false) => why.clone(),
        (false, _) => {
            format!("Job failed because it has been retried too many times. The last try: {why}")
        }
    })
}
