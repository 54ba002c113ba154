//! No message leaves before the events behind it are durable.

use crate::host::Part;
use crate::seen::{Invariant, Seen, Truth};

pub(super) struct PersistThenSpeak;

impl Invariant for PersistThenSpeak {
    fn name(&self) -> &'static str {
        "persist_then_speak"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Said { host, part, message, after, .. } = seen else { return Ok(()) };
        let at = &truth.hosts[*host];
        let durable = match part {
            Part::Requester => at.requester.disk.durable(),
            Part::Compute => at.compute.disk.durable(),
        };
        match *after <= durable {
            true => Ok(()),
            false => Err(format!(
                "h{host} said {} after append {after}, and {durable} is durable",
                message.body.kind()
            )),
        }
    }
}
