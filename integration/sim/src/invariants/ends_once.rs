//! A job version ends exactly once: one `Ended` is durable, and the index says the same.

use std::collections::BTreeMap;

use gadus_model::event::{Event, JobEvent};
use gadus_model::{JobId, JobState};

use crate::seen::{Invariant, Seen, Truth};

#[derive(Default)]
pub(super) struct EndsOnce {
    ended: BTreeMap<JobId, JobState>,
}

impl Invariant for EndsOnce {
    fn name(&self) -> &'static str {
        "ends_once"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Durable { host, records } => {
                for record in *records {
                    if let Event::Job(JobEvent::Ended { state, .. }) = &record.body
                        && let Some(before) = self.ended.insert(record.job, *state)
                    {
                        let job = record.job;
                        return Err(format!("h{host}: {job:?} ended {before:?}, then {state:?}"));
                    }
                }
                Ok(())
            }
            Seen::Idle => {
                let folded = truth.hosts.iter().flat_map(|host| &host.index);
                for (job, folded) in folded {
                    let (says, was) = (folded.view.state, self.ended.get(job));
                    // The log may have kept more of a torn end than was ever seen durable.
                    if was.is_some_and(|was| *was != says) {
                        return Err(format!("{job:?} ended {was:?}, the index says {says:?}"));
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
