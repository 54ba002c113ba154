//! Answers in another form than was asked for.

use gadus_model::message::{Message, OpenProposal, Proposal};
use gadus_model::{CommitBody, ExecutionState, Signed};

use super::rig::{knows, two};
use crate::tests::rig::{TestRequester, cid, job, job_id, node};

#[test]
fn a_commitment_to_work_that_is_not_sealed_costs_the_try() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    let execution = r.runs(job_id(1), node(1));
    let body = CommitBody { task: cid("t"), execution: execution.clone(), commitment: [0; 32] };
    let commit = Signed { body, node: node(1), signature: vec![0; 64] };
    let proposal = Box::new(Proposal::Sealed(Box::new(commit)));
    let message = Message::Propose { execution: execution.clone(), proposal };
    let outcome = r.hears(node(1), message.clone());
    assert_eq!(outcome.events()[0], "Rejected");
    assert_eq!(outcome.effects(), ["Reject to 1"]);
    assert_eq!(r.state_of(&execution), Some(ExecutionState::Rejected));
    let again = r.hears(node(1), message);
    assert_eq!((again.events(), again.effects()), (vec![], vec!["Reject to 1".to_owned()]));
}

#[test]
fn an_answer_to_work_that_is_sealed_costs_the_try() {
    let mut r = knows(2);
    let [one, _] = two(&mut r, ["answer", "answer"]);
    let open = OpenProposal { claim: one.claim.clone(), blocks: Vec::new() };
    let proposal = Box::new(Proposal::Open(Box::new(open)));
    let execution = one.award.execution.clone();
    let outcome = r.hears(one.node, Message::Propose { execution: execution.clone(), proposal });
    assert_eq!(outcome.events()[0], "Rejected");
    assert_eq!(r.state_of(&execution), Some(ExecutionState::Rejected));
}

#[test]
fn an_answer_that_is_shown_of_work_that_is_not_sealed_is_turned_down() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    let execution = r.runs(job_id(1), node(1));
    let claim = Box::new(r.claim(&execution, node(1)));
    let outcome = r.hears(node(1), Message::Reveal { execution, salt: [0; 32], claim });
    assert_eq!(outcome.effects()[0], "Reject to 1");
}
