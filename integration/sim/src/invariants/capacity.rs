//! No node is over-committed: what really runs fits into what it has when one more begins.

use crate::seen::{Invariant, Seen, Truth};

pub(super) struct Capacity;

impl Invariant for Capacity {
    fn name(&self) -> &'static str {
        "capacity"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Started { host, award, anew: false } = seen else { return Ok(()) };
        let at = &truth.hosts[*host];
        // Room that was taken away under what ran before is no fault of this one.
        let others = at.engine.used();
        let used = others.plus(&award.context.resources);
        if at.info.capacity.holds(&used) || !at.info.capacity.holds(&others) {
            return Ok(());
        }
        Err(format!("h{host} starts {:?}: {used:?} of {:?}", award.execution, at.info.capacity))
    }
}
