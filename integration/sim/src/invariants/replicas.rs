//! A node that says it holds another's result holds it.

use gadus_model::message::Message;

use crate::seen::{Invariant, Seen, Truth};

pub(super) struct Replicas;

impl Invariant for Replicas {
    fn name(&self) -> &'static str {
        "replicas"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Said { host, message, .. } = seen else { return Ok(()) };
        let Message::Kept { execution } = &message.body else { return Ok(()) };
        match truth.hosts[*host].content.holds(&truth.result_of(execution)) {
            true => Ok(()),
            false => Err(format!("h{host} says that it holds {execution:?}, and does not")),
        }
    }
}
