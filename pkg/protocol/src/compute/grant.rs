//! Awards, leases and stops.

use gadus_model::event::ComputeEvent;
use gadus_model::message::{Award, Message, Requirements};
use gadus_model::{Class, Context, Epoch, Execution, NodeId, OwnerId, Reason, Time};

use super::Compute;
use super::held::{HeldState, Stopping};
use crate::repeat::Repeat;
use crate::sabotage::Sabotage;
use crate::step::Effect;

/// What is said to an award that is not granted.
enum Answer {
    Refused(Reason),
    /// It may have run here: that is no refusal.
    Stopped,
}

/// Whether a slot may have a second epoch only if the first was refused.
#[must_use]
pub(crate) fn runs_once(context: &Context) -> bool {
    context.class == Class::Command || context.retry.attempts_max <= 1
}

impl Compute {
    pub(super) fn awarded(
        &mut self,
        now: Time,
        from: NodeId,
        owner: OwnerId,
        term: u64,
        award: Award,
    ) {
        let execution = award.execution.clone();
        if let Some(entry) = self.held.get_mut(&execution).filter(|e| e.owner == owner) {
            // Said before: so is the answer. The lease goes on counting from the first time,
            // since this answer may be lost and never count with the requester.
            if entry.log.state.is_running() {
                self.say(from, owner, Message::Granted { execution });
            } else {
                entry.soft.repeat = Repeat::now(now);
                self.set_due(&execution);
            }
            return;
        }
        if let Some(stopping) = self.stopping.get_mut(&execution) {
            // It is told when nothing of it runs any more.
            stopping.tell = Some(from).filter(|_| stopping.owner == owner).or(stopping.tell);
            return;
        }
        // An older epoch of the slot is not current any more.
        let older = self.epochs(owner, &execution).filter(|x| **x < execution);
        for older in older.cloned().collect::<Vec<_>>() {
            self.drop_held(now, &older, None);
        }
        let until = now.plus_ms(self.config.limits.bid_ttl_ms);
        let answer = self.against_award(now, owner, term, &award);
        let Execution { slot, epoch } = &execution;
        self.bids.fence(until, owner, slot, *epoch, answer.is_none());
        match answer {
            Some(Answer::Refused(reason)) => {
                self.say(from, owner, Message::Refused { execution, reason });
            }
            Some(Answer::Stopped) => {
                self.say(from, owner, Message::Stopped { execution });
            }
            None => self.grant(now, from, owner, award),
        }
    }

    fn grant(&mut self, now: Time, from: NodeId, owner: OwnerId, award: Award) {
        let (execution, award) = (award.execution.clone(), Box::new(award));
        let start = Effect::Start { award: award.clone(), resumed: false };
        self.emit(now, owner, &execution, ComputeEvent::Granted { requester: from, award });
        self.step.effects.push(start);
        self.say(from, owner, Message::Granted { execution });
    }

