//! Accepted results on their way to who keeps them.

use gadus_model::event::JobEvent;
use gadus_model::message::Message;
use gadus_model::{Execution, ExecutionState, Failure, FailureKind, JobId, NodeId, Place, Time};

use super::Requester;
use super::directory::tie;
use super::holders::Goal;
use crate::sabotage::Sabotage;
use crate::step::Effect;

/// What is to be done about one accepted result.
enum Deed {
    Accept(NodeId),
    Publish { producer: NodeId, holders: Vec<NodeId>, place: Option<Place> },
    Fail(String),
    Fetch(NodeId),
    Ask { to: NodeId, from: NodeId },
}

impl Requester {
    /// Sees to it that accepted results reach their holders, and publishes those that have.
    pub(super) fn tend_keeps(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let accepted = entry.log.in_state(ExecutionState::Accepted);
        let accepted = accepted.filter(|e| entry.log.publishes(&e.execution));
        let accepted = accepted.map(|e| e.execution.clone()).collect::<Vec<_>>();
        for execution in accepted {
            for deed in self.deeds(now, id, &execution) {
                self.do_deed(now, id, &execution, deed);
            }
        }
    }

    fn deeds(&mut self, now: Time, id: JobId, execution: &Execution) -> Vec<Deed> {
        let (limits, me) = (&self.config.limits, self.config.node);
        let Some(entry) = self.jobs.get_mut(&id) else { return Vec::new() };
        let Some(e) = entry.log.execution(execution) else { return Vec::new() };
        let producer = e.node;
        let goal = Goal::new(&entry.log.view.job.context, me, producer);
        let until = self.absent.patience(now, producer, limits.publish_ms);
        let is_sealed = !entry.log.view.sealed.is_empty();
        let mut deeds = Vec::new();
        if is_sealed && !entry.soft.keeps.contains_key(execution) {
            // An answer that was sealed is not accepted as it comes.
            deeds.push(Deed::Accept(producer));
        }
        let keep = entry.soft.keeping(now, execution, until);
        if let Some((holders, place)) = keep.met(&goal) {
            return vec![Deed::Publish { producer, holders, place }];
        }
        if now >= keep.until {
            return vec![Deed::Fail(keep.lacks(&goal))];
        }
        let fetch = keep.fetch(now, &goal, limits).then_some(Deed::Fetch(producer));
        let (seed, directory) = (entry.log.seed, &self.directory);
        let candidates = || {
            let mut nodes: Vec<NodeId> = directory.iter().map(|(node, _)| *node).collect();
            nodes.retain(|node| directory.is_connected(now, *node, limits.disconnect_ms));
            nodes.sort_by_cached_key(|node| tie(seed, *node));
            nodes
        };
        let asked = keep.ask(now, &goal, limits, candidates);
        let from = keep.source(&goal);
        if self.config.sabotage == Some(Sabotage::CountAskedHolders) {
            asked.iter().for_each(|node| keep.kept_by(*node));
        }
        let asks = asked.into_iter().map(|to| Deed::Ask { to, from });
        deeds.into_iter().chain(fetch).chain(asks).collect()
    }

    fn do_deed(&mut self, now: Time, id: JobId, execution: &Execution, deed: Deed) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let retention_ms = entry.log.view.job.context.retention_ms;
        let manifest = entry.log.execution(execution).and_then(|e| e.manifest.as_ref());
        let result = manifest.map(|manifest| manifest.result);
        let execution = execution.clone();
        match deed {
            Deed::Accept(producer) => self.say(producer, Message::Accept { execution }),
            Deed::Publish { producer, holders, place } => {
                let equal = entry.log.equal_to(&execution);
                for (execution, node) in equal.into_iter().chain([(execution, producer)]) {
                    self.publish(now, id, (execution, node), (holders.clone(), place.clone()));
                }
            }
            Deed::Fail(lacks) => {
                let message = format!("{lacks} within {} ms", self.config.limits.publish_ms);
                let failure = Failure::new(FailureKind::PublishFailed, message);
                self.fail(now, id, execution, failure);
            }
            Deed::Fetch(from) => {
                let keep = |result| Effect::Keep { execution, result, from, retention_ms };
                self.step.effects.extend(result.map(keep));
            }
            Deed::Ask { to, from } => {
                let keep = |result| Message::Keep { execution, result, from, retention_ms };
                if let Some(message) = result.map(keep) {
                    self.say(to, message);
                }
            }
        }
    }

    /// A result is with its holders; nothing more is owed for the execution.
    fn publish(
        &mut self,
        now: Time,
        id: JobId,
        (execution, node): (Execution, NodeId),
        (holders, place): (Vec<NodeId>, Option<Place>),
    ) {
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.done_with(&execution);
        }
        let published = JobEvent::Published { execution: execution.clone(), holders, place };
        self.emit(now, id, published);
        self.say(node, Message::Release { execution });
    }

    /// The requester's own fetch is over.
    pub(super) fn kept(&mut self, now: Time, execution: &Execution, result: Result<(), Failure>) {
        let (id, me) = (execution.slot.job, self.config.node);
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        if let Some(keep) = entry.soft.keeps.get_mut(execution) {
            keep.fetching = false;
            if result.is_ok() {
                keep.kept(me);
            }
        }
        self.advance(now, id);
    }

    /// Somebody who was asked says that it holds every block.
    pub(super) fn kept_by(&mut self, now: Time, from: NodeId, execution: &Execution) {
        let id = execution.slot.job;
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        if let Some(keep) = entry.soft.keeps.get_mut(execution) {
            keep.kept_by(from);
            self.advance(now, id);
        }
    }

    /// A producer says that it holds every block, public.
    pub(super) fn published(
        &mut self,
        now: Time,
        from: NodeId,
        execution: &Execution,
        place: Option<Place>,
    ) {
        let id = execution.slot.job;
        let live = self.is_live(id);
        let limits = &self.config.limits;
        let Some(entry) = self.jobs.get_mut(&id) else {
            return self.say(from, Message::Release { execution: execution.clone() });
        };
        let known = entry.log.execution_of(from, execution).map(|e| e.state);
        match known {
            // Of a job that is over nothing is published any more: its node was told to stop.
            Some(ExecutionState::Accepted) if !live || !entry.log.publishes(execution) => {}
            Some(ExecutionState::Accepted) => {
                let until = self.absent.patience(now, from, limits.publish_ms);
                entry.soft.keeping(now, execution, until).produced(now, from, place);
            }
            Some(
                ExecutionState::Awarded
                | ExecutionState::Granted
                | ExecutionState::Proposed
                | ExecutionState::Refused
                | ExecutionState::Published
                | ExecutionState::Committed
                | ExecutionState::Revealed
                | ExecutionState::Faulted
                | ExecutionState::Rejected
                | ExecutionState::Failed
                | ExecutionState::Lost
                | ExecutionState::Cancelled,
            )
            | None => self.say(from, Message::Release { execution: execution.clone() }),
        }
        self.advance(now, id);
    }
}
