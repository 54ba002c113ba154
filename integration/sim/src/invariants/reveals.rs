//! No answer leaves a node unless a durable closed set holds its own commitment and as many as
//! are needed.

use gadus_model::message::Message;
use gadus_protocol::compute::HeldState;

use super::durable::Durable;
use crate::host::Part;
use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct Reveals {
    durable: Durable,
}

impl Invariant for Reveals {
    fn name(&self) -> &'static str {
        "reveals"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        self.durable.see(truth, seen)?;
        let Seen::Said { host, part: Part::Compute, message, .. } = seen else { return Ok(()) };
        let Message::Reveal { execution, .. } = &message.body else { return Ok(()) };
        let at = &truth.hosts[*host];
        let held = at.compute_core().and_then(|core| core.held(execution));
        let Some(HeldState::Sealed { seal, .. }) = held.map(|held| &held.state) else {
            // It was accepted or let go of meanwhile.
            return Ok(());
        };
        let (own, equal) = (seal.commit.body.commitment, truth.level(execution.slot.job).equal());
        let is_shown = self.durable.closes_of(execution).any(|close| {
            let committed = close.committed(at.id, execution);
            committed.is_some_and(|one| one.commitment == own) && close.set.len() >= equal as usize
        });
        match is_shown {
            true => Ok(()),
            false => Err(format!("h{host} shows {execution:?}, which no closed set calls for")),
        }
    }
}
