//! What a machine remembers beside its log stays bounded, and shrinks back to nothing.

use gadus_protocol::compute::BIDS_OUT_MAX;

use crate::host::Part;
use crate::seen::{Invariant, Seen, Truth};

pub(super) struct Memory;

impl Invariant for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Idle => {
                for (n, host) in truth.hosts.iter().enumerate() {
                    let requester = host.requester_core().map(|core| core.footprint());
                    let compute = host.compute_core().map(|core| core.footprint());
                    let all = requester.into_iter().chain(compute).flatten();
                    let most = |what: &str| match what {
                        "standings" => truth.swarm.limits.standings_max as usize,
                        _ => 0,
                    };
                    let mut all = all.into_iter();
                    if let Some((what, size)) = all.find(|(what, size)| *size > most(what)) {
                        return Err(format!("h{n} is idle and remembers {size} {what}"));
                    }
                }
                Ok(())
            }
            Seen::Step { host, part: Part::Compute, .. } => {
                let core = truth.hosts[*host].compute_core();
                let sizes = core.map(|core| core.footprint()).unwrap_or_default();
                match sizes.into_iter().find(|(_, size)| *size > BIDS_OUT_MAX) {
                    None => Ok(()),
                    Some((what, size)) => Err(format!("h{host} remembers {size} {what}")),
                }
            }
            _ => Ok(()),
        }
    }
}
