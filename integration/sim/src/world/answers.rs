//! Answers: what a run came to, and of sealed work what hides it.

use gadus_model::event::Seal;
use gadus_model::message::Award;
use gadus_model::{Claim, CommitBody, Execution, NodeId, Opening, Signed, Statement};
use gadus_protocol::Notary;
use gadus_protocol::compute::Input;
use gadus_protocol::notary::Fake;

use super::World;
use crate::engine::{blocks, claim, result_of_execution, task_of};
use crate::network::HostNo;

impl World {
    /// A run came to its answer; `wrong`: its receipt is for other work.
    pub(super) fn answered(&mut self, at: HostNo, award: &Award, wrong: bool) -> Input {
        let (execution, task) = (award.execution.clone(), task_of(award));
        let (node, habit) = (self.truth.hosts[at].id, self.truth.hosts[at].habit);
        let sealed = award.context.verification.is_sealed();
        let result = match sealed {
            true => habit.answer(node, &task),
            false => result_of_execution(&execution),
        };
        let claim = Box::new(claim(task, node, result, wrong));
        self.truth.hosts[at].content.make(execution.clone(), result);
        let large = self.dice.chance(self.truth.swarm.engine.large);
        let blocks = if large { Vec::new() } else { blocks(result) };
        let mut seal = None;
        if sealed {
            self.truth.answers.insert(execution.clone(), result);
            seal = Some(Box::new(self.seal(node, &execution, &claim)));
        }
        Input::Finished { execution, claim, blocks, seal }
    }

    /// Commits to an answer, as the shell does.
    fn seal(&mut self, node: NodeId, execution: &Execution, claim: &Claim) -> Seal {
        let mut salt = [0; 32];
        for word in salt.chunks_exact_mut(8) {
            word.copy_from_slice(&self.dice.roll().to_be_bytes());
        }
        let body = &claim.receipt.body;
        let (task, manifest) = (body.task, body.manifest);
        let opening = Opening { task, execution: execution.clone(), node, salt, manifest };
        let commitment = opening.commitment().unwrap_or_default();
        let commit = CommitBody { task, execution: execution.clone(), commitment };
        Seal { salt, commit: signed(node, commit) }
    }
}

/// A statement that a node signs.
pub(super) fn signed<T: Statement>(node: NodeId, body: T) -> Signed<T> {
    let signature = body.signing_bytes().map(|bytes| Fake(node).sign(&bytes));
    Signed { body, node, signature: signature.unwrap_or_default() }
}
