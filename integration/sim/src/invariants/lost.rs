//! An execution is given up as missing from its node only if it really is.

use gadus_model::event::{Event, JobEvent};

use crate::seen::{Invariant, Seen, Truth};

pub(super) struct Lost;

impl Invariant for Lost {
    fn name(&self) -> &'static str {
        "lost"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Decided { host, record, .. } = seen else { return Ok(()) };
        let Event::Job(JobEvent::Lost { execution, why }) = &record.body else { return Ok(()) };
        if why != "the node no longer has it" {
            return Ok(());
        }
        let holds = truth.hosts.iter().position(|node| {
            node.compute_core().is_some_and(|core| core.held(execution).is_some())
        });
        match holds {
            None => Ok(()),
            Some(node) => Err(format!("h{host} gives up {execution:?}, which h{node} has")),
        }
    }
}
