//! Only a slot's current epoch wins, and only while nothing else was decided about it.

use std::collections::BTreeMap;

use gadus_model::event::{Event, JobEvent};
use gadus_model::{Epoch, ExecutionState, Slot};

use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct LateResults {
    newest: BTreeMap<Slot, Epoch>,
}

impl Invariant for LateResults {
    fn name(&self) -> &'static str {
        "late_results"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Decided { host, record, before, .. } = seen else { return Ok(()) };
        match &record.body {
            Event::Job(JobEvent::Awarded { execution, .. }) => {
                // What was not durable may be decided anew.
                self.newest.insert(execution.slot.clone(), execution.epoch);
            }
            Event::Job(JobEvent::Accepted { execution, claim }) => {
                if claim.manifest.result != truth.result_of(execution) {
                    return Err(format!("h{host} takes another epoch's answer for {execution:?}"));
                }
                let newest = self.newest.get(&execution.slot);
                if newest.is_some_and(|newest| *newest != execution.epoch) {
                    return Err(format!(
                        "h{host} accepts {execution:?}, and {newest:?} is current"
                    ));
                }
                let open: &[ExecutionState] = match truth.is_sealed(execution) {
                    true => &[ExecutionState::Revealed],
                    false => &[ExecutionState::Awarded, ExecutionState::Granted],
                };
                if !before.execution.is_some_and(|state| open.contains(&state)) {
                    let state = before.execution;
                    return Err(format!("h{host} accepts {execution:?}, which is {state:?}"));
                }
                if before.job.is_none_or(gadus_model::JobState::is_terminal) {
                    return Err(format!("h{host} accepts {execution:?} of a job that is over"));
                }
            }
            Event::Job(_) | Event::Compute(_) | Event::Trust(_) => {}
        }
        Ok(())
    }
}
