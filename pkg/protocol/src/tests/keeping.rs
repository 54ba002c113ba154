//! A compute node that is asked to hold results of others.

use gadus_model::message::Message;
use gadus_model::{Execution, OwnerId};

use super::rig::{TestCompute, cid, execution, failure, job_id, node};
use crate::compute::Input;
use crate::step::Effect;

fn keep(n: u8) -> Message {
    let (execution, result) = (execution(job_id(n), 1), cid("result"));
    Message::Keep { execution, result, from: node(2), retention_ms: 1_000 }
}

fn kept(n: u8) -> Execution {
    execution(job_id(n), 1)
}

#[test]
fn a_result_is_fetched_from_its_holder_and_confirmed_when_it_is_here() {
    let mut c = TestCompute::new();
    let outcome = c.hears(keep(1));
    let (execution, result) = (kept(1), cid("result"));
    let fetch =
        Effect::Keep { execution: execution.clone(), result, from: node(2), retention_ms: 1_000 };
    let effects: Vec<_> = outcome.effects.into_iter().map(|(_, effect)| effect).collect();
    assert_eq!(effects, [fetch]);
    assert_eq!(c.machine.asks_to_keep(&execution), Some(super::rig::REQUESTER));
    assert!(c.hears(keep(1)).is_nothing(), "it is on its way");
    let outcome = c.input(Input::Kept { execution: execution.clone(), result: Ok(()) });
    assert_eq!(outcome.effects(), ["Kept to 99"]);
    assert!(c.input(Input::Kept { execution, result: Ok(()) }).is_nothing(), "nobody waits");
    // Whoever did not hear the answer asks again, and what is here is found at once.
    assert_eq!(c.hears(keep(1)).effects(), ["Keep"]);
}

#[test]
fn what_could_not_be_had_is_not_confirmed_and_may_be_asked_for_again() {
    let mut c = TestCompute::new();
    c.hears(keep(1));
    assert!(c.input(Input::Kept { execution: kept(1), result: Err(failure()) }).is_nothing());
    assert_eq!(c.hears(keep(1)).effects(), ["Keep"]);
}

#[test]
fn only_so_many_are_fetched_at_once() {
    let mut c = TestCompute::new();
    let begun = (1..=100).filter(|n| !c.hears(keep(*n)).is_nothing()).count();
    assert_eq!(begun, 16);
    c.input(Input::Kept { execution: kept(1), result: Ok(()) });
    assert_eq!(c.hears(keep(100)).effects(), ["Keep"]);
    // A restart forgets them: they are asked for again.
    c.restart();
    assert_eq!(c.hears(keep(2)).effects(), ["Keep"]);
}

#[test]
fn only_for_requesters_that_it_works_for() {
    let mut config = TestCompute::config();
    config.owners = Some(vec![OwnerId(node(7))]);
    let mut c = TestCompute::of(config);
    assert!(c.hears(keep(1)).is_nothing());
    (c.from, c.owner) = (node(7), OwnerId(node(7)));
    assert_eq!(c.hears(keep(1)).effects(), ["Keep"]);
}
