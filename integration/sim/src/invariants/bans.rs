//! An honest node is never taken for a liar, unless colluders were enough to have a wrong answer
//! accepted.

use std::collections::BTreeSet;

use gadus_model::event::{Event, JobEvent, SeatEnd, TrustEvent};

use crate::habit::Habit;
use crate::network::HostNo;
use crate::seen::{Invariant, Seen, Truth, is_wrong};

#[derive(Default)]
pub(super) struct Bans {
    /// Requesters whose last verdict is wrong.
    misled: BTreeSet<HostNo>,
}

impl Invariant for Bans {
    fn name(&self) -> &'static str {
        "bans"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Decided { host, record, .. } = seen else { return Ok(()) };
        match &record.body {
            Event::Job(JobEvent::Judged { verdict, .. }) => {
                match is_wrong(&verdict.body) {
                    true => self.misled.insert(*host),
                    false => self.misled.remove(host),
                };
            }
            Event::Trust(TrustEvent::Counted { node, seat: SeatEnd::Wrong, .. }) => {
                let honest = truth.place(*node).filter(|n| truth.hosts[*n].habit == Habit::Honest);
                if let Some(n) = honest.filter(|_| !self.misled.contains(host)) {
                    return Err(format!("h{host} bans h{n}, which is honest"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
