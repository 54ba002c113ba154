//! Answers and failures: which of them count, and what follows.

use gadus_model::event::JobEvent;
use gadus_model::message::{Message, OpenProposal, Proposal};
use gadus_model::{
    Class, Completion, Durability, Execution, ExecutionState, Failure, FailureKind, JobId,
    JobState, NodeId, Restart, Time,
};

use super::Requester;
use super::bidding::open_seats;
use super::soft::Keeping;
use crate::repeat::Repeat;
use crate::sabotage::Sabotage;
use crate::step::Effect;

impl Requester {
    /// Whether a proposal for this execution from this node would count now.
    #[must_use]
    pub fn would_accept(&self, from: NodeId, execution: &Execution) -> bool {
        let id = execution.slot.job;
        let Some(entry) = self.jobs.get(&id).filter(|_| self.is_live(id)) else { return false };
        let stale_too = self.config.sabotage == Some(Sabotage::AcceptStaleEpoch);
        let waits = |s: ExecutionState| {
            matches!(s, ExecutionState::Awarded | ExecutionState::Granted)
                || (stale_too && matches!(s, ExecutionState::Lost))
        };
        let known = entry.log.execution(execution);
        known.is_some_and(|e| e.node == from && waits(e.state))
            && (stale_too || entry.log.is_current(execution))
    }

