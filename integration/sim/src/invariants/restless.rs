//! A machine that wakes has something to do: its deadlines do not keep it spinning.

use std::collections::BTreeMap;

use crate::drift::True;
use crate::host::Part;
use crate::network::HostNo;
use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct Restless {
    /// Since when, and how often, a machine woke in vain.
    vain: BTreeMap<(HostNo, Part), (True, u32)>,
}

/// So often in a second may a machine wake and do nothing.
const VAIN_MAX: u32 = 60;
const SECOND_US: u64 = 1_000_000;

impl Invariant for Restless {
    fn name(&self) -> &'static str {
        "restless"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Step { host, part, in_vain: true, .. } = seen else { return Ok(()) };
        let (since, times) = self.vain.entry((*host, *part)).or_default();
        if truth.now > *since + SECOND_US {
            (*since, *times) = (truth.now, 0);
        }
        *times += 1;
        match *times > VAIN_MAX {
            true => Err(format!("h{host}: the {part:?} woke {times} times in a second, in vain")),
            false => Ok(()),
        }
    }
}
