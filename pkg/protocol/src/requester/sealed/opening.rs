//! Commitments, and answers that open them.

use gadus_model::event::JobEvent;
use gadus_model::message::Message;
use gadus_model::{
    Claim, CommitBody, Execution, ExecutionState, JobId, NodeId, Reason, Reveal, Signed, Time,
};

use super::super::Requester;
use super::super::log::seat_of;
use crate::repeat::Repeat;
use crate::verify;

impl Requester {
    /// A node says that it has an answer.
    pub(in crate::requester) fn committed(
        &mut self,
        now: Time,
        from: NodeId,
        execution: &Execution,
        commit: Signed<CommitBody>,
    ) {
        let id = execution.slot.job;
        if let Err(why) = self.check_commit(from, execution, &commit) {
            return self.reject(now, from, id, execution, why);
        }
        let execution = execution.clone();
        let commit = Box::new(commit);
        self.emit(now, id, JobEvent::Committed { execution: execution.clone(), commit });
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.done_with(&execution);
        }
        self.advance(now, id);
    }

    fn check_commit(
        &self,
        from: NodeId,
        execution: &Execution,
        commit: &Signed<CommitBody>,
    ) -> Result<(), String> {
        let entry = self.jobs.get(&execution.slot.job).ok_or("the job is unknown")?;
        let task = entry.log.task_of(seat_of(&execution.slot)).ok_or("the job has no task")?;
        let task = task.cid().map_err(|e| e.to_string())?;
        if commit.node != from {
            return Err("the commitment is another node's".to_owned());
        }
        if commit.body.execution != *execution || commit.body.task != task {
            return Err("the commitment is for other work".to_owned());
        }
        Ok(())
    }

    /// It says so again: it may not have heard that the set is closed.
    pub(in crate::requester) fn committed_again(&mut self, now: Time, execution: &Execution) {
        let id = execution.slot.job;
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        if let Some(asked) = entry.soft.reveals.get_mut(execution) {
            asked.repeat = Repeat::now(now);
        }
        self.advance(now, id);
    }

    /// Whether an answer to a closed set is waited for from this node.
    #[must_use]
    pub fn would_open(&self, from: NodeId, execution: &Execution) -> bool {
        self.is_live(execution.slot.job) && self.owes(from, execution)
    }

    fn owes(&self, from: NodeId, execution: &Execution) -> bool {
        let Some(entry) = self.jobs.get(&execution.slot.job) else { return false };
        let e = entry.log.execution_of(from, execution);
        let sealed = entry.log.sealed(execution.slot.partition);
        e.is_some_and(|e| e.state == ExecutionState::Committed)
            && sealed.is_some_and(|sealed| sealed.close_of(execution).is_some())
    }

    /// A node shows what it committed to.
    pub(in crate::requester) fn revealed(
        &mut self,
        now: Time,
        from: NodeId,
        execution: &Execution,
        (salt, claim): ([u8; 32], Claim),
    ) {
        let id = execution.slot.job;
        if !self.would_open(from, execution) {
            return self.revealed_out_of_turn(now, from, execution);
        }
        let Claim { manifest, receipt, summary } = claim;
        let reveal = Reveal { execution: execution.clone(), salt, manifest, receipt };
        if let Err(why) = self.check_reveal(from, &reveal) {
            self.fault(now, id, execution.clone(), why.clone());
            self.say(from, Message::Reject { execution: execution.clone(), why });
            return self.advance(now, id);
        }
        let (reveal, summary) = (Box::new(reveal), Box::new(summary));
        self.emit(now, id, JobEvent::Revealed { execution: execution.clone(), reveal, summary });
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.done_with(execution);
        }
        self.advance(now, id);
    }

    fn check_reveal(&self, from: NodeId, reveal: &Reveal) -> Result<(), String> {
        let slot = &reveal.execution.slot;
        let entry = self.jobs.get(&slot.job).ok_or("the job is unknown")?;
        let sealed = entry.log.sealed(slot.partition).ok_or("the job is not sealed work")?;
        let close = sealed.close_of(&reveal.execution).ok_or("no set was closed with it")?;
        verify::open(&close.body, from, reveal)?;
        // By the rules that it names itself nobody could ever contradict it.
        let engine = &reveal.receipt.body.engine;
        match self.directory.engine_of(from) {
            Some(runs) if runs != *engine => {
                Err(format!("its answer is said to be by engine {engine}, and it runs {runs}"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Nothing is waited for: an answer that was shown before, or that does not count any more.
    fn revealed_out_of_turn(&mut self, now: Time, from: NodeId, execution: &Execution) {
        let (id, owned) = (execution.slot.job, execution.clone());
        let Some(entry) = self.jobs.get(&id) else {
            return self.say(from, Message::Release { execution: owned });
        };
        let state = entry.log.execution_of(from, execution).map(|e| e.state);
        match state {
            Some(ExecutionState::Accepted) if self.is_live(id) => {
                if entry.log.publishes(execution) {
                    self.say(from, Message::Accept { execution: owned });
                }
            }
            Some(ExecutionState::Published) => {
                self.say(from, Message::Release { execution: owned })
            }
            Some(ExecutionState::Committed | ExecutionState::Revealed) if self.is_live(id) => {}
            Some(_) | None => {
                let why = "it is not waited for".to_owned();
                self.say(from, Message::Reject { execution: owned, why });
                self.stopped(now, from, execution);
            }
        }
    }

    /// A node will not show what it committed to.
    pub(in crate::requester) fn unrevealed(
        &mut self,
        now: Time,
        from: NodeId,
        execution: &Execution,
        reason: &Reason,
    ) {
        if self.owes(from, execution) {
            let id: JobId = execution.slot.job;
            self.fault(now, id, execution.clone(), format!("this node {reason}"));
            self.advance(now, id);
        }
    }
}
