//! Results of others that this node was asked to hold.
//!
//! Nothing of it is in the log: the blocks are pinned as the result of their execution, and
//! whoever asked goes on asking until it is answered. What is here already is found at once.

use std::collections::BTreeMap;

use gadus_model::message::Message;
use gadus_model::{Cid, Execution, Failure, NodeId, OwnerId};

use super::Compute;
use crate::step::Effect;

/// Results under way at once. Beyond that one is not begun, and is asked for again.
const KEEPS_MAX: usize = 16;

/// Results on their way here, with whose they are and who hears that they are held.
#[derive(Clone, Debug, Default)]
pub(super) struct Keeps(BTreeMap<Execution, (OwnerId, NodeId)>);

impl Keeps {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Compute {
    /// A requester wants a result held here as well.
    pub(super) fn keep(
        &mut self,
        (tell, owner): (NodeId, OwnerId),
        execution: Execution,
        (result, from, retention_ms): (Cid, NodeId, u64),
    ) {
        let under_way = self.keeps.0.contains_key(&execution) || self.keeps.len() >= KEEPS_MAX;
        if under_way || !self.works_for(owner) {
            return;
        }
        self.keeps.0.insert(execution.clone(), (owner, tell));
        self.step.effects.push(Effect::Keep { execution, result, from, retention_ms });
    }

    /// Who asked for a result to be held here, while it is on its way.
    #[must_use]
    pub fn asks_to_keep(&self, execution: &Execution) -> Option<NodeId> {
        self.keeps.0.get(execution).map(|(_, tell)| *tell)
    }

    /// A result is here, whole and durable; or it could not be had, and is asked for again.
    pub(super) fn kept(&mut self, execution: &Execution, result: &Result<(), Failure>) {
        let Some((owner, tell)) = self.keeps.0.remove(execution) else { return };
        if result.is_ok() {
            self.say(tell, owner, Message::Kept { execution: execution.clone() });
        }
    }
}
