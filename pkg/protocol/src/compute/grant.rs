//! Awards, leases and stops.

use gadus_model::event::ComputeEvent;
use gadus_model::message::{Award, Message, Requirements};
use gadus_model::{Execution, NodeId, OwnerId, Reason, Time};

use super::Compute;
use super::held::{HeldState, Stopping};
use crate::sabotage::Sabotage;
use crate::step::Effect;

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
        let key = (owner, execution.clone());
        if let Some(entry) = self.held.get_mut(&key) {
            // Said before, or answered before: say it again.
            if entry.log.state.is_running() {
                let until = now.plus_ms(entry.log.award.lease_ms);
                entry.soft.lease_until = entry.soft.lease_until.max(until);
                self.say(from, owner, Message::Granted { execution });
            } else {
                entry.soft.repeat = crate::repeat::Repeat::now(now);
            }
            return;
        }
        if let Some(reason) = self.against_award(now, owner, term, &award) {
            self.say(from, owner, Message::Refused { execution, reason });
            return;
        }
        // An older epoch of the slot is not current any more.
        let same_slot = |x: &&(OwnerId, Execution)| x.0 == owner && x.1.slot == execution.slot;
        let older: Vec<_> = self.held.keys().filter(same_slot).cloned().collect();
        for (_, old) in older {
            self.drop_held(now, owner, &old, None);
        }
        let until = now.plus_ms(self.config.limits.bid_ttl_ms);
        self.bids.fence(owner, &execution.slot, execution.epoch, until);
        let lease_until = now.plus_ms(award.lease_ms);
        let start = Effect::Start { award: Box::new(award.clone()), resumed: false };
        let granted = ComputeEvent::Granted { requester: from, award: Box::new(award) };
        self.emit(now, owner, &execution, granted);
        if let Some(entry) = self.held.get_mut(&key) {
            entry.soft.lease_until = lease_until;
        }
        self.step.effects.push(start);
        self.say(from, owner, Message::Granted { execution });
    }

    fn against_award(&self, now: Time, owner: OwnerId, term: u64, award: &Award) -> Option<Reason> {
        let Execution { slot, epoch } = &award.execution;
        let sabotage = self.config.sabotage;
        let stale = |seen: gadus_model::Epoch| seen >= *epoch;
        let held = self.held.keys().filter(|(o, x)| *o == owner && x.slot == *slot);
        let newest = held.map(|(_, x)| x.epoch).chain(self.bids.fenced(owner, slot)).max();
        if (epoch.term > term || newest.is_some_and(stale))
            && sabotage != Some(Sabotage::GrantStaleEpoch)
        {
            return Some(Reason::Stale);
        }
        if self.stopping.contains_key(&(owner, award.execution.clone())) {
            return Some(Reason::Stale);
        }
        if !self.bids.is_live(now, owner, award.round) {
            return Some(Reason::BidExpired);
        }
        if sabotage == Some(Sabotage::Overcommit) {
            return None;
        }
        let requirements = Requirements {
            engine: award.task.engine(),
            resources: award.context.resources,
            constraints: award.context.constraints.clone(),
            network: award.context.network,
        };
        self.reasons_against(owner, &requirements).into_iter().next()
    }

    /// Ends what runs past its lease: its requester has given it up, or cannot be heard.
    pub(super) fn tend_leases(&mut self, now: Time) {
        if self.config.sabotage == Some(Sabotage::IgnoreLeaseEnd) {
            return;
        }
        let over =
            self.held.iter().filter(|(_, e)| e.log.state.is_running() && now >= e.soft.lease_until);
        let over: Vec<_> =
            over.map(|((owner, x), e)| (*owner, x.clone(), e.log.requester)).collect();
        for (owner, execution, requester) in over {
            self.drop_held(now, owner, &execution, Some(requester));
        }
    }

    pub(super) fn stop(
        &mut self,
        now: Time,
        from: NodeId,
        owner: OwnerId,
        execution: &Execution,
        tell: bool,
    ) {
        let key = (owner, execution.clone());
        if let Some(stopping) = self.stopping.get_mut(&key) {
            if tell {
                stopping.tell = Some(from);
            }
            return;
        }
        if self.held.contains_key(&key) {
            self.drop_held(now, owner, execution, tell.then_some(from));
        } else if tell {
            // An award of it may still be on its way here.
            let until = now.plus_ms(self.config.limits.bid_ttl_ms);
            self.bids.fence(owner, &execution.slot, execution.epoch, until);
            self.say(from, owner, Message::Stopped { execution: execution.clone() });
        }
    }

    /// Lets go of an execution, killing it first if it runs. `tell` hears `Stopped`, but not
    /// before nothing of it runs.
    pub(super) fn drop_held(
        &mut self,
        now: Time,
        owner: OwnerId,
        execution: &Execution,
        tell: Option<NodeId>,
    ) {
        let key = (owner, execution.clone());
        let Some(entry) = self.held.get(&key) else { return };
        let (runs, resources) = (entry.log.state.is_running(), entry.log.award.context.resources);
        let keep = matches!(entry.log.state, HeldState::Accepted { .. });
        let released = ComputeEvent::Released { execution: execution.clone(), keep };
        self.emit(now, owner, execution, released);
        let lying = self.config.sabotage == Some(Sabotage::StopWithoutKill);
        if runs && !lying {
            self.stopping.insert(key, Stopping { resources, tell });
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
        let found = self.stopping.keys().find(|(_, x)| x == execution).cloned();
        let Some((owner, execution)) = found else { return };
        let Some(stopping) = self.stopping.remove(&(owner, execution.clone())) else { return };
        let forget = Effect::Forget { execution: execution.clone(), keep_result: false };
        self.step.effects.push(forget);
        if let Some(to) = stopping.tell {
            self.say(to, owner, Message::Stopped { execution });
        }
        self.sync_soon(now);
    }
}