    /// What is held of the slot of an execution.
    fn epochs<'a>(
        &'a self,
        owner: OwnerId,
        execution: &'a Execution,
    ) -> impl Iterator<Item = &'a Execution> {
        let first = Execution { slot: execution.slot.clone(), epoch: Epoch { term: 0, n: 0 } };
        let of_slot = self.held.range(first..).take_while(|(x, _)| x.slot == execution.slot);
        of_slot.filter(move |(_, entry)| entry.owner == owner).map(|(x, _)| x)
    }

    fn against_award(&self, now: Time, owner: OwnerId, term: u64, award: &Award) -> Option<Answer> {
        let Execution { slot, epoch } = &award.execution;
        let sabotage = self.config.sabotage;
        let fence = self.bids.fenced(owner, slot);
        let newer = self.epochs(owner, &award.execution).any(|x| x.epoch >= *epoch);
        let fenced = fence.is_some_and(|fence| fence.epoch >= *epoch);
        let foreign = self.held.contains_key(&award.execution);
        let gone = fence.is_some_and(|fence| fence.epoch == *epoch && fence.granted);
        let stale = epoch.term > term || newer || fenced || foreign;
        let careless = sabotage == Some(Sabotage::GrantStaleEpoch);
        if (gone || stale) && !careless {
            return Some(if gone { Answer::Stopped } else { Answer::Refused(Reason::Stale) });
        }
        if award.round.job != slot.job || !self.bids.is_live(now, owner, award.round) {
            // A node that has just started cannot know what it has granted and dropped before.
            let since_start = now.us_since(self.started_at) / 1000;
            let forgetful =
                since_start < self.config.limits.bid_ttl_ms && self.started_at > Time(0);
            return Some(match forgetful && runs_once(&award.context) {
                true => Answer::Stopped,
                false => Answer::Refused(Reason::BidExpired),
            });
        }
        if sabotage == Some(Sabotage::Overcommit) {
            return None;
        }
        let requirements = Requirements {
            engine: award.task.engine(),
            resources: award.context.resources,
            constraints: award.context.constraints.clone(),
            network: award.context.network,
            publishes_to: award.context.publisher.required(),
        };
        let reason = self.reasons_against(owner, &requirements).into_iter().next();
        reason.or_else(|| unreserved_memory(award)).map(Answer::Refused)
    }

    /// `tell` is told that it does not run here, as soon as that is so.
    pub(super) fn stop(
        &mut self,
        now: Time,
        owner: OwnerId,
        execution: &Execution,
        tell: Option<NodeId>,
    ) {
        if let Some(stopping) = self.stopping.get_mut(execution) {
            if stopping.owner == owner && tell.is_some() {
                stopping.tell = tell;
            }
        } else if self.is_held_for(owner, execution) {
            self.drop_held(now, execution, tell);
        } else if let Some(to) = tell.filter(|_| !self.held.contains_key(execution)) {
            // An award of it may still be on its way here.
            let until = now.plus_ms(self.config.limits.bid_ttl_ms);
            self.bids.fence(until, owner, &execution.slot, execution.epoch, true);
            self.say(to, owner, Message::Stopped { execution: execution.clone() });
        }
    }

    /// Lets go of an execution, killing it first if it runs. `tell` hears `Stopped`, but not
    /// before nothing of it runs. An accepted result stays, whoever wants the execution gone: its
    /// requester may have named this node for it, and a late message not know so.
    pub(super) fn drop_held(&mut self, now: Time, execution: &Execution, tell: Option<NodeId>) {
        let Some(entry) = self.held.get(execution) else { return };
        let (owner, runs) = (entry.owner, entry.log.state.is_running());
        let resources = entry.log.award.context.resources;
        let keep = matches!(entry.log.state, HeldState::Accepted { .. });
        let until = now.plus_ms(self.config.limits.bid_ttl_ms);
        self.bids.fence(until, owner, &execution.slot, execution.epoch, true);
        let released = ComputeEvent::Released { execution: execution.clone(), keep };
        self.emit(now, owner, execution, released);
        let lying = self.config.sabotage == Some(Sabotage::StopWithoutKill);
        if runs && !lying {
            self.reserved = self.reserved.plus(&resources);
            self.stopping.insert(execution.clone(), Stopping { owner, resources, tell });
            self.step.effects.push(Effect::Kill { execution: execution.clone() });
            return;
        }
        if !lying {
            let (execution, keep_result) = (execution.clone(), keep);
            self.step.effects.push(Effect::Forget { execution, keep_result });
        }
        if let Some(to) = tell {
            self.say(to, owner, Message::Stopped { execution: execution.clone() });
        }
    }

    pub(super) fn killed(&mut self, now: Time, execution: &Execution) {
        let Some(stopping) = self.stopping.remove(execution) else { return };
        let Stopping { owner, resources, tell } = stopping;
        self.reserved = self.reserved.less(&resources);
        let execution = execution.clone();
        self.step.effects.push(Effect::Forget { execution: execution.clone(), keep_result: false });
        if let Some(to) = tell {
            self.say(to, owner, Message::Stopped { execution });
        }
        self.sync_soon(now);
    }
}

/// A function may grow as far as its task says, and that far memory is reserved for it.
fn unreserved_memory(award: &Award) -> Option<Reason> {
    let need = award.task.det.as_ref()?.memory_max_bytes;
    let have = award.context.resources.memory_bytes;
    (need > have).then(|| Reason::TooBig { what: "memory".to_owned(), need, have })
}
