//! Leases and Syncs: what a node holds, against what it should hold.

use std::collections::BTreeSet;

use gadus_model::event::JobEvent;
use gadus_model::message::{Answer, Held, Message};
use gadus_model::{Class, Execution, ExecutionState, JobId, NodeId, NodeInfo, Resources, Time};

use super::Requester;
use super::directory::Heard;
use super::stop::lease_end;
use crate::sabotage::Sabotage;

impl Requester {
    pub(super) fn sync(
        &mut self,
        now: Time,
        from: NodeId,
        info: NodeInfo,
        held: Vec<(Execution, Held)>,
        stamp: (u64, u64),
    ) {
        if info.id != from {
            return;
        }
        let ours = held.iter().filter(|(_, what)| *what == Held::Running);
        let ours = ours.filter_map(|(execution, _)| {
            let entry = self.jobs.get(&execution.slot.job)?;
            let occupied = entry.log.occupied(execution) == Some(from);
            occupied.then_some(&entry.soft.requirements.resources)
        });
        let ours = ours.fold(Resources::default(), |sum, r| sum.plus(r));
        let heard = self.directory.heard(now, info, stamp, &ours, &self.config.limits);
        if heard == Heard::Old {
            return;
        }
        let mut answers = Vec::new();
        for (execution, what) in &held {
            answers.push((execution.clone(), self.reconcile(now, from, execution, *what, stamp)));
        }
        self.say(from, Message::SyncReply { of_seq: stamp.1, answers });
        self.lose_unlisted(now, from, &held, stamp);
        if heard == Heard::More {
            // Open rounds ask it too, and the heads of the lines try again.
            self.ready.extend(self.queue.bidding());
            self.freed = true;
        }
    }

    /// What is to become of one execution that a node says it holds.
    fn reconcile(
        &mut self,
        now: Time,
        from: NodeId,
        execution: &Execution,
        held: Held,
        (boot, seq): (u64, u64),
    ) -> Answer {
        let id = execution.slot.job;
        let ends = lease_end(now, &self.config.limits);
        let unknown = if held == Held::Running { Answer::Stop } else { Answer::Release };
        let live = self.is_live(id);
        let Some(entry) = self.jobs.get_mut(&id) else { return unknown };
        let Some(e) = entry.log.execution_of(from, execution) else { return unknown };
        match e.state {
            ExecutionState::Awarded | ExecutionState::Granted | ExecutionState::Proposed => {
                let first = e.state == ExecutionState::Awarded;
                if !live {
                    return Answer::Stop;
                }
                entry.soft.awards.remove(execution);
                entry.soft.leases.insert(execution.clone(), ends);
                if first {
                    let execution = execution.clone();
                    self.emit(now, id, JobEvent::Granted { execution, boot, seq });
                    self.advance(now, id);
                }
                Answer::Run
            }
            ExecutionState::Committed | ExecutionState::Revealed | ExecutionState::Accepted => {
                if live {
                    Answer::Run
                } else {
                    Answer::Stop
                }
            }
            ExecutionState::Published => Answer::Release,
            ExecutionState::Refused
            | ExecutionState::Faulted
            | ExecutionState::Rejected
            | ExecutionState::Failed
            | ExecutionState::Lost
            | ExecutionState::Cancelled => unknown,
        }
    }

    /// What this requester thinks runs on a node, and the node does not list: lost, if the Sync is
    /// later than the grant.
    fn lose_unlisted(
        &mut self,
        now: Time,
        from: NodeId,
        held: &[(Execution, Held)],
        stamp: (u64, u64),
    ) {
        let any_order = self.config.sabotage == Some(Sabotage::LoseOnOldSync);
        let listed: BTreeSet<&Execution> = held.iter().map(|(execution, _)| execution).collect();
        let mut lost: Vec<(JobId, Execution)> = Vec::new();
        for execution in self.directory.given_to(from).filter(|x| !listed.contains(x)) {
            let id = execution.slot.job;
            let attempt = self.jobs.get(&id).and_then(|e| e.log.attempt(execution));
            let Some(granted) = attempt.and_then(|attempt| attempt.granted) else { continue };
            if stamp > granted || any_order {
                lost.push((id, execution.clone()));
            }
        }
        for (id, execution) in lost {
            let ended = !self.is_live(id);
            if ended {
                self.cancelled(now, id, &execution);
            } else {
                self.lose(now, id, &execution, "the node no longer has it".to_owned());
            }
            self.advance(now, id);
        }
    }

    /// Gives up executions whose lease is over, and those of vanished nodes where that is safe.
    pub(super) fn tend_leases(&mut self, now: Time, id: JobId) {
        let limits = &self.config.limits;
        let started_at = self.started_at;
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let pure = entry.log.view.job.context.class == Class::Pure;
        let (mut over, mut gone) = (Vec::new(), Vec::new());
        for e in entry.log.in_state(ExecutionState::Granted) {
            let lease = entry.soft.leases.entry(e.execution.clone());
            let ends = *lease.or_insert_with(|| lease_end(now, limits));
            let heard = self.directory.get(e.node).map_or(started_at, |n| n.heard_at);
            let heard = heard.max(started_at);
            if now >= ends {
                over.push(e.execution.clone());
            } else if pure && now > heard.plus_ms(limits.disconnect_ms) {
                gone.push(e.execution.clone());
            }
        }
        let silent_ms = limits.disconnect_ms;
        for execution in over {
            self.lose(now, id, &execution, "its lease ended".to_owned());
        }
        for execution in gone {
            let why = format!("the node was not heard of for {silent_ms} ms");
            self.lose(now, id, &execution, why);
        }
    }

    pub(super) fn lose(&mut self, now: Time, id: JobId, execution: &Execution, why: String) {
        self.emit(now, id, JobEvent::Lost { execution: execution.clone(), why });
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.done_with(execution);
        }
    }
}
