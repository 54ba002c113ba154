//! No answer leaves an outbox while its job still counts on it.

use gadus_model::ExecutionState;
use gadus_model::event::{ComputeEvent, Event};

use crate::engine::result_of_execution;
use crate::seen::{Invariant, Seen, Truth};

pub(super) struct Outbox;

impl Invariant for Outbox {
    fn name(&self) -> &'static str {
        "outbox"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Forgetting { host, execution, keep: false } = seen else { return Ok(()) };
        let at = &truth.hosts[*host];
        let finished = at.compute.disk.records().any(|record| {
            matches!(&record.body, Event::Compute(ComputeEvent::Finished { execution: x, .. }) if x == *execution)
        });
        let Some(home) = truth.requester_of(execution.slot.job).filter(|_| finished) else {
            return Ok(());
        };
        let home = &truth.hosts[home];
        let Some(log) = home.requester_core().and_then(|core| core.log(execution.slot.job)) else {
            return Ok(());
        };
        let counts = log
            .execution_of(at.id, execution)
            .is_some_and(|e| matches!(e.state, ExecutionState::Granted | ExecutionState::Accepted));
        let live = !log.view.state.is_terminal();
        let elsewhere = home.content.holds(&result_of_execution(execution));
        match counts && live && !elsewhere {
            true => Err(format!("h{host} forgets the answer of {execution:?}, which is awaited")),
            false => Ok(()),
        }
    }
}
