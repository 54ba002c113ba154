//! An execution that was proposed never runs again.

use std::collections::BTreeSet;

use gadus_model::Execution;
use gadus_model::message::Message;

use crate::network::HostNo;
use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct ProposedOnce {
    proposed: BTreeSet<(HostNo, Execution)>,
}

impl Invariant for ProposedOnce {
    fn name(&self) -> &'static str {
        "proposed_once"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Said { host, message, .. } => {
                if let Message::Propose { execution, .. } = &message.body {
                    self.proposed.insert((*host, execution.clone()));
                }
                Ok(())
            }
            Seen::Started { host, award, .. } => {
                let key = (*host, award.execution.clone());
                if self.proposed.contains(&key) {
                    return Err(format!("h{host} runs {:?} after it was proposed", key.1));
                }
                match truth.hosts[*host].engine.run(&award.execution).is_some() {
                    true => Err(format!("h{host} starts {:?} while it runs", award.execution)),
                    false => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}
