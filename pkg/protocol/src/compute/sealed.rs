//! Sealed work: an answer is committed to, and shown to whoever closes a set with the commitment.

use gadus_model::event::Seal;
use gadus_model::message::{Message, Proposal};
use gadus_model::verdict::Committed;
use gadus_model::{Claim, CloseBody, Execution, NodeId, OwnerId, Reason, Signed, Time};

use super::held::HeldState;
use super::{Compute, Entry};
use crate::repeat::Repeat;
use crate::sabotage::Sabotage;
use crate::step::Effect;
use crate::verify::{contradicting_sets, may_reveal};

impl Compute {
    pub(super) fn is_sealed(&self, execution: &Execution) -> bool {
        let award = self.held.get(execution).map(|entry| &entry.log.award);
        award.is_some_and(|award| award.context.verification.is_sealed())
    }

    /// A requester says which commitments count. The shell has checked its signature.
    pub(super) fn close(
        &mut self,
        (now, from, owner): (Time, NodeId, OwnerId),
        execution: Execution,
        close: Signed<CloseBody>,
    ) {
        if self.is_held_for(owner, &execution)
            && let Some(entry) = self.held.get_mut(&execution)
            && matches!(entry.log.state, HeldState::Accepted { .. })
        {
            entry.soft.repeat = Repeat::now(now);
            return self.set_due(&execution);
        }
        match self.opens_for(from, owner, &execution, &close) {
            Ok(word) => {
                if let Some(entry) = self.held.get_mut(&execution) {
                    entry.soft.closed = Some(close.body);
                }
                self.say(from, owner, word);
                self.step.effects.push(Effect::Disclose { execution });
            }
            Err(why) => {
                let reason = Reason::Unrevealed(why);
                self.say(from, owner, Message::Refused { execution, reason });
            }
        }
    }

    /// The answer, if it may be shown for this set.
    fn opens_for(
        &self,
        from: NodeId,
        owner: OwnerId,
        execution: &Execution,
        close: &Signed<CloseBody>,
    ) -> Result<Message, String> {
        let entry = self.held.get(execution).filter(|entry| entry.owner == owner);
        let entry = entry.ok_or("it holds no answer of it")?;
        let HeldState::Sealed { claim, seal } = &entry.log.state else {
            return Err("it has not committed itself".to_owned());
        };
        if close.node != from {
            return Err("the closed set is not signed by who sent it".to_owned());
        }
        let before = entry.soft.closed.as_ref();
        if before.is_some_and(|before| contradicting_sets(before, &close.body).is_some()) {
            return Err("it was shown another set of the same round".to_owned());
        }
        let body = &seal.commit.body;
        let own = Committed {
            node: self.config.node,
            execution: execution.clone(),
            commitment: body.commitment,
        };
        let equal = entry.log.award.context.verification.equal();
        let blind = self.config.sabotage == Some(Sabotage::RevealToAny);
        if let Err(why) = may_reveal(&close.body, &own, &body.task, equal)
            && !blind
        {
            return Err(why.to_string());
        }
        Ok(reveal(execution, claim, seal))
    }
}

impl Entry {
    /// What is said of sealed work, unasked: that there is an answer, and once it was asked for,
    /// the answer.
    pub(super) fn sealed_word(&self, execution: Execution, claim: &Claim, seal: &Seal) -> Message {
        if self.soft.closed.is_some() {
            return reveal(&execution, claim, seal);
        }
        let proposal = Box::new(Proposal::Sealed(Box::new(seal.commit.clone())));
        Message::Propose { execution, proposal }
    }
}

fn reveal(execution: &Execution, claim: &Claim, seal: &Seal) -> Message {
    let (execution, claim) = (execution.clone(), Box::new(claim.clone()));
    Message::Reveal { execution, salt: seal.salt, claim }
}
