//! Sealed work is done by nobody yet: whatever belongs to it is refused, and so ends.

use gadus_model::message::{Message, Proposal};
use gadus_model::{ExecutionState, Reason};

use super::rig::{TestCompute, TestRequester, execution, job, job_id, node};

#[test]
fn a_sealed_answer_and_one_that_is_unsealed_are_rejected_and_cost_the_try() {
    for reveal in [false, true] {
        let mut r = TestRequester::with_nodes([node(1)]);
        r.submit(job(1));
        let execution = r.runs(job_id(1), node(1));
        let manifest = r.claim(&execution, node(1)).manifest;
        let sealed = Box::new(Proposal::Sealed { commitment: vec![0; 32] });
        let message = match reveal {
            true => Message::Reveal { execution: execution.clone(), salt: vec![0; 32], manifest },
            false => Message::Propose { execution: execution.clone(), proposal: sealed },
        };
        let outcome = r.hears(node(1), message.clone());
        assert_eq!(outcome.events()[0], "Rejected", "{message:?}");
        assert_eq!(outcome.effects(), ["Reject to 1"]);
        assert_eq!(r.state_of(&execution), Some(ExecutionState::Rejected));
        let again = r.hears(node(1), message);
        assert_eq!((again.events(), again.effects()), (vec![], vec!["Reject to 1".to_owned()]));
    }
}

#[test]
fn a_closed_set_of_commitments_is_refused() {
    let mut c = TestCompute::new();
    let execution = execution(job_id(1), 1);
    let outcome = c.hears(Message::Close { execution: execution.clone(), set: Vec::new() });
    let said: Vec<Message> = outcome.messages().map(|(_, message)| message.clone()).collect();
    assert_eq!(said, [Message::Refused { execution, reason: Reason::NoSealedWork }]);
    assert!(outcome.events.is_empty());
}
