//! What a node was asked for before its requester was started again is not given up before the
//! node had time to come back: it may have had its work for long, and do it only once.

use gadus_model::event::{Event, JobEvent};

use crate::seen::{Invariant, Seen, Truth};

pub(super) struct Patience;

impl Invariant for Patience {
    fn name(&self) -> &'static str {
        "patience"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Decided { host, record, .. } = seen else { return Ok(()) };
        let Event::Job(JobEvent::Lost { execution, why }) = &record.body else { return Ok(()) };
        let at = &truth.hosts[*host];
        let shadow = at.requester.alive.as_ref().map(|alive| &alive.shadow);
        let log = shadow.and_then(|core| core.log(record.job));
        let Some(e) = log.and_then(|log| log.execution(execution)) else { return Ok(()) };
        if e.marks.granted_at.is_some() || e.marks.awarded_at >= at.started {
            return Ok(());
        }
        let (now, limits) = (truth.local(*host), &truth.swarm.limits);
        let met = truth.place(e.node).and_then(|node| at.met.get(&node));
        let (since, ms) = match met {
            Some(met) => (*met, limits.award_ms),
            None => (at.started, limits.disconnect_ms),
        };
        // That its node says so is another matter, and so is that others have answered.
        let by_itself = !why.starts_with("the node") && !why.starts_with("the others");
        match by_itself && now < since.plus_ms(ms) {
            true => Err(format!("h{host} gives up {execution:?} at {now}, its node came {met:?}")),
            false => Ok(()),
        }
    }
}
