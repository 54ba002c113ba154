//! A compute node keeps its answer to itself until it may show it.

use gadus_model::message::{Message, Proposal};
use gadus_model::verdict::{Committed, VERDICT_VERSION};
use gadus_model::{CloseBody, Execution, Reason, Signed};

use super::rig::{Seat, TWO, sealed_job};
use crate::compute::{HeldState, Input};
use crate::step::Effect;
use crate::tests::rig::{Outcome, REQUESTER, TestCompute, award, cid, execution, job_id, node};

/// A node that has an answer to sealed work.
fn with_answer() -> (TestCompute, Seat) {
    let mut c = TestCompute::new();
    let job = sealed_job(1, TWO);
    c.runs(&job);
    let seat = Seat::new((node(1), award(&job, 1)), "answer");
    let outcome = c.input(Input::Finished {
        execution: seat.award.execution.clone(),
        claim: Box::new(seat.claim.clone()),
        blocks: Vec::new(),
        seal: Some(Box::new(seat.seal())),
    });
    assert_eq!(outcome.events(), ["Sealed"], "durable, and only then said");
    let said: Vec<_> = outcome.messages().map(|(_, message)| message.clone()).collect();
    let proposal = Box::new(Proposal::Sealed(Box::new(seat.commit())));
    assert_eq!(said, [Message::Propose { execution: seat.award.execution.clone(), proposal }]);
    (c, seat)
}

/// Another node's commitment.
fn of_another(n: u8) -> Committed {
    Committed { node: node(n), execution: execution(job_id(1), u32::from(n)), commitment: [n; 32] }
}

fn set(seat: &Seat, others: &[Committed]) -> CloseBody {
    let own = Committed {
        node: seat.node,
        execution: seat.award.execution.clone(),
        commitment: seat.commitment(),
    };
    let mut set = [vec![own], others.to_vec()].concat();
    set.sort();
    let task = seat.claim.receipt.body.task;
    CloseBody { v: VERDICT_VERSION, job: job_id(1), version: 1, task, round: 1, set }
}

fn closes(c: &mut TestCompute, execution: &Execution, body: CloseBody) -> Outcome {
    let close = Box::new(Signed { body, node: REQUESTER, signature: vec![0; 64] });
    c.hears(Message::Close { execution: execution.clone(), close })
}

fn is_refused(outcome: &Outcome) -> bool {
    let unrevealed = |message: &Message| {
        matches!(message, Message::Refused { reason: Reason::Unrevealed(_), .. })
    };
    outcome.messages().all(|(_, message)| unrevealed(message)) && outcome.effects().len() == 1
}

#[test]
fn an_answer_is_shown_for_a_set_that_holds_it_and_enough_others() {
    let (mut c, seat) = with_answer();
    let outcome = closes(&mut c, &seat.award.execution, set(&seat, &[of_another(2)]));
    assert_eq!(outcome.effects(), ["Reveal to 99", "Disclose"]);
    let said = outcome.messages().next().unwrap().1.clone();
    let (execution, salt) = (seat.award.execution.clone(), seat.salt);
    assert_eq!(said, Message::Reveal { execution, salt, claim: Box::new(seat.claim.clone()) });
    let again = closes(&mut c, &seat.award.execution, set(&seat, &[of_another(2)]));
    assert_eq!(again.effects()[0], "Reveal to 99", "its answer may have been lost");
}

#[test]
fn an_answer_is_shown_to_nobody_for_any_other_set() {
    let (_, seat) = with_answer();
    let good = set(&seat, &[of_another(2)]);
    let without = CloseBody { set: vec![of_another(2), of_another(3)], ..good.clone() };
    let alone = set(&seat, &[]);
    let foreign = CloseBody { task: cid("other"), ..good.clone() };
    let twice = {
        let mut twice = set(&seat, &[]);
        twice.set.push(twice.set[0].clone());
        twice
    };
    let mut changed = good.clone();
    changed.set[0].commitment = [0; 32];
    for body in [without, alone, foreign, twice, changed] {
        let (mut c, seat) = with_answer();
        let outcome = closes(&mut c, &seat.award.execution, body.clone());
        assert!(is_refused(&outcome), "{body:?}: {outcome:?}");
    }
    let (mut c, seat) = with_answer();
    let close = Box::new(Signed { body: good, node: node(5), signature: vec![0; 64] });
    let execution = seat.award.execution.clone();
    assert!(is_refused(&c.hears(Message::Close { execution, close })), "another signed it");
}

