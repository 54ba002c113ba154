//! Jobs and executions go from state to state only as `may_become` says, and nothing happens to
//! what is over but its settling.

use crate::seen::{Invariant, Seen, Truth};

pub(super) struct Transitions;

impl Invariant for Transitions {
    fn name(&self) -> &'static str {
        "transitions"
    }

    fn see(&mut self, _: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Decided { host, record, before, after } = seen else { return Ok(()) };
        if let (Some(from), Some(to)) = (before.job, after.job)
            && from != to
            && !from.may_become(to)
        {
            return Err(format!("h{host}: job {:?}: {from:?} -> {to:?}", record.job));
        }
        if let (Some(from), Some(to)) = (before.execution, after.execution)
            && !from.may_become(to)
        {
            return Err(format!("h{host}: {:?}: {from:?} -> {to:?}", record.body));
        }
        Ok(())
    }
}
