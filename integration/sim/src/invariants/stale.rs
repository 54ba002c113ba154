//! A node that has heard of an epoch of a slot never begins with an older one.

use std::collections::BTreeMap;

use gadus_model::message::Message;
use gadus_model::{Epoch, Slot};

use crate::network::HostNo;
use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct Stale {
    newest: BTreeMap<(HostNo, Slot), Epoch>,
}

impl Invariant for Stale {
    fn name(&self) -> &'static str {
        "stale"
    }

    fn see(&mut self, _: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Arrived { host, message, .. } => {
                if let Message::Award(award) = &message.body {
                    let (slot, epoch) = (award.execution.slot.clone(), award.execution.epoch);
                    let newest = self.newest.entry((*host, slot)).or_insert(epoch);
                    *newest = (*newest).max(epoch);
                }
                Ok(())
            }
            Seen::Started { host, award, anew: false } => {
                let execution = &award.execution;
                let newest = self.newest.get(&(*host, execution.slot.clone()));
                match newest.filter(|newest| **newest > execution.epoch) {
                    Some(newest) => Err(format!("h{host} starts {execution:?} after {newest:?}")),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}
