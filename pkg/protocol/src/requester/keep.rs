//! Accepted results on their way to who keeps them.

use gadus_model::event::JobEvent;
use gadus_model::message::Message;
use gadus_model::{
    Durability, Execution, ExecutionState, Failure, FailureKind, JobId, NodeId, Time,
};

use super::Requester;
use super::soft::Keeping;
use crate::repeat::Repeat;
use crate::step::Effect;

impl Requester {
    /// Sees to it that accepted results reach their keeper.
    pub(super) fn tend_keeps(&mut self, now: Time, id: JobId) {
        let limits = &self.config.limits;
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let durability = entry.log.view.job.context.durability;
        let (mut fetch, mut late) = (Vec::new(), Vec::new());
        for e in entry.log.in_state(ExecutionState::Accepted) {
            let keep = entry.soft.keeps.entry(e.execution.clone()).or_insert_with(|| Keeping {
                fetching: false,
                retry: Repeat::now(now),
                until: self.absent.patience(now, e.node, limits.publish_ms),
                produced: false,
            });
            if now >= keep.until {
                late.push(e.execution.clone());
            } else if durability == Durability::Keeper
                && !keep.fetching
                && keep.retry.due(now, limits)
            {
                keep.fetching = true;
                fetch.extend(e.manifest.as_ref().map(|m| (e.execution.clone(), m.result, e.node)));
            }
        }
        let publish_ms = limits.publish_ms;
        for (execution, result, from) in fetch {
            self.step.effects.push(Effect::Keep { execution, result, from });
        }
        for execution in late {
            let message = format!("no holder had the result within {publish_ms} ms");
            self.fail(now, id, execution, Failure::new(FailureKind::PublishFailed, message));
        }
    }

    pub(super) fn kept(&mut self, now: Time, execution: &Execution, result: Result<(), Failure>) {
        let id = execution.slot.job;
        let live = self.is_live(id);
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let Some(e) = entry.log.execution(execution) else { return };
        // Of a job that is over nothing is published any more: its node was told to stop.
        let (node, accepted) = (e.node, live && e.state == ExecutionState::Accepted);
        let keep = entry.soft.keeps.get_mut(execution);
        let produced = keep.is_some_and(|keep| {
            keep.fetching = false;
            keep.produced
        });
        if accepted && result.is_ok() {
            // The producer holds it for good only if it has said so.
            let holders = [self.config.node].into_iter().chain(produced.then_some(node)).collect();
            self.publish(now, id, execution, node, holders);
        }
        self.advance(now, id);
    }

    /// A producer says that it holds every block, public.
    pub(super) fn published(&mut self, now: Time, from: NodeId, execution: &Execution) {
        let id = execution.slot.job;
        let live = self.is_live(id);
        let Some(entry) = self.jobs.get_mut(&id) else {
            return self.say(from, Message::Release { execution: execution.clone() });
        };
        let durability = entry.log.view.job.context.durability;
        let known = entry.log.execution_of(from, execution).map(|e| e.state);
        match known {
            Some(ExecutionState::Accepted) if !live => {}
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
}
