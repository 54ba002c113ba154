//! No job is announced while one of its class waits that came before it.

use gadus_model::event::{Event, JobEvent};
use gadus_model::{Constraint, Engine, Job, Network, Resources, Time};
use gadus_protocol::requester::JobLog;

use crate::seen::{Invariant, Seen, Truth};

pub(super) struct Fairness;

/// A waiting job whose backoff has only just ended may not have been looked at yet, in microseconds.
const SLACK_US: u64 = 10_000;

type Class<'a> = (Option<Engine>, u32, Resources, &'a [Constraint], Network, Option<String>);

fn class(job: &Job) -> Class<'_> {
    let context = &job.context;
    let engine = job.task().map(|(_, task)| task.engine());
    let publisher = context.publisher.required();
    let seats = context.verification.seats();
    (engine, seats, context.resources, &context.constraints, context.network, publisher)
}

fn place(log: &JobLog) -> (std::cmp::Reverse<i64>, Time, gadus_model::JobId) {
    let job = &log.view.job;
    (std::cmp::Reverse(job.priority), log.view.created_at, job.id)
}

impl Invariant for Fairness {
    fn name(&self) -> &'static str {
        "fairness"
    }

    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Decided { host, record, .. } = seen else { return Ok(()) };
        let Event::Job(JobEvent::Announced { .. }) = &record.body else { return Ok(()) };
        let now = truth.local(*host);
        let shadow = truth.hosts[*host].requester.alive.as_ref().map(|alive| &alive.shadow);
        let Some(core) = shadow else { return Ok(()) };
        let Some(mine) = core.log(record.job) else { return Ok(()) };
        // Who waits for certain nodes is in no line.
        if mine.is_escalated() {
            return Ok(());
        }
        let rest = Time(now.0.saturating_sub(SLACK_US));
        let earlier = core.durable().into_values().find(|other| {
            other.waits
                && !other.view.state.is_terminal()
                && !other.is_escalated()
                && (other.is_unplaced() || !other.seats.open().is_empty())
                && other.backoff_until < rest
                && class(&other.view.job) == class(&mine.view.job)
                && place(other) < place(mine)
        });
        match earlier {
            None => Ok(()),
            Some(other) => Err(format!(
                "h{host} announces {:?} while {:?} waits",
                record.job, other.view.job.id
            )),
        }
    }
}
