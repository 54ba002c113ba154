//! A known answer is given only where it was checked as hard as is asked for, by nodes of which
//! none was caught since, and is right while the colluders were too few; and of equal jobs at once
//! one runs.

use gadus_model::event::{Event, JobEvent};
use gadus_model::{Class, Durability, Execution, JobId, JobState, Placement, Replay, Verification};
use gadus_protocol::Requester;
use gadus_protocol::requester::JobLog;

use crate::network::HostNo;
use crate::seen::{Invariant, Seen, Truth, is_wrong};

pub(super) struct Replays;

impl Invariant for Replays {
    fn name(&self) -> &'static str {
        "replays"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Decided { host, record, .. } => match &record.body {
                Event::Job(JobEvent::Replayed { execution, replay, .. }) => {
                    replayed(truth, *host, execution, replay)
                }
                Event::Job(JobEvent::Announced { round: 1 }) => {
                    let core = truth.hosts[*host].shadow();
                    core.map_or(Ok(()), |core| runs_alone(core, record.job))
                }
                _ => Ok(()),
            }
            .map_err(|what| format!("h{host}: {:?}: {what}", record.job)),
            Seen::Durable { records, .. } => {
                records.iter().try_for_each(|record| are_held(truth, &record.body))
            }
            _ => Ok(()),
        }
    }
}

/// Whoever is named has the result.
fn are_held(truth: &Truth, event: &Event) -> Result<(), String> {
    let Event::Job(JobEvent::Replayed { execution, replay, holders }) = event else {
        return Ok(());
    };
    let result = replay.claim.manifest.result;
    let mut named = holders.iter().filter_map(|node| truth.place(*node));
    match named.find(|at| !truth.hosts[*at].content.holds(&result)) {
        Some(at) => Err(format!("h{at} is named for {execution:?} and has it not")),
        None if holders.is_empty() => Err(format!("nobody has {execution:?}")),
        None => Ok(()),
    }
}

fn replayed(
    truth: &Truth,
    at: HostNo,
    execution: &Execution,
    replay: &Replay,
) -> Result<(), String> {
    let Replay { origin, claim, .. } = replay;
    let job = execution.slot.job;
    let asked = truth.level(job);
    if !origin.level.is_at_least(&asked) {
        return Err(format!("asked {asked}, and was answered with {}", origin.level));
    }
    if truth.work(job).is_some_and(|work| work.job.context.fresh) {
        return Err("it was to run".to_owned());
    }
    let banned = truth.hosts[at].shadow().into_iter().flat_map(Requester::banned);
    if let Some(node) = banned.into_iter().find(|node| origin.voters.contains(node)) {
        return Err(format!("{node:?} was caught, and is believed"));
    }
    let body = &origin.verdict.body;
    let quorum = body.level.quorum().map_or(2, |quorum| quorum.equal as usize);
    if is_wrong(body) && truth.colluders() < quorum {
        return Err(format!("{:?} with {} colluders", body.decision, truth.colluders()));
    }
    match claim.receipt.body.task == body.task {
        true => Ok(()),
        false => Err(format!("the answer to {} for {}", claim.receipt.body.task, body.task)),
    }
}

/// Nobody else does the same work, checked as hard, as a job begins.
fn runs_alone(core: &Requester, id: JobId) -> Result<(), String> {
    let Some(log) = core.log(id).filter(|log| may_wait(log)) else { return Ok(()) };
    let asked = log.view.job.context.verification;
    let task = task_of(log);
    let is_equal = |other: &&JobLog| {
        let view = &other.view;
        let (mine, theirs) = (&log.view.job.context, &view.job.context);
        let level = theirs.verification;
        view.job.id != id
            && theirs.constraints == mine.constraints
            && theirs.resources == mine.resources
            && task.is_some()
            && task_of(other) == task
            && matches!(level, Verification::Quorum(_))
            && level.is_at_least(&asked)
            && is_rememberable(other)
            && other.has_begun()
            && matches!(view.state, JobState::Bidding | JobState::Running)
    };
    match core.durable().into_values().find(is_equal) {
        Some(other) => Err(format!("it runs beside {:?}, which does the same", other.view.job.id)),
        None => Ok(()),
    }
}

fn task_of(log: &JobLog) -> Option<gadus_model::Cid> {
    log.task_of((0, 0))?.cid().ok()
}

fn may_wait(log: &JobLog) -> bool {
    let context = &log.view.job.context;
    is_rememberable(log)
        && !context.fresh
        && context.verification.is_sealed()
        && log.view.executions.is_empty()
        && log.queued_since.is_none()
}

fn is_rememberable(log: &JobLog) -> bool {
    let job = &log.view.job;
    job.context.class == Class::Pure
        && matches!(job.kind.placement, Placement::Ranked { .. })
        && !job.context.publisher.is_external()
        && !matches!(job.context.durability, Durability::Replicas(_))
}