#[test]
fn two_sets_of_one_round_are_one_too_many() {
    let (mut c, seat) = with_answer();
    closes(&mut c, &seat.award.execution, set(&seat, &[of_another(2)]));
    let outcome = closes(&mut c, &seat.award.execution, set(&seat, &[of_another(3)]));
    assert!(is_refused(&outcome), "{outcome:?}");
}

#[test]
fn nobody_else_s_answer_is_here() {
    let mut c = TestCompute::new();
    let job = sealed_job(1, TWO);
    let seat = Seat::new((node(1), award(&job, 1)), "answer");
    let body = set(&seat, &[of_another(2)]);
    assert!(is_refused(&closes(&mut c, &seat.award.execution, body.clone())), "unknown");
    c.runs(&job);
    assert!(is_refused(&closes(&mut c, &seat.award.execution, body)), "it still runs");
}

#[test]
fn its_word_is_the_commitment_and_later_the_answer_through_restarts() {
    let (mut c, seat) = with_answer();
    assert!(c.wait_ms(4_000).times_of("Propose to 99").len() > 2);
    assert!(c.restart().effects().contains(&"Propose to 99".to_owned()));
    let outcome = closes(&mut c, &seat.award.execution, set(&seat, &[of_another(2)]));
    assert_eq!(outcome.effects()[0], "Reveal to 99", "the salt was durable");
    let outcome = c.wait_ms(4_000);
    assert!(outcome.effects().contains(&"Reveal to 99".to_owned()));
    assert!(!outcome.effects().contains(&"Propose to 99".to_owned()));
}

#[test]
fn what_it_takes_up_is_free_once_it_has_an_answer() {
    let (c, _) = with_answer();
    assert_eq!(c.machine.reserved(), gadus_model::Resources::default());
    assert_eq!(c.machine.running(), 0);
}

#[test]
fn what_was_not_shown_is_not_accepted_and_so_not_public() {
    let (mut c, seat) = with_answer();
    let accept = Message::Accept { execution: seat.award.execution.clone() };
    let outcome = c.hears(accept.clone());
    assert_eq!(outcome.effects(), ["Propose to 99"], "the commitment, and nothing else");
    closes(&mut c, &seat.award.execution, set(&seat, &[of_another(2)]));
    c.restart();
    assert_eq!(c.hears(accept.clone()).effects(), ["Propose to 99"], "whom it showed it is gone");
    closes(&mut c, &seat.award.execution, set(&seat, &[of_another(2)]));
    assert_eq!(c.hears(accept).effects(), ["Promote"]);
}

#[test]
fn an_accepted_answer_is_made_public_and_a_rejected_one_is_gone() {
    let (mut c, seat) = with_answer();
    closes(&mut c, &seat.award.execution, set(&seat, &[of_another(2)]));
    let outcome = c.hears(Message::Accept { execution: seat.award.execution.clone() });
    assert_eq!(outcome.effects(), ["Promote"]);
    let held = c.machine.held(&seat.award.execution).map(|log| &log.state);
    assert!(matches!(held, Some(HeldState::Accepted { .. })));
    let (mut c, seat) = with_answer();
    let execution = seat.award.execution.clone();
    let outcome = c.hears(Message::Reject { execution, why: "a lie".to_owned() });
    let forgets =
        |(_, effect): &(_, Effect)| matches!(effect, Effect::Forget { keep_result: false, .. });
    assert!(outcome.effects.iter().any(forgets));
}
