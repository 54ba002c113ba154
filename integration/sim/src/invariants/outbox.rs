//! No answer leaves an outbox while its job still counts on it.

use gadus_model::ExecutionState;
use gadus_model::event::{ComputeEvent, Event};

use crate::seen::{Invariant, Seen, Truth};

pub(super) struct Outbox;

/// The answer of an execution in such a state is counted on.
const AWAITED: [ExecutionState; 4] = [
    ExecutionState::Granted,
    ExecutionState::Committed,
    ExecutionState::Revealed,
    ExecutionState::Accepted,
];

impl Invariant for Outbox {
    fn name(&self) -> &'static str {
        "outbox"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Forgetting { host, execution, keep: false } = seen else { return Ok(()) };
        let at = &truth.hosts[*host];
        let finished = at.compute.disk.records().any(|record| {
            let Event::Compute(
                ComputeEvent::Finished { execution: x, .. }
                | ComputeEvent::Sealed { execution: x, .. },
            ) = &record.body
            else {
                return false;
            };
            x == *execution
        });
        let Some(home) = truth.requester_of(execution.slot.job).filter(|_| finished) else {
            return Ok(());
        };
        let home = &truth.hosts[home];
        let Some(log) = home.requester_core().and_then(|core| core.log(execution.slot.job)) else {
            return Ok(());
        };
        let counts = log.execution_of(at.id, execution).is_some_and(|e| AWAITED.contains(&e.state));
        let live = !log.view.state.is_terminal();
        let elsewhere = home.content.holds(&truth.result_of(execution));
        match counts && live && !elsewhere {
            true => Err(format!("h{host} forgets the answer of {execution:?}, which is awaited")),
            false => Ok(()),
        }
    }
}
