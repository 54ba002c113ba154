//! Closing a round: these commitments count, and no others.

use gadus_model::event::JobEvent;
use gadus_model::message::Message;
use gadus_model::sealed::{Sealed, Stage};
use gadus_model::verdict::{Committed, VERDICT_VERSION};
use gadus_model::{CloseBody, Execution, ExecutionState, JobId, NodeId, Time, Verification};

use super::super::Requester;
use super::super::log::JobLog;
use super::super::soft::Unanswered;
use super::Standing;
use crate::repeat::Repeat;
use crate::sabotage::Sabotage;

impl Requester {
    /// Whether the round is to be closed: all have committed themselves, or enough have and the
    /// rest was waited for.
    pub(super) fn may_close(&mut self, now: Time, id: JobId, standing: &Standing) -> bool {
        let commit_ms = self.config.limits.commit_ms;
        let Some(entry) = self.jobs.get_mut(&id) else { return false };
        let level = entry.log.view.job.context.verification;
        if self.config.sabotage == Some(Sabotage::CloseEarly) {
            return true;
        }
        if standing.commits < level.equal() as usize {
            return false;
        }
        if standing.running + standing.open > 0 {
            let due = entry.soft.closes_due.entry(standing.partition);
            return now >= *due.or_insert_with(|| now.plus_ms(commit_ms));
        }
        !self.calls_checker(now, id, standing, level)
    }

    /// Of a result that is only checked now and then: whether somebody is called in to check it,
    /// drawn now that the node has committed itself.
    fn calls_checker(
        &mut self,
        now: Time,
        id: JobId,
        standing: &Standing,
        level: Verification,
    ) -> bool {
        let Verification::Spot(permille) = level else { return false };
        let partition = standing.partition;
        if standing.stage != Stage::Drawn || !self.config.notary.is_spot(id, partition, permille) {
            return false;
        }
        let trusted = self.callable(now, id, partition, Stage::Trusted) > 0;
        let stage = if trusted { Stage::Trusted } else { Stage::Referee };
        self.escalate(now, id, partition, stage, 1);
        true
    }

    /// There is nothing to be closed, or no more: nobody is late for it.
    pub(super) fn closes_nothing(&mut self, id: JobId, partition: u32) {
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.closes_due.remove(&partition);
        }
    }

    /// Closes a round. Commitments of earlier rounds are in the set too: none is ever dropped.
    pub(super) fn close(&mut self, now: Time, id: JobId, partition: u32) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        entry.soft.closes_due.remove(&partition);
        let log = &entry.log;
        let Some(round) = log.sealed(partition).map(Sealed::next_round) else { return };
        let Some(task) = log.task_of((partition, 0)).and_then(|task| task.cid().ok()) else {
            return;
        };
        let late: Vec<(Execution, NodeId)> = log
            .of_partition(partition)
            .filter(|e| matches!(e.state, ExecutionState::Awarded | ExecutionState::Granted))
            .map(|e| (e.execution.clone(), e.node))
            .collect();
        let mut set = commitments(log, partition);
        if self.config.sabotage == Some(Sabotage::DropVote) {
            set.truncate(log.view.job.context.verification.equal() as usize);
        }
        let version = log.view.job.version;
        let body = CloseBody { v: VERDICT_VERSION, job: id, version, task, round, set };
        let Ok(close) = self.config.notary.state(body) else { return };
        let close = JobEvent::Closed { partition, close: Box::new(close) };
        self.emit(now, id, close);
        for (execution, node) in late {
            let why = "the others were done, and the set was closed without it".to_owned();
            self.lose(now, id, &execution, why);
            self.say(node, Message::Stop { execution });
        }
    }

    /// Asks those who committed themselves for their answers, until their time is over.
    pub(super) fn ask_to_reveal(&mut self, now: Time, id: JobId, partition: u32) {
        let limits = &self.config.limits;
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let Some(sealed) = entry.log.sealed(partition) else { return };
        let for_ever = self.config.sabotage == Some(Sabotage::WaitForSilent);
        let reveal_ms = if for_ever { u64::MAX } else { limits.reveal_ms };
        let (mut ask, mut silent) = (Vec::new(), Vec::new());
        let owing = entry.log.of_partition(partition);
        for e in owing.filter(|e| e.state == ExecutionState::Committed) {
            let Some(close) = sealed.close_of(&e.execution) else { continue };
            let asked = entry.soft.reveals.entry(e.execution.clone());
            let asked = asked.or_insert_with(|| Unanswered {
                repeat: Repeat::now(now),
                until: self.absent.patience(now, e.node, reveal_ms),
            });
            if now >= asked.until {
                silent.push(e.execution.clone());
            } else if asked.repeat.due(now, limits) {
                let (execution, mut close) = (e.execution.clone(), Box::new(close.clone()));
                if self.config.sabotage == Some(Sabotage::TwoSets) {
                    close.body.set.pop_if(|last| last.node != e.node);
                }
                ask.push((e.node, Message::Close { execution, close }));
            }
        }
        for (node, message) in ask {
            self.say(node, message);
        }
        for execution in silent {
            let why = format!("it revealed nothing for {} ms", self.config.limits.reveal_ms);
            self.fault(now, id, execution, why);
        }
    }

    /// What was committed to is not revealed.
    pub(super) fn fault(&mut self, now: Time, id: JobId, execution: Execution, why: String) {
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.done_with(&execution);
        }
        self.emit(now, id, JobEvent::Faulted { execution, why });
    }
}

/// All commitments of a partition, one for each node, by node.
fn commitments(log: &JobLog, partition: u32) -> Vec<Committed> {
    let committed = log.of_partition(partition).filter_map(|e| {
        let commitment = e.commit.as_ref()?.body.commitment;
        Some(Committed { node: e.node, execution: e.execution.clone(), commitment })
    });
    let mut set: Vec<Committed> = committed.collect();
    set.sort();
    set.dedup_by_key(|one| one.node);
    set
}
