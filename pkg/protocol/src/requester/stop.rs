//! Cancelling: the log's order decides, and an execution is cancelled when its node says so or its
//! lease has ended.

use gadus_model::event::JobEvent;
use gadus_model::message::Message;
use gadus_model::{Execution, ExecutionState, JobId, JobState, NodeId, Time};

use super::Requester;
use super::soft::Unanswered;
use crate::repeat::Repeat;
use crate::sabotage::Sabotage;

impl Requester {
    pub(super) fn stop(&mut self, now: Time, id: JobId, reason: String) {
        self.end(now, id, JobState::Stopped, reason);
        self.advance(now, id);
    }

    /// Of a job that is over: stops what still runs.
    pub(super) fn tend_stops(&mut self, now: Time, id: JobId) {
        let limits = &self.config.limits;
        let in_name_only = self.config.sabotage == Some(Sabotage::CancelInNameOnly);
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let live: Vec<(Execution, NodeId)> =
            entry.log.live().map(|e| (e.execution.clone(), e.node)).collect();
        let (mut over, mut say) = (Vec::new(), Vec::new());
        for (execution, node) in live {
            if in_name_only {
                over.push(execution);
                continue;
            }
            let soft = &mut entry.soft;
            // An award that was not answered may still be on its way: its lease counts from here.
            let lease = soft.leases.get(&execution).copied();
            let stop = soft.stops.entry(execution.clone()).or_insert_with(|| Unanswered {
                repeat: Repeat::now(now),
                until: lease.unwrap_or_else(|| lease_end(now, limits)),
            });
            if now >= stop.until {
                over.push(execution);
            } else if stop.repeat.due(now, limits) {
                say.push((node, Message::Stop { execution }));
            }
        }
        for (node, message) in say {
            self.say(node, message);
        }
        for execution in over {
            self.cancelled(now, id, &execution);
        }
    }

    pub(super) fn stopped(&mut self, now: Time, from: NodeId, execution: &Execution) {
        let id = execution.slot.job;
        let Some(entry) = self.jobs.get(&id) else { return };
        let Some(e) = entry.log.execution_of(from, execution) else { return };
        if e.state.is_terminal() {
            return;
        }
        if entry.log.view.state.is_terminal() {
            self.cancelled(now, id, execution);
        } else if e.state != ExecutionState::Accepted {
            // The node gave up by itself, after its lease ended, say.
            let why = "the node stopped it".to_owned();
            self.lose(now, id, execution, why);
        }
        self.advance(now, id);
    }

    pub(super) fn cancelled(&mut self, now: Time, id: JobId, execution: &Execution) {
        self.emit(now, id, JobEvent::Cancelled { execution: execution.clone() });
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.done_with(execution);
        }
    }
}

/// When a lease that begins now is over for the requester.
pub(super) fn lease_end(now: Time, limits: &gadus_model::Limits) -> Time {
    now.plus_ms(limits.lease_ms + limits.lease_ms / 10 + limits.lease_grace_ms)
}
