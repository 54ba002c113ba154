//! Of sealed work nothing can be read before its time: no proposal holds the answer, its output is
//! disclosed once a set was closed, and its result is public once it is accepted.

use gadus_model::message::{Message, Proposal};

use super::durable::Durable;
use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct Secrecy {
    durable: Durable,
}

impl Invariant for Secrecy {
    fn name(&self) -> &'static str {
        "secrecy"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        self.durable.see(truth, seen)?;
        match seen {
            Seen::Said { host, message, .. } => {
                let Message::Propose { execution, proposal } = &message.body else {
                    return Ok(());
                };
                let open = matches!(proposal.as_ref(), Proposal::Open(_));
                match open && truth.is_sealed(execution) {
                    true => Err(format!("h{host} proposes {execution:?} openly")),
                    false => Ok(()),
                }
            }
            Seen::Shown { host, execution, to_all } if truth.is_sealed(execution) => {
                let may = match to_all {
                    true => self.durable.is_accepted(execution),
                    false => self.durable.closes_of(execution).next().is_some(),
                };
                match may {
                    true => Ok(()),
                    false => Err(format!("h{host} shows {execution:?} (to all: {to_all})")),
                }
            }
            _ => Ok(()),
        }
    }
}
