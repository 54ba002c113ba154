//! Completed means that every slot is published; of sealed work, one of each partition.

use gadus_model::event::{Event, JobEvent};
use gadus_model::{ExecutionState, JobState};

use crate::seen::{Invariant, Seen, Truth};

pub(super) struct Completed;

impl Invariant for Completed {
    fn name(&self) -> &'static str {
        "completed"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Decided { host, record, .. } = seen else { return Ok(()) };
        let Event::Job(JobEvent::Ended { state: JobState::Completed, .. }) = &record.body else {
            return Ok(());
        };
        let at = &truth.hosts[*host];
        let shadow = at.requester.alive.as_ref().map(|alive| &alive.shadow);
        let live = shadow.and_then(|core| core.job(record.job));
        let Some(view) = live.or_else(|| at.index.get(&record.job).map(|f| &f.view)) else {
            return Ok(());
        };
        let executions = view.executions.iter();
        let published = executions.clone().filter(|e| e.state == ExecutionState::Published);
        let done = if view.sealed.is_empty() {
            let mut slots: Vec<_> = executions.map(|e| &e.execution.slot).collect();
            slots.sort();
            slots.dedup();
            published.clone().count() == slots.len() && published.count() > 0
        } else {
            let has = |n: u32| published.clone().any(|e| e.execution.slot.partition == n);
            view.sealed.iter().all(|sealed| has(sealed.partition))
        };
        match done {
            true => Ok(()),
            false => Err(format!("h{host} completes {:?} with an open slot", record.job)),
        }
    }
}
