//! Replaying the log gives the live state: after every step for what it touched, and whole at
//! every crash and from every checkpoint.

use gadus_model::event::Record;
use gadus_protocol::{Compute, Requester};

use crate::host::{Host, Part};
use crate::seen::{Invariant, Seen, Truth};
use crate::shell::{Core, Shell};

pub(super) struct Replay;

fn whole<C: Core>(shell: &Shell<C>, config: C::Config) -> Result<(), String> {
    let Some(alive) = &shell.alive else { return Ok(()) };
    C::replay(config, shell.disk.records().cloned().collect()).agrees(&alive.core)
}

fn from<C: Core>(shell: &Shell<C>, config: C::Config, snapshots: &[Record]) -> Result<(), String> {
    let Some(alive) = &shell.alive else { return Ok(()) };
    C::replay(config, snapshots.to_vec()).agrees(&alive.core)
}

fn step<C: Core>(shell: &Shell<C>, records: &[Record]) -> Result<(), String> {
    let Some(alive) = &shell.alive else { return Ok(()) };
    alive.core.agrees_on(&alive.shadow, records)
}

impl Invariant for Replay {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let of = |at: usize| -> (&Host, _, _) {
            let host = &truth.hosts[at];
            (host, host.requester_config(), host.compute_config())
        };
        match seen {
            Seen::Step { host, part: Part::Requester, records, .. } => {
                step::<Requester>(&truth.hosts[*host].requester, records)
            }
            Seen::Step { host, part: Part::Compute, records, .. } => {
                step::<Compute>(&truth.hosts[*host].compute, records)
            }
            Seen::Crashing { host } => {
                let (host, requester, compute) = of(*host);
                whole(&host.requester, requester)?;
                whole(&host.compute, compute)
            }
            Seen::Checkpoint { host, part, snapshots } => {
                let (host, requester, compute) = of(*host);
                match part {
                    Part::Requester => from(&host.requester, requester, snapshots),
                    Part::Compute => from(&host.compute, compute, snapshots),
                }
            }
            _ => Ok(()),
        }
    }
}
