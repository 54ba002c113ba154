//! What must not be repeated has no second epoch unless the first was refused, and a command
//! never begins to run twice.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::message::Message;
use gadus_model::{Class, Context, Execution, Reason, Slot};

use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct RunsOnce {
    awarded: BTreeMap<Slot, BTreeSet<Execution>>,
    refused: BTreeSet<Execution>,
    started: BTreeMap<Slot, Execution>,
}

fn once(context: &Context) -> bool {
    context.class == Class::Command || context.retry.attempts_max <= 1
}

impl Invariant for RunsOnce {
    fn name(&self) -> &'static str {
        "runs_once"
    }

    fn see(&mut self, _: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Said { message, host, .. } => match &message.body {
                Message::Award(award) if once(&award.context) => {
                    let execution = &award.execution;
                    let tries = self.awarded.entry(execution.slot.clone()).or_default();
                    tries.insert(execution.clone());
                    let unclear =
                        tries.iter().find(|x| *x < execution && !self.refused.contains(x));
                    match unclear {
                        None => Ok(()),
                        Some(x) => {
                            Err(format!("h{host} awards {execution:?}, {x:?} was not refused"))
                        }
                    }
                }
                Message::Refused { reason: Reason::Unrevealed(_), .. } => Ok(()),
                Message::Refused { execution, .. } => {
                    self.refused.insert(execution.clone());
                    Ok(())
                }
                _ => Ok(()),
            },
            Seen::Started { host, award, .. } if award.context.class == Class::Command => {
                let slot = award.execution.slot.clone();
                match self.started.insert(slot, award.execution.clone()) {
                    None => Ok(()),
                    Some(x) => Err(format!("h{host} runs {:?}, and {x:?} ran", award.execution)),
                }
            }
            _ => Ok(()),
        }
    }
}
