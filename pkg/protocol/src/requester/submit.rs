//! Taking jobs, and time limits on them.

use gadus_model::event::JobEvent;
use gadus_model::{
    Class, Durability, Engine, Job, JobId, JobState, PROFILE_DET_1, Placement, Time, Verification,
};

use super::Requester;
use super::log::JobLog;

/// Why a requester takes no job now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// It has as many live jobs as it may.
    TooManyJobs {
        /// `jobs_max`.
        max: u32,
    },
    /// The client has as many live jobs as it may.
    TooManyJobsOfClient {
        /// `jobs_per_client_max`.
        max: u32,
    },
    /// It asks for more slots than a job may.
    TooManySlots {
        /// What it asks for.
        slots: u64,
        /// `slots_max`.
        max: u32,
    },
    /// It asks for more holders of its results than a job may.
    TooManyHolders {
        /// What it asks for.
        holders: u32,
        /// `replicas_max`.
        max: u32,
    },
    /// It asks for more holders of its results than there are nodes.
    TooFewNodes {
        /// What it asks for.
        holders: u32,
        /// Nodes that are known now, the requester's own among them.
        nodes: u32,
    },
    /// As many jobs wait as may.
    QueueFull {
        /// `queue_max`.
        max: u32,
    },
    /// A live job has this name.
    NameTaken {
        /// Which.
        by: JobId,
    },
    /// Its result is to be checked, and cannot be.
    Unverifiable {
        /// Why not.
        why: &'static str,
    },
    /// The id is known already.
    Known,
}

/// Whether a job's result can be checked as it asks for.
pub(super) fn check_verifiable(job: &Job) -> Result<(), SubmitError> {
    if !job.context.verification.is_sealed() {
        return Ok(());
    }
    let task = job.task().map(|(_, task)| task);
    let is_deterministic =
        task.and_then(|task| task.det.as_ref()).is_some_and(|det| det.profile == PROFILE_DET_1);
    let why = if task.is_none_or(|task| task.engine() != Engine::Wasm) {
        "running a container again may give another result; only Wasm functions are verified"
    } else if !is_deterministic {
        "only functions of the profile 'det/1' give the same result everywhere"
    } else if job.context.class != Class::Pure {
        "a job that may not be repeated cannot be given to several nodes"
    } else if job.kind.placement == Placement::EveryMatch {
        "each node's own result is wanted, and nobody else can give that"
    } else {
        return Ok(());
    };
    Err(SubmitError::Unverifiable { why })
}

impl Requester {
    /// Whether a job may be submitted now.
    ///
    /// # Errors
    /// The limit that is met.
    pub fn check(&self, job: &Job) -> Result<(), SubmitError> {
        let limits = &self.config.limits;
        let at_least = |n: usize, max: u32| n >= max as usize;
        if at_least(self.jobs.len(), limits.jobs_max) {
            return Err(SubmitError::TooManyJobs { max: limits.jobs_max });
        }
        let max = limits.jobs_per_client_max;
        if self.clients.get(&job.context.client).is_some_and(|n| *n >= max) {
            return Err(SubmitError::TooManyJobsOfClient { max });
        }
        if at_least(self.queue.len(), limits.queue_max) {
            return Err(SubmitError::QueueFull { max: limits.queue_max });
        }
        self.check_slots(job)?;
        check_verifiable(job)?;
        if job.context.fresh {
            // Otherwise it may be known.
            self.check_checkable(job)?;
        }
        self.check_holders(job)?;
        if let Some(by) = self.job_by_name(&job.namespace, &job.name) {
            return Err(SubmitError::NameTaken { by });
        }
        if self.jobs.contains_key(&job.id) {
            return Err(SubmitError::Known);
        }
        Ok(())
    }

    /// Whether its executions, all answers counted, are not too many.
    pub(super) fn check_slots(&self, job: &Job) -> Result<(), SubmitError> {
        let Placement::Ranked { count } = job.kind.placement else { return Ok(()) };
        let (max, seats) = (self.config.limits.slots_max, job.context.verification.seats());
        let slots = u64::from(count) * u64::from(seats);
        match slots > u64::from(max) {
            true => Err(SubmitError::TooManySlots { slots, max }),
            false => Ok(()),
        }
    }

