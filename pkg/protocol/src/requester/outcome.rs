//! Answers and failures: which of them count, and what follows.

use gadus_model::event::JobEvent;
use gadus_model::message::{Message, OpenProposal, Proposal};
use gadus_model::{Execution, ExecutionState, Failure, JobId, NodeId, Restart, Time};

use super::Requester;
use super::holders::Goal;
use super::log::{JobLog, seat_of};
use crate::sabotage::Sabotage;

impl Requester {
    /// Whether a proposal for this execution from this node would count now.
    #[must_use]
    pub fn would_accept(&self, from: NodeId, execution: &Execution) -> bool {
        self.counts_for(from, execution).is_some()
    }

    /// The execution that an answer counts for: the one it names, if its slot waits for that.
    fn counts_for(&self, from: NodeId, execution: &Execution) -> Option<Execution> {
        let id = execution.slot.job;
        let entry = self.jobs.get(&id).filter(|_| self.is_live(id))?;
        let newest = entry.log.newest(seat_of(&execution.slot))?;
        let waits = matches!(newest.state, ExecutionState::Awarded | ExecutionState::Granted);
        let same = newest.execution == *execution && newest.node == from;
        let stale_too = self.config.sabotage == Some(Sabotage::AcceptStaleEpoch);
        (waits && (same || stale_too)).then(|| newest.execution.clone())
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
        let known = entry.log.execution_of(from, &execution);
        match known.map(|e| e.state) {
            Some(ExecutionState::Accepted) if self.is_live(id) => {
                if entry.log.publishes(&execution) {
                    let again = accept(&entry.log, execution, &proposal);
                    self.say(from, again);
                }
                return;
            }
            Some(ExecutionState::Committed | ExecutionState::Revealed) if self.is_live(id) => {
                return self.committed_again(now, &execution);
            }
            Some(ExecutionState::Published) => {
                return self.say(from, Message::Release { execution });
            }
            _ => {}
        }
        let Some(execution) = self.counts_for(from, &execution) else {
            let why = "it is not the slot's current execution".to_owned();
            self.say(from, Message::Reject { execution: execution.clone(), why });
            return self.stopped(now, from, &execution);
        };
        let is_sealed = self.jobs.get(&id).is_some_and(|e| !e.log.view.sealed.is_empty());
        let open = match proposal {
            Proposal::Open(open) if !is_sealed => open,
            Proposal::Sealed(commit) if is_sealed => {
                return self.committed(now, from, &execution, *commit);
            }
            Proposal::Open(_) | Proposal::Sealed(_) => {
                let why = match is_sealed {
                    true => "the answer was to be sealed",
                    false => "sealed proposals are not asked for",
                };
                return self.reject(now, from, id, &execution, why.to_owned());
            }
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
            return self.accepted_and_kept(now, from, id, execution);
        }
        self.say(from, Message::Accept { execution });
        self.advance(now, id);
    }

    /// A result that counts came with all of its blocks: the requester holds it.
    fn accepted_and_kept(&mut self, now: Time, from: NodeId, id: JobId, execution: Execution) {
        let (me, publish_ms) = (self.config.node, self.config.limits.publish_ms);
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        if Goal::new(&entry.log.view.job.context, me, from).is_met_by_requester() {
            let (holders, place) = (vec![me], None);
            let published = JobEvent::Published { execution: execution.clone(), holders, place };
            self.emit(now, id, published);
            self.say(from, Message::Release { execution });
        } else {
            entry.soft.keeping(now, &execution, now.plus_ms(publish_ms)).kept(me);
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
        let task = entry.log.task_of(seat_of(&execution.slot)).ok_or("the job has no task")?;
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

    pub(super) fn reject(
        &mut self,
        now: Time,
        from: NodeId,
        id: JobId,
        execution: &Execution,
        why: String,
    ) {
        let execution = execution.clone();
        self.emit(now, id, JobEvent::Rejected { execution: execution.clone(), why: why.clone() });
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.done_with(&execution);
        }
        self.say(from, Message::Reject { execution, why });
        self.advance(now, id);
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
        let known = entry.log.execution_of(from, execution);
        let waits = known.is_some_and(|e| {
            matches!(
                e.state,
                ExecutionState::Awarded | ExecutionState::Granted | ExecutionState::Accepted
            )
        });
        if waits {
            self.fail(now, id, execution.clone(), failure);
            self.pass_over(now, from, execution);
            self.advance(now, id);
        }
    }

    /// Has a node that failed not asked again for a while, where others could take its place: it
    /// may be the quickest to bid, and fail again.
    fn pass_over(&mut self, now: Time, node: NodeId, execution: &Execution) {
        let (id, partition) = (execution.slot.job, execution.slot.partition);
        let Some(entry) = self.jobs.get(&id) else { return };
        if entry.log.view.job.kind.restart != Restart::Elsewhere {
            return;
        }
        let mut others = self.directory.feasible(&self.look(now, entry));
        others.retain(|other| {
            entry.log.seats.failures_of(*other) == 0 && self.may_replace(entry, partition, *other)
        });
        if others.is_empty() {
            return;
        }
        let until = now.plus_ms(self.config.limits.skip_ms);
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.pass_over(node, until);
        }
    }

    pub(super) fn fail(&mut self, now: Time, id: JobId, execution: Execution, failure: Failure) {
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.done_with(&execution);
        }
        self.emit(now, id, JobEvent::Failed { execution, failure });
    }
}

/// What a node hears whose answer is accepted. One that has not shown it since it was started asks
/// for the closed set before it takes that.
fn accept(log: &JobLog, execution: Execution, proposal: &Proposal) -> Message {
    let sealed = log.sealed(execution.slot.partition);
    let close = sealed.and_then(|sealed| sealed.close_of(&execution)).cloned();
    match (proposal, close) {
        (Proposal::Sealed(_), Some(close)) => Message::Close { execution, close: Box::new(close) },
        (Proposal::Sealed(_) | Proposal::Open(_), _) => Message::Accept { execution },
    }
}
