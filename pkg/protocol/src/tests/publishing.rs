//! From an answer to a job that is completed: which answers count, and who must hold the result.

use gadus_model::event::JobEvent;
use gadus_model::message::{Message, OpenProposal, Proposal};
use gadus_model::{Claim, Durability, Execution, ExecutionState, JobState, NodeId};

use super::rig::{Outcome, REQUESTER, TestRequester, cid, failure, job, job_id, node};
use crate::requester::Input;

fn with_running(durability: Durability) -> (TestRequester, Execution) {
    let mut r = TestRequester::with_nodes([node(1)]);
    let mut job = job(1);
    job.context.durability = durability;
    r.submit(job);
    let execution = r.runs(job_id(1), node(1));
    (r, execution)
}

fn proposes(r: &mut TestRequester, execution: &Execution) -> Outcome {
    let proposal = r.proposal(execution, node(1));
    r.hears(node(1), proposal)
}

#[test]
fn a_job_is_completed_when_its_keeper_holds_the_result() {
    let (mut r, execution) = with_running(Durability::Keeper);
    let outcome = proposes(&mut r, &execution);
    assert_eq!(outcome.events(), ["Accepted"]);
    assert_eq!(outcome.effects(), ["Accept to 1", "Keep"]);
    assert_eq!(r.state(job_id(1)), Some(JobState::Running));
    let outcome = r.input(Input::Kept { execution: execution.clone(), result: Ok(()) });
    assert_eq!(outcome.events(), ["Published", "Ended"]);
    assert_eq!(outcome.effects(), ["Release to 1", "Fold"]);
    let holders = vec![REQUESTER];
    assert_eq!(
        outcome.job_events().next(),
        Some(&JobEvent::Published { execution, holders, place: None })
    );
}

#[test]
fn a_result_that_is_here_already_is_accepted_and_published_in_one_step() {
    let (mut r, execution) = with_running(Durability::Keeper);
    let proposal = r.proposal(&execution, node(1));
    let outcome = r.hears_kept(node(1), proposal);
    assert_eq!(outcome.events(), ["Accepted", "Published", "Ended"]);
    assert_eq!(outcome.effects(), ["Release to 1", "Fold"]);
}

#[test]
fn the_producer_is_a_holder_if_it_said_so_itself() {
    let published = |holders: &[NodeId], execution: &Execution| JobEvent::Published {
        execution: execution.clone(),
        holders: holders.to_vec(),
        place: None,
    };
    // Alone, where the job asks for no more.
    let (mut r, execution) = with_running(Durability::Producer);
    assert_eq!(proposes(&mut r, &execution).effects(), ["Accept to 1"]);
    let word =
        Message::Published { execution: execution.clone(), holders: vec![node(1)], place: None };
    let outcome = r.hears(node(1), word.clone());
    assert_eq!(outcome.job_events().next(), Some(&published(&[node(1)], &execution)));
    assert_eq!(r.state(job_id(1)), None);
    // Besides the keeper, where that holds it too.
    let (mut r, execution) = with_running(Durability::Keeper);
    proposes(&mut r, &execution);
    assert_eq!(r.hears(node(1), word).events(), [""; 0]);
    let outcome = r.input(Input::Kept { execution: execution.clone(), result: Ok(()) });
    let both = published(&[REQUESTER, node(1)], &execution);
    assert_eq!(outcome.job_events().next(), Some(&both));
}

#[test]
fn a_result_that_cannot_be_fetched_is_tried_again_then_the_slot_is() {
    let (mut r, execution) = with_running(Durability::Keeper);
    proposes(&mut r, &execution);
    let kept = Input::Kept { execution: execution.clone(), result: Err(failure()) };
    assert!(r.input(kept.clone()).is_nothing());
    assert_eq!(r.wait_ms(10_000).times_of("Keep"), [200]);
    assert_eq!(r.input(kept).effects(), ["Keep"]);
    let outcome = r.wait_ms(110_000);
    assert!(outcome.events().starts_with(&["Failed".to_owned(), "BackedOff".to_owned()]));
    assert_eq!(r.state_of(&execution), Some(ExecutionState::Failed));
    assert_eq!(r.machine.log(job_id(1)).unwrap().seats.open().len(), 1);
}

#[test]
fn an_answer_of_other_work_is_rejected_and_costs_the_try() {
    type Change = fn(&mut Claim);
    let cases: [(&str, Change, &str); 3] = [
        ("task", |claim| claim.receipt.body.task = cid("other"), "the receipt is for task"),
        ("manifest", |claim| claim.manifest.result = cid("other"), "the receipt is for manifest"),
        ("node", |claim| claim.receipt.body.node = node(2), "the receipt is another node's"),
    ];
    for (what, change, why) in cases {
        let (mut r, execution) = with_running(Durability::Keeper);
        let mut claim = r.claim(&execution, node(1));
        change(&mut claim);
        let open = OpenProposal { claim, blocks: Vec::new() };
        let proposal = Box::new(Proposal::Open(Box::new(open)));
        let outcome = r.hears(node(1), Message::Propose { execution: execution.clone(), proposal });
        assert_eq!(outcome.events(), ["Rejected", "BackedOff"], "{what}");
        assert_eq!(outcome.effects(), ["Reject to 1"], "{what}");
        let message = &r.machine.log(job_id(1)).unwrap().execution(&execution).unwrap().message;
        assert!(message.starts_with(why), "{message}");
        assert_eq!(r.machine.log(job_id(1)).unwrap().seats.spent((0, 0)), 1);
    }
}

#[test]
fn an_answer_may_overtake_its_grant() {
    let mut r = TestRequester::with_nodes([node(1)]);
    r.submit(job(1));
    let (_, award) = r.hears_bid(node(1), job_id(1)).awards().remove(0);
    let outcome = proposes(&mut r, &award.execution);
    assert_eq!(outcome.events(), ["Accepted"]);
    let execution = award.execution.clone();
    assert!(r.hears(node(1), Message::Granted { execution }).is_nothing());
    assert_eq!(r.machine.directory().nodes_given(), 0, "it runs no more, so its place is free");
}

#[test]
fn an_accepted_result_outlives_restarts_of_the_requester() {
    let (mut r, execution) = with_running(Durability::Keeper);
    proposes(&mut r, &execution);
    let outcome = r.restart();
    assert_eq!(outcome.effects(), ["Keep"]);
    let outcome = r.input(Input::Kept { execution, result: Ok(()) });
    assert_eq!(outcome.events(), ["Published", "Ended"]);
}