    /// Whether what a job comes to could be checked; one that nobody has begun ends where not.
    pub(super) fn is_checkable(&mut self, now: Time, id: JobId) -> bool {
        let Some(entry) = self.jobs.get(&id).filter(|entry| !entry.log.has_begun()) else {
            return true;
        };
        if self.is_returning(now, id) {
            return true;
        }
        let Err(SubmitError::Unverifiable { why }) = self.check_checkable(&entry.log.view.job)
        else {
            return true;
        };
        let message = format!("the job's result is to be checked, and cannot be: {why}");
        self.end(now, id, JobState::Failed, message);
        false
    }

    /// Whether there is anybody who could make a spot check.
    pub(super) fn check_checkable(&self, job: &Job) -> Result<(), SubmitError> {
        let Verification::Spot(_) = job.context.verification else { return Ok(()) };
        let why = "a spot check is made by a node that is trusted here, and none is so far: nodes \
                   come to be trusted by what they answer to a quorum, or by the config's \
                   requester.verify.trusted and .referees";
        self.knows_a_checker().then_some(()).ok_or(SubmitError::Unverifiable { why })
    }

    fn check_holders(&self, job: &Job) -> Result<(), SubmitError> {
        let Durability::Replicas(holders) = job.context.durability else { return Ok(()) };
        let max = self.config.limits.replicas_max;
        if holders > max {
            return Err(SubmitError::TooManyHolders { holders, max });
        }
        let others = self.directory.iter().filter(|(node, _)| **node != self.config.node);
        let nodes = u32::try_from(others.count() + 1).unwrap_or(u32::MAX);
        if holders > nodes {
            return Err(SubmitError::TooFewNodes { holders, nodes });
        }
        Ok(())
    }

    pub(super) fn submit(&mut self, now: Time, job: Job, seed: u64) {
        let id = job.id;
        if self.jobs.contains_key(&id) {
            return;
        }
        self.insert(JobLog::new(job.clone(), seed, now));
        self.record(now, id, 1, JobEvent::Submitted { job: Box::new(job), seed });
        self.advance(now, id);
    }

    /// Ends a job whose total or queue time is used up.
    pub(super) fn time_limits(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let view = &entry.log.view;
        if total_limit(&entry.log).is_some_and(|at| now >= at) {
            let ms = view.job.context.timeouts.total_ms.unwrap_or(0);
            let message = format!("Job timed out. Job took longer than {}", seconds(ms));
            return self.end(now, id, JobState::Failed, message);
        }
        if queue_limit(&entry.log).is_some_and(|at| now >= at) {
            let wanted = u32::try_from(entry.log.seats.len()).unwrap_or(u32::MAX);
            let plan = self.plan(now, id);
            let message = format!("Job timed out in the queue. {}", plan.not_enough_nodes(wanted));
            self.end(now, id, JobState::Failed, message);
        }
    }

    /// Ends a job. What still runs is stopped from here on.
    pub(super) fn end(&mut self, now: Time, id: JobId, state: JobState, message: String) {
        let again = self.config.sabotage == Some(crate::Sabotage::EndTwice);
        if !self.is_live(id) && !again {
            return;
        }
        self.emit(now, id, JobEvent::Ended { state, message });
        self.say_filled(now, id);
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.soft.round = None;
        }
        self.leave_line(id);
    }
}

/// Seconds, as people read them.
fn seconds(ms: u64) -> String {
    match ms % 1000 {
        0 => format!("{} s", ms / 1000),
        rest => format!("{}.{rest:03} s", ms / 1000),
    }
}

/// When the job as a whole has taken too long.
pub(super) fn total_limit(log: &JobLog) -> Option<Time> {
    log.view.job.context.timeouts.total_ms.map(|ms| log.view.created_at.plus_ms(ms))
}

/// When a job has waited for its first node for too long, its first round included.
pub(super) fn queue_limit(log: &JobLog) -> Option<Time> {
    log.queued_since?;
    let since = log.view.created_at;
    let ms = log.view.job.context.timeouts.queue_ms?;
    let ran =
        log.view.executions.iter().any(|e| e.marks.granted_at.or(e.marks.accepted_at).is_some());
    // An unanswered award may be a node already.
    (!ran && !log.seats.any_live()).then(|| since.plus_ms(ms))
}