    pub(super) fn proposed(
        &mut self,
        now: Time,
        from: NodeId,
        execution: &Execution,
        proposal: Proposal,
        kept: bool,
    ) {
        let id = execution.slot.job;
        let execution = execution.clone();
        let Some(entry) = self.jobs.get(&id) else {
            return self.say(from, Message::Release { execution });
        };
        let known = entry.log.execution(&execution).filter(|e| e.node == from);
        match known.map(|e| e.state) {
            Some(ExecutionState::Accepted) if self.is_live(id) => {
                return self.say(from, Message::Accept { execution });
            }
            Some(ExecutionState::Published) => {
                return self.say(from, Message::Release { execution });
            }
            _ => {}
        }
        if !self.would_accept(from, &execution) {
            let why = "it is not the slot's current execution".to_owned();
            self.say(from, Message::Reject { execution: execution.clone(), why });
            return self.stopped(now, from, &execution);
        }
        let Proposal::Open(open) = proposal else {
            let why = "sealed proposals are not asked for".to_owned();
            return self.reject(now, from, id, &execution, why);
        };
        if let Err(why) = self.check_claim(from, &execution, &open) {
            return self.reject(now, from, id, &execution, why);
        }
        let claim = Box::new(open.claim);
        let accepted = JobEvent::Accepted { execution: execution.clone(), claim };
        self.emit(now, id, accepted);
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.done_with(&execution);
        }
        if kept {
            let holders = vec![self.config.node];
            self.emit(now, id, JobEvent::Published { execution: execution.clone(), holders });
            self.say(from, Message::Release { execution });
        } else {
            self.say(from, Message::Accept { execution });
        }
        self.advance(now, id);
    }

    /// Whether a receipt is about this work, this node and this manifest.
    fn check_claim(
        &self,
        from: NodeId,
        execution: &Execution,
        open: &OpenProposal,
    ) -> Result<(), String> {
        let entry = self.jobs.get(&execution.slot.job).ok_or("the job is unknown")?;
        let seat = (execution.slot.partition, execution.slot.replica);
        let task = entry.log.task_of(seat).ok_or("the job has no task")?;
        let task = task.cid().map_err(|e| e.to_string())?;
        let manifest = open.claim.manifest.cid().map_err(|e| e.to_string())?;
        let claim = &open.claim.receipt.body;
        if claim.node != from {
            return Err("the receipt is another node's".to_owned());
        }
        if claim.task != task {
            return Err(format!("the receipt is for task {}, not {task}", claim.task));
        }
        if claim.manifest != manifest {
            return Err(format!("the receipt is for manifest {}, not {manifest}", claim.manifest));
        }
        Ok(())
    }

    fn reject(&mut self, now: Time, from: NodeId, id: JobId, execution: &Execution, why: String) {
        let execution = execution.clone();
        self.emit(now, id, JobEvent::Rejected { execution: execution.clone(), why: why.clone() });
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.done_with(&execution);
        }
        self.say(from, Message::Reject { execution, why });
        self.advance(now, id);
    }

    /// Sees to it that accepted results reach their keeper.
    pub(super) fn tend_keeps(&mut self, now: Time, id: JobId) {
        let limits = self.config.limits.clone();
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let durability = entry.log.view.job.context.durability;
        let accepted = entry.log.view.executions.iter();
        let accepted = accepted.filter(|e| e.state == ExecutionState::Accepted);
        let (mut fetch, mut late) = (Vec::new(), Vec::new());
        for e in accepted {
            let keep = entry.soft.keeps.entry(e.execution.clone()).or_insert_with(|| Keeping {
                fetching: false,
                retry: Repeat::now(now),
                until: now.plus_ms(limits.publish_ms),
                produced: false,
            });
            if now >= keep.until {
                late.push(e.execution.clone());
            } else if durability == Durability::Keeper
                && !keep.fetching
                && keep.retry.due(now, &limits)
            {
                keep.fetching = true;
                fetch.extend(e.manifest.as_ref().map(|m| (e.execution.clone(), m.result, e.node)));
            }
        }
        for (execution, result, from) in fetch {
            self.step.effects.push(Effect::Keep { execution, result, from });
        }
        for execution in late {
            let message = format!("no holder had the result within {} ms", limits.publish_ms);
            self.fail(now, id, execution, Failure::new(FailureKind::PublishFailed, message));
        }
    }

    pub(super) fn kept(&mut self, now: Time, execution: &Execution, result: Result<(), Failure>) {
        let id = execution.slot.job;
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let Some(e) = entry.log.execution(execution) else { return };
        let (node, accepted) = (e.node, e.state == ExecutionState::Accepted);
        if let Some(keep) = entry.soft.keeps.get_mut(execution) {
            keep.fetching = false;
        }
        if accepted && result.is_ok() {
            let holders = vec![self.config.node, node];
            self.publish(now, id, execution, node, holders);
        }
        self.advance(now, id);
    }

    /// A producer says that it holds every block, public.
    pub(super) fn published(&mut self, now: Time, from: NodeId, execution: &Execution) {
        let id = execution.slot.job;
        let Some(entry) = self.jobs.get_mut(&id) else {
            return self.say(from, Message::Release { execution: execution.clone() });
        };
        let durability = entry.log.view.job.context.durability;
        let known = entry.log.execution(execution).filter(|e| e.node == from).map(|e| e.state);
        match known {
            Some(ExecutionState::Accepted) if durability == Durability::Producer => {
                self.publish(now, id, execution, from, vec![from]);
            }
            Some(ExecutionState::Accepted) => {
                if let Some(keep) = entry.soft.keeps.get_mut(execution) {
                    // Its blocks can be had from now on: no need to wait for the next try.
                    if !std::mem::replace(&mut keep.produced, true) && !keep.fetching {
                        keep.retry = Repeat::now(now);
                    }
                }
            }
            Some(
                ExecutionState::Awarded
                | ExecutionState::Granted
                | ExecutionState::Proposed
                | ExecutionState::Refused
                | ExecutionState::Published
                | ExecutionState::Rejected
                | ExecutionState::Failed
                | ExecutionState::Lost
                | ExecutionState::Cancelled,
            )
            | None => self.say(from, Message::Release { execution: execution.clone() }),
        }
        self.advance(now, id);
    }

    fn publish(
        &mut self,
        now: Time,
        id: JobId,
        execution: &Execution,
        producer: NodeId,
        holders: Vec<NodeId>,
    ) {
        self.emit(now, id, JobEvent::Published { execution: execution.clone(), holders });
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.done_with(execution);
        }
        self.say(producer, Message::Release { execution: execution.clone() });
    }

    pub(super) fn failed(
        &mut self,
        now: Time,
        from: NodeId,
        execution: &Execution,
        failure: Failure,
    ) {
        let id = execution.slot.job;
        self.say(from, Message::Release { execution: execution.clone() });
        let Some(entry) = self.jobs.get(&id) else { return };
        let known = entry.log.execution(execution).filter(|e| e.node == from);
        let waits = known.is_some_and(|e| {
            matches!(
                e.state,
                ExecutionState::Awarded | ExecutionState::Granted | ExecutionState::Accepted
            )
        });
        if waits {
            self.fail(now, id, execution.clone(), failure);
            self.advance(now, id);
        }
    }

    fn fail(&mut self, now: Time, id: JobId, execution: Execution, failure: Failure) {
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.done_with(&execution);
        }
        self.emit(now, id, JobEvent::Failed { execution, failure });
    }

    /// After anything has happened: is the job over, and if not, when may it be tried again?
    pub(super) fn judge(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let log = &entry.log;
        let job = &log.view.job;
        let current = log.current();
        let seats = log.seats();
        let early = self.config.sabotage == Some(Sabotage::CompleteUnpublished);
        let done = |s: ExecutionState| {
            s == ExecutionState::Published || (early && s == ExecutionState::Accepted)
        };
        let published = seats.iter().filter(|s| current.get(s).is_some_and(|e| done(e.state)));
        if !seats.is_empty()
            && published.count() == seats.len()
            && job.kind.completion == Completion::AllSlots
        {
            return self.end(now, id, JobState::Completed, String::new());
        }
        let spent = |s: ExecutionState| {
            matches!(s, ExecutionState::Failed | ExecutionState::Lost | ExecutionState::Rejected)
        };
        let open = open_seats(log);
        let fatal = self.fatal_message(id);
        let dead: Vec<_> = seats
            .iter()
            .filter(|s| current.get(s).is_some_and(|e| spent(e.state)) && !open.contains(s))
            .collect();
        let rest_over = seats.iter().all(|s| current.get(s).is_some_and(|e| e.state.is_terminal()));
        if job.kind.restart == Restart::Never {
            // Every node's turn comes to its end before the job does.
            if !seats.is_empty() && rest_over && !dead.is_empty() && open.is_empty() {
                let message = "Job failed because one or more executions failed".to_owned();
                self.end(now, id, JobState::Failed, message);
            }
            return;
        }
        if let Some(message) = fatal {
            return self.end(now, id, JobState::Failed, message);
        }
        if let Some(seat) = dead.first() {
            let why = current.get(*seat).map(|e| e.message.clone()).unwrap_or_default();
            let once = job.context.retry.attempts_max <= 1;
            let lost = current.get(*seat).is_some_and(|e| e.state == ExecutionState::Lost);
            let message = match (once, lost) {
                (true, true) => format!("outcome unknown: {why}"),
                (true, false) => why,
                (false, _) => format!(
                    "Job failed because it has been retried too many times. The last try: {why}"
                ),
            };
            return self.end(now, id, JobState::Failed, message);
        }
        self.back_off(now, id);
    }

    /// A failure that no other node can mend, or work that must not be repeated.
    fn fatal_message(&self, id: JobId) -> Option<String> {
        let log = &self.jobs.get(&id)?.log;
        let history = log.view.history.iter().rev();
        let fatal = |event: &JobEvent| matches!(event, JobEvent::Failed { failure, .. } if !failure.kind.is_retryable());
        let failed = history.map(|h| &h.event).find(|event| fatal(event));
        if let Some(JobEvent::Failed { failure, .. }) = failed {
            let hint = failure.hint.as_ref().map(|h| format!(" ({h})")).unwrap_or_default();
            return Some(format!("{}{hint}", failure.message));
        }
        if log.view.job.context.class != Class::Command {
            return None;
        }
        let gone = log.view.executions.iter().find(|e| {
            matches!(
                e.state,
                ExecutionState::Lost | ExecutionState::Failed | ExecutionState::Rejected
            )
        })?;
        Some(format!("outcome unknown: {}", gone.message))
    }

    /// The wait after a failed try: doubled each time, and noted once per try.
    fn back_off(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let log = &entry.log;
        let newest = log.view.history.iter().rev().find(|h| {
            matches!(
                h.event,
                JobEvent::Failed { .. }
                    | JobEvent::Lost { .. }
                    | JobEvent::Rejected { .. }
                    | JobEvent::BackedOff { .. }
            )
        });
        let due = newest.is_some_and(|h| !matches!(h.event, JobEvent::BackedOff { .. }));
        if !due || open_seats(log).is_empty() {
            return;
        }
        let tries = log.seats().into_iter().map(|s| log.attempts(s)).max().unwrap_or(1);
        let policy = log.view.job.context.retry;
        let ms = policy.backoff_ms.saturating_mul(1 << tries.saturating_sub(1).min(16));
        let ms = ms.min(policy.backoff_max_ms);
        if let Some(entry) = self.jobs.get_mut(&id) {
            // Bids of before the failure are not used again.
            entry.soft.round = None;
        }
        self.emit(now, id, JobEvent::BackedOff { ms });
    }
}
