//! Those who submit jobs and stop them, and remember what they were promised.

use gadus_model::JobId;
use gadus_protocol::requester::{Input, SubmitError};
use gadus_protocol::{Effect, Requester};

use super::{Happening, World};
use crate::dice::mix;
use crate::names::job_number;
use crate::shell::Reply;

/// A client that was not answered asks again after this time.
const AGAIN_US: u64 = 2_000_000;

impl World {
    /// A client submits a job, `again` with an answer in hand already.
    pub(super) fn submit(&mut self, n: usize, again: bool) {
        let work = &self.truth.works[n];
        let (id, at, job) = (work.job.id, work.requester, work.job.clone());
        if self.truth.acked.contains(&id) && !again {
            return;
        }
        let host = &self.truth.hosts[at];
        let Some(core) = host.requester_core() else {
            return self.agenda.after(AGAIN_US, Happening::Submit { work: n, again });
        };
        let known = core.job(id).is_some() || host.index.contains_key(&id);
        if known {
            return self.submit_known(n);
        }
        if self.truth.acked.contains(&id) {
            return self.violate("acked_survives", format!("{id:?} was acknowledged and is gone"));
        }
        match core.check(&job) {
            Ok(()) => {}
            Err(SubmitError::NameTaken { .. } | SubmitError::Known) => {
                let what = format!("{id:?} is not live and its name is taken");
                return self.violate("acked_survives", what);
            }
            Err(
                SubmitError::TooManyJobs { .. }
                | SubmitError::TooManyJobsOfClient { .. }
                | SubmitError::TooManySlots { .. }
                | SubmitError::TooManyHolders { .. }
                | SubmitError::TooFewNodes { .. }
                | SubmitError::QueueFull { .. }
                | SubmitError::Unverifiable { .. },
            ) => return,
        }
        let seed = mix(self.dice.roll());
        let submit = Input::Submit { job: Box::new(job), seed };
        self.turn::<Requester>(at, submit, vec![Reply::Submitted(id)]);
        self.agenda.after(AGAIN_US, Happening::Submit { work: n, again: false });
    }

    /// The job is known: submitting it again changes nothing, and is answered.
    fn submit_known(&mut self, n: usize) {
        let work = &self.truth.works[n];
        let (id, at, job) = (work.job.id, work.requester, work.job.clone());
        let now = self.truth.local(at);
        let host = &mut self.truth.hosts[at];
        let Some(alive) = &mut host.requester.alive else { return };
        if alive.core.job(id).is_some() {
            let refused = alive.core.check(&job).is_err();
            let submit = Input::Submit { job: Box::new(job), seed: 0 };
            let step = alive.core.handle(now, submit);
            let of_it = |effect: &Effect| matches!(effect, Effect::Changed(job) if *job == id);
            let changed = step.events.iter().any(|record| record.job == id && record.seq == 1)
                || (step.events.is_empty() && step.effects.iter().any(of_it));
            self.took::<Requester>(at, "submit again", step, vec![Reply::Submitted(id)]);
            if changed || !refused {
                self.violate("submit_is_idempotent", format!("{id:?} was taken twice"));
            }
        } else {
            // It is over, durably or soon so: the answer waits like any other.
            let step = alive.core.handle(now, Input::Tick);
            self.took::<Requester>(at, "submit again", step, vec![Reply::Submitted(id)]);
        }
    }

    /// A client stops a job.
    pub(super) fn cancel(&mut self, n: usize) {
        let work = &self.truth.works[n];
        let (job, at) = (work.job.id, work.requester);
        let up = self.truth.hosts[at].requester_core().is_some();
        if !up || !self.truth.acked.contains(&job) {
            return self.agenda.after(AGAIN_US, Happening::Cancel { work: n });
        }
        let stop = Input::Stop { job, reason: "the client wants it".to_owned() };
        self.turn::<Requester>(at, stop, vec![Reply::Stopped(job)]);
    }

    /// A client is answered.
    pub(super) fn replied(&mut self, reply: Reply) {
        let (Reply::Submitted(job) | Reply::Stopped(job)) = reply;
        let at = self.truth.requester_of(job).unwrap_or(0);
        self.trace.note(self.truth.now, at, "answered", job_number(job), || format!("{reply:?}"));
        if let Reply::Submitted(job) = reply {
            self.truth.acked.insert(job);
        }
    }

    /// Whether a job is over for its requester, settled and in the index.
    pub(super) fn is_settled(&self, job: JobId) -> bool {
        let Some(at) = self.truth.requester_of(job) else { return true };
        let host = &self.truth.hosts[at];
        host.index.contains_key(&job) && host.requester_core().is_some_and(|c| c.job(job).is_none())
    }
}
