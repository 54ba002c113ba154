//! Answers and failures, kept and repeated until the requester lets go.

use gadus_model::event::{ComputeEvent, Seal};
use gadus_model::message::{InlineBlock, Message, OpenProposal, Proposal};
use gadus_model::{Claim, Execution, Failure, NodeId, OwnerId, Place, Time};

use super::Compute;
use super::held::{HeldLog, HeldState};
use crate::repeat::Repeat;
use crate::sabotage::Sabotage;
use crate::step::Effect;

impl Compute {
    pub(super) fn finished(
        &mut self,
        now: Time,
        execution: &Execution,
        (claim, seal): (Box<Claim>, Option<Box<Seal>>),
        blocks: Vec<InlineBlock>,
    ) {
        let Some(owner) = self.runs_for(execution) else { return self.killed(now, execution) };
        let is_sealed = self.is_sealed(execution);
        let result = claim.manifest.result;
        let event = match seal.filter(|_| is_sealed) {
            Some(seal) => ComputeEvent::Sealed { execution: execution.clone(), claim, seal },
            None => ComputeEvent::Finished { execution: execution.clone(), claim },
        };
        self.emit(now, owner, execution, event);
        if is_sealed {
            if self.config.sabotage == Some(Sabotage::PromoteUnjudged) {
                let execution = execution.clone();
                self.step.effects.push(Effect::Promote { execution, result, retention_ms: 0 });
            }
            // No block of an answer goes out before the verdict.
            return self.sync_soon(now);
        }
        if let Some(entry) = self.held.get_mut(execution) {
            entry.soft.blocks = blocks;
        }
        self.sync_soon(now);
    }

    pub(super) fn run_failed(&mut self, now: Time, execution: &Execution, failure: Failure) {
        let Some(owner) = self.runs_for(execution) else { return self.killed(now, execution) };
        let event = ComputeEvent::Failed { execution: execution.clone(), failure };
        self.emit(now, owner, execution, event);
        self.sync_soon(now);
    }

    fn runs_for(&self, execution: &Execution) -> Option<OwnerId> {
        self.held.get(execution).filter(|e| e.log.state.is_running()).map(|e| e.owner)
    }

    pub(super) fn accepted(&mut self, now: Time, owner: OwnerId, execution: &Execution) {
        if !self.is_held_for(owner, execution) {
            return;
        }
        let Some(entry) = self.held.get_mut(execution) else { return };
        match &entry.log.state {
            // Accepted is what was shown, and what is accepted is public: whoever is to be
            // shown it closes a set first.
            HeldState::Sealed { .. } if entry.soft.closed.is_none() => {
                entry.soft.repeat = Repeat::now(now);
                self.set_due(execution);
            }
            HeldState::Finished { claim } | HeldState::Sealed { claim, .. } => {
                let result = claim.manifest.result;
                entry.soft.blocks = Vec::new();
                let retention_ms = entry.log.award.context.retention_ms;
                let event = ComputeEvent::Accepted { execution: execution.clone() };
                self.emit(now, owner, execution, event);
                let execution = execution.clone();
                if self.config.sabotage == Some(Sabotage::DropAcceptedResult) {
                    let forget =
                        Effect::Forget { execution: execution.clone(), keep_result: false };
                    self.step.effects.push(forget);
                }
                self.step.effects.push(Effect::Promote { execution, result, retention_ms });
            }
            HeldState::Accepted { .. } => {
                entry.soft.repeat = Repeat::now(now);
                self.set_due(execution);
            }
            HeldState::Running | HeldState::Failed(_) => {}
        }
    }

    pub(super) fn promoted(&mut self, now: Time, execution: &Execution) {
        let Some(entry) = self.held.get_mut(execution) else { return };
        entry.soft.promoted = true;
        entry.soft.repeat = Repeat::now(now);
        let HeldLog { award, state, .. } = &entry.log;
        if let HeldState::Accepted { manifest } = state
            && award.context.publisher.is_external()
        {
            let (execution, result) = (execution.clone(), manifest.result);
            let to = Box::new(award.context.publisher.clone());
            self.step.effects.push(Effect::Publish { execution, result, to });
        }
        self.set_due(execution);
    }

    /// A result was brought to where its job wants it, or cannot be. That fails the execution, and
    /// the result stays for as long as any: the requester may have named this node for it before
    /// a restart made it try again.
    pub(super) fn placed(
        &mut self,
        now: Time,
        execution: &Execution,
        place: Result<Place, Failure>,
    ) {
        let Some(entry) = self.held.get_mut(execution) else { return };
        entry.soft.place = Some(place);
        entry.soft.repeat = Repeat::now(now);
        self.set_due(execution);
    }

    pub(super) fn released(&mut self, now: Time, owner: OwnerId, execution: &Execution) {
        let held = self.held.get(execution).filter(|e| e.owner == owner);
        if held.is_some_and(|e| !e.log.state.is_running()) {
            self.drop_held(now, execution, None);
        }
    }

    /// What is held is due: a lease is over, or something is to be said again.
    pub(super) fn tend_held(&mut self, now: Time, execution: &Execution) {
        let limits = &self.config.limits;
        let Some(entry) = self.held.get_mut(execution) else { return };
        entry.due = None;
        let (owner, to) = (entry.owner, entry.log.requester);
        if entry.log.state.is_running() {
            if now >= entry.soft.lease_until {
                // Its requester has given it up, or cannot be heard.
                return self.drop_held(now, execution, Some(to));
            }
        } else if now >= entry.log.since.plus_ms(limits.outbox_ms) {
            // Nobody asked for it in all that time.
            return self.drop_held(now, execution, None);
        } else if entry.soft.repeat.due(now, limits) {
            let open = self.config.sabotage == Some(Sabotage::ProposeOpenly);
            let word = if let (true, HeldState::Sealed { claim, .. }) = (open, &entry.log.state) {
                Some(entry.open_word(execution, claim))
            } else {
                entry.word(execution, self.config.node)
            };
            if let Some(word) = word {
                self.say(to, owner, word);
            }
        }
        self.set_due(execution);
        if self.config.sabotage == Some(Sabotage::ForgetProposal)
            && self
                .held
                .get(execution)
                .is_some_and(|e| matches!(e.log.state, HeldState::Finished { .. }))
        {
            self.drop_held(now, execution, None);
        }
    }
}

impl super::Entry {
    fn open_word(&self, execution: &Execution, claim: &Claim) -> Message {
        let open = OpenProposal { claim: claim.clone(), blocks: self.soft.blocks.clone() };
        let proposal = Box::new(Proposal::Open(Box::new(open)));
        Message::Propose { execution: execution.clone(), proposal }
    }

    /// What is said of it, unasked.
    fn word(&self, execution: &Execution, me: NodeId) -> Option<Message> {
        let execution = execution.clone();
        match &self.log.state {
            HeldState::Running => None,
            HeldState::Finished { claim } => Some(self.open_word(&execution, claim)),
            HeldState::Sealed { claim, seal } => Some(self.sealed_word(execution, claim, seal)),
            HeldState::Failed(failure) => {
                Some(Message::Failed { execution, failure: failure.clone() })
            }
            HeldState::Accepted { .. } if !self.is_out() => None,
            HeldState::Accepted { .. } => {
                let holders = vec![me];
                Some(match self.soft.place.clone().transpose() {
                    Ok(place) => Message::Published { execution, holders, place },
                    Err(failure) => Message::Failed { execution, failure },
                })
            }
        }
    }
}
