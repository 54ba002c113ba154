//! A slot has one current epoch, and no epoch that was ever spoken of is used again.

use std::collections::BTreeMap;

use gadus_model::event::{Event, JobEvent};
use gadus_model::message::Message;
use gadus_model::{Epoch, Execution, NodeId, Slot};

use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct Epochs {
    /// The newest epoch of each slot that was spoken of.
    newest: BTreeMap<Slot, Epoch>,
    awarded_to: BTreeMap<Execution, NodeId>,
}

impl Invariant for Epochs {
    fn name(&self) -> &'static str {
        "epochs"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Said { host, to, message, .. } => {
                let Message::Award(award) = &message.body else { return Ok(()) };
                let execution = &award.execution;
                let first = *self.awarded_to.entry(execution.clone()).or_insert(*to);
                if first != *to {
                    return Err(format!("h{host} awards {execution:?} to {first:?} and {to:?}"));
                }
                let newest = self.newest.entry(execution.slot.clone()).or_insert(execution.epoch);
                *newest = (*newest).max(execution.epoch);
                Ok(())
            }
            Seen::Decided { host, record, .. } => {
                let Event::Job(JobEvent::Awarded { execution, .. }) = &record.body else {
                    return Ok(());
                };
                let newest = self.newest.get(&execution.slot);
                if newest.is_some_and(|newest| *newest >= execution.epoch) {
                    return Err(format!("h{host} uses {execution:?} again, after {newest:?}"));
                }
                one_is_live(truth, *host, execution)
            }
            _ => Ok(()),
        }
    }
}

fn one_is_live(truth: &Truth, at: usize, execution: &Execution) -> Result<(), String> {
    let core = truth.hosts[at].requester.alive.as_ref().map(|alive| &alive.shadow);
    let Some(log) = core.and_then(|core| core.log(execution.slot.job)) else { return Ok(()) };
    let live = log.live().filter(|e| e.execution.slot == execution.slot);
    match live.count() {
        0 | 1 => Ok(()),
        n => Err(format!("h{at}: {n} epochs of {:?} are current", execution.slot)),
    }
}
