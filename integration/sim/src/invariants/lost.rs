//! An execution is given up as missing from its node only if it really is, and as overdue only
//! when it runs there no more.

use gadus_model::Execution;
use gadus_model::event::{Event, JobEvent};

use crate::host::Host;
use crate::network::HostNo;
use crate::seen::{Invariant, Seen, Truth};

pub(super) struct Lost;

impl Invariant for Lost {
    fn name(&self) -> &'static str {
        "lost"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Decided { host, record, .. } = seen else { return Ok(()) };
        let Event::Job(JobEvent::Lost { execution, why }) = &record.body else { return Ok(()) };
        match why.as_str() {
            "the node no longer has it" => not_held(truth, *host, execution),
            "its lease ended" => not_running(truth, *host, execution),
            _ => Ok(()),
        }
    }
}

fn not_held(truth: &Truth, at: HostNo, execution: &Execution) -> Result<(), String> {
    let holds = |node: &Host| node.compute_core().is_some_and(|c| c.held(execution).is_some());
    match truth.hosts.iter().position(holds) {
        None => Ok(()),
        Some(node) => Err(format!("h{at} gives up {execution:?}, which h{node} has")),
    }
}

/// As far as clocks that do not jump can tell, and nodes that were not started again: those run on
/// for a grace, with no lease to go by.
fn not_running(truth: &Truth, at: HostNo, execution: &Execution) -> Result<(), String> {
    let steady = |node: &Host| node.up && node.boot == 1 && !node.clock.has_jumped();
    let runs = |node: &Host| node.engine.runs().any(|(x, _)| x == execution);
    let holder = truth.hosts.iter().position(|node| steady(node) && runs(node));
    match holder.filter(|_| !truth.hosts[at].clock.has_jumped()) {
        None => Ok(()),
        Some(node) => Err(format!("h{at} gives up {execution:?}, which h{node} runs")),
    }
}
