//! Answers and failures, kept and repeated until the requester lets go.

use gadus_model::event::ComputeEvent;
use gadus_model::message::{InlineBlock, Message, OpenProposal, Proposal};
use gadus_model::{Claim, Execution, Failure, NodeId, OwnerId, Time};

use super::Compute;
use super::held::HeldState;
use crate::sabotage::Sabotage;
use crate::step::Effect;

impl Compute {
    pub(super) fn finished(
        &mut self,
        now: Time,
        execution: &Execution,
        claim: Box<Claim>,
        blocks: Vec<InlineBlock>,
    ) {
        let Some(owner) = self.running(execution) else { return self.killed(now, execution) };
        let event = ComputeEvent::Finished { execution: execution.clone(), claim };
        self.emit(now, owner, execution, event);
        if let Some(entry) = self.held.get_mut(&(owner, execution.clone())) {
            entry.soft.blocks = blocks;
        }
        self.sync_soon(now);
    }

    pub(super) fn run_failed(&mut self, now: Time, execution: &Execution, failure: Failure) {
        let Some(owner) = self.running(execution) else { return self.killed(now, execution) };
        let event = ComputeEvent::Failed { execution: execution.clone(), failure };
        self.emit(now, owner, execution, event);
        self.sync_soon(now);
    }

    fn running(&self, execution: &Execution) -> Option<OwnerId> {
        self.find(execution).filter(|(_, e)| e.log.state.is_running()).map(|(owner, _)| owner)
    }

    pub(super) fn accepted(&mut self, now: Time, owner: OwnerId, execution: &Execution) {
        let Some(entry) = self.held.get_mut(&(owner, execution.clone())) else { return };
        match &entry.log.state {
            HeldState::Finished { claim } => {
                let result = claim.manifest.result;
                let event = ComputeEvent::Accepted { execution: execution.clone() };
                self.emit(now, owner, execution, event);
                if let Some(entry) = self.held.get_mut(&(owner, execution.clone())) {
                    entry.soft.blocks = Vec::new();
                }
                let execution = execution.clone();
                self.step.effects.push(Effect::Promote { execution, result });
                if self.config.sabotage == Some(Sabotage::DropAcceptedResult) {
                    self.sabotaged_drop(owner);
                }
            }
            HeldState::Accepted { .. } => entry.soft.repeat = crate::repeat::Repeat::now(now),
            HeldState::Running | HeldState::Failed(_) => {}
        }
    }

    fn sabotaged_drop(&mut self, _owner: OwnerId) {
        if let Some(Effect::Promote { execution, .. }) = self.step.effects.pop() {
            self.step.effects.push(Effect::Forget { execution, keep_result: false });
        }
    }

    pub(super) fn promoted(&mut self, now: Time, execution: &Execution) {
        let Some((owner, _)) = self.find(execution) else { return };
        if let Some(entry) = self.held.get_mut(&(owner, execution.clone())) {
            entry.soft.promoted = true;
            entry.soft.repeat = crate::repeat::Repeat::now(now);
        }
    }

    pub(super) fn rejected(&mut self, now: Time, owner: OwnerId, execution: &Execution) {
        self.drop_held(now, owner, execution, None);
    }

    pub(super) fn released(&mut self, now: Time, owner: OwnerId, execution: &Execution) {
        let Some(entry) = self.held.get(&(owner, execution.clone())) else { return };
        if entry.log.state.is_running() {
            return;
        }
        self.drop_held(now, owner, execution, None);
    }

    /// Says what is in the outbox, until it is answered; what nobody asked for in all that time
    /// is let go.
    pub(super) fn tend_outbox(&mut self, now: Time) {
        let limits = self.config.limits.clone();
        let me = self.config.node;
        let (mut say, mut expired): (Vec<(NodeId, OwnerId, Message)>, _) = (Vec::new(), Vec::new());
        for ((owner, execution), entry) in &mut self.held {
            if entry.log.state.is_running() {
                continue;
            }
            if now >= entry.log.since.plus_ms(limits.outbox_ms) {
                expired.push((*owner, execution.clone()));
                continue;
            }
            let waits =
                matches!(entry.log.state, HeldState::Accepted { .. }) && !entry.soft.promoted;
            if waits || !entry.soft.repeat.due(now, &limits) {
                continue;
            }
            let execution = execution.clone();
            let body = word(execution, &entry.log.state, &entry.soft.blocks, me);
            say.extend(body.map(|body| (entry.log.requester, *owner, body)));
        }
        for (to, owner, body) in say {
            let forget = self.config.sabotage == Some(Sabotage::ForgetProposal);
            if let Message::Propose { execution, .. } = &body
                && forget
            {
                expired.push((owner, execution.clone()));
            }
            self.say(to, owner, body);
        }
        for (owner, execution) in expired {
            self.drop_held(now, owner, &execution, None);
        }
    }
}

fn word(
    execution: Execution,
    state: &HeldState,
    blocks: &[InlineBlock],
    me: NodeId,
) -> Option<Message> {
    match state {
        HeldState::Running => None,
        HeldState::Finished { claim } => {
            let open = OpenProposal { claim: claim.as_ref().clone(), blocks: blocks.to_vec() };
            let proposal = Box::new(Proposal::Open(Box::new(open)));
            Some(Message::Propose { execution, proposal })
        }
        HeldState::Failed(failure) => Some(Message::Failed { execution, failure: failure.clone() }),
        HeldState::Accepted { .. } => Some(Message::Published { execution, holders: vec![me] }),
    }
}
