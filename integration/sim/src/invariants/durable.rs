//! What requesters have put down for good of sealed work: the sets they closed and the answers
//! they accepted.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::event::{Event, JobEvent, Record};
use gadus_model::{Cid, CloseBody, Execution, JobId};

use crate::seen::{Seen, Truth};

/// A round of a task.
type Round = (JobId, u32, Cid, u32);

#[derive(Default)]
pub(super) struct Durable {
    closes: BTreeMap<Round, CloseBody>,
    accepted: BTreeSet<Execution>,
}

impl Durable {
    /// Takes in what has become durable; a torn log may have kept more than was seen to.
    pub(super) fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Durable { records, .. } => records.iter().try_for_each(|r| self.note(r)),
            Seen::Starting { host } => {
                let mut kept = truth.hosts[*host].requester.disk.records();
                kept.try_for_each(|r| self.note(r))
            }
            _ => Ok(()),
        }
    }

    fn note(&mut self, record: &Record) -> Result<(), String> {
        match &record.body {
            Event::Job(JobEvent::Closed { close, .. }) => {
                self.is_the_one(&close.body)?;
                self.closes.insert(round(&close.body), close.body.clone());
            }
            Event::Job(JobEvent::Accepted { execution, .. }) => {
                self.accepted.insert(execution.clone());
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether no other set of the same round is known.
    pub(super) fn is_the_one(&self, close: &CloseBody) -> Result<(), String> {
        match self.closes.get(&round(close)) {
            Some(known) if known != close => {
                Err(format!("round {} of {:?} has two sets", close.round, close.job))
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn is_closed(&self, close: &CloseBody) -> bool {
        self.closes.get(&round(close)) == Some(close)
    }

    /// The sets with a commitment of an execution.
    pub(super) fn closes_of<'a>(
        &'a self,
        execution: &'a Execution,
    ) -> impl Iterator<Item = &'a CloseBody> {
        let of_job = self.closes.iter().filter(|((job, ..), _)| *job == execution.slot.job);
        let closes = of_job.map(|(_, close)| close);
        closes.filter(|close| close.set.iter().any(|one| one.execution == *execution))
    }

    pub(super) fn is_accepted(&self, execution: &Execution) -> bool {
        self.accepted.contains(execution)
    }
}

fn round(close: &CloseBody) -> Round {
    (close.job, close.version, close.task, close.round)
}
