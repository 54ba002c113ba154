//! A machine's accounts are what its jobs and executions add up to.

use gadus_model::{Execution, Resources};

use crate::host::{Host, Part};
use crate::seen::{Invariant, Seen, Truth};

pub(super) struct Accounts;

impl Invariant for Accounts {
    fn name(&self) -> &'static str {
        "accounts"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Step { host, part, records, .. } = seen else { return Ok(()) };
        if records.is_empty() {
            return Ok(());
        }
        match part {
            Part::Compute => reserved(&truth.hosts[*host]),
            Part::Requester => given(truth, &truth.hosts[*host]),
        }
        .map_err(|what| format!("h{host}: {what}"))
    }
}

fn reserved(host: &Host) -> Result<(), String> {
    let Some(core) = host.compute_core() else { return Ok(()) };
    let running = core.durable().into_values().filter(|held| held.state.is_running());
    let least =
        running.fold(Resources::default(), |sum, held| sum.plus(&held.award.context.resources));
    match core.reserved().holds(&least) {
        true => Ok(()),
        false => Err(format!("reserves {:?} for {least:?}", core.reserved())),
    }
}

fn given(truth: &Truth, host: &Host) -> Result<(), String> {
    let Some(core) = host.requester_core() else { return Ok(()) };
    let occupied = core.durable().into_values().flat_map(|log| {
        log.live().filter(|e| log.occupied(&e.execution).is_some()).map(|e| &e.execution)
    });
    let mut occupied: Vec<&Execution> = occupied.collect();
    let given = truth.hosts.iter().flat_map(|node| core.directory().given_to(node.id));
    let mut given: Vec<&Execution> = given.collect();
    occupied.sort();
    given.sort();
    match occupied == given {
        true => Ok(()),
        false => Err(format!("has given {given:?}, and {occupied:?} are out")),
    }
}
