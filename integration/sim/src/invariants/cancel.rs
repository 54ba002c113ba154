//! An acknowledged stop means that nothing of it runs there, nor ever will; and an execution is
//! called cancelled only when its node said so, or its lease is over.

use std::collections::BTreeSet;

use gadus_model::Execution;
use gadus_model::event::{Event, JobEvent};
use gadus_model::message::Message;

use crate::network::HostNo;
use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct Cancel {
    stopped: BTreeSet<(HostNo, Execution)>,
}

impl Invariant for Cancel {
    fn name(&self) -> &'static str {
        "cancel"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Said { host, message, .. } => {
                let Message::Stopped { execution } = &message.body else { return Ok(()) };
                if truth.hosts[*host].engine.run(execution).is_some() {
                    return Err(format!("h{host} says {execution:?} is stopped, and it runs"));
                }
                self.stopped.insert((*host, execution.clone()));
            }
            Seen::Started { host, award, .. } => {
                let key = (*host, award.execution.clone());
                if self.stopped.contains(&key) {
                    return Err(format!("h{host} starts {:?} after it was stopped", key.1));
                }
            }
            Seen::Decided { host, record, .. } => {
                let Event::Job(JobEvent::Cancelled { execution }) = &record.body else {
                    return Ok(());
                };
                return truly_over(truth, *host, execution);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Nothing of it runs where it was awarded, as far as clocks that do not jump can tell.
fn truly_over(truth: &Truth, at: HostNo, execution: &Execution) -> Result<(), String> {
    let core = truth.hosts[at].requester.alive.as_ref().map(|alive| &alive.shadow);
    let log = core.and_then(|core| core.log(execution.slot.job));
    let node = log.and_then(|log| log.execution(execution)).map(|e| e.node);
    let Some(node) = node.and_then(|node| truth.place(node)) else { return Ok(()) };
    let host = &truth.hosts[node];
    // A node that has just started again runs on for a grace, with no lease to go by.
    let steady = host.up && host.boot == 1 && !truth.hosts[at].clock.has_jumped();
    match steady && host.engine.run(execution).is_some_and(|run| !run.over) {
        true => Err(format!("h{at} calls {execution:?} cancelled, and it runs on h{node}")),
        false => Ok(()),
    }
}
