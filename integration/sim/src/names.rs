//! Short names for what the trace and the coverage speak of.

use gadus_model::event::{ComputeEvent, Event, JobEvent, Record, TrustEvent};
use gadus_model::{Execution, JobId};
use gadus_protocol::{Effect, compute, requester};

/// The name of an event's kind.
#[must_use]
pub fn event_kind(event: &Event) -> &'static str {
    match event {
        Event::Job(event) => match event {
            JobEvent::Submitted { .. } => "submitted",
            JobEvent::Announced { .. } => "announced",
            JobEvent::Queued { .. } => "queued",
            JobEvent::ImagePinned { .. } => "image_pinned",
            JobEvent::Placed { .. } => "placed",
            JobEvent::Awarded { .. } => "awarded",
            JobEvent::Granted { .. } => "granted",
            JobEvent::Refused { .. } => "refused",
            JobEvent::Accepted { .. } => "accepted",
            JobEvent::Rejected { .. } => "rejected",
            JobEvent::Published { .. } => "published",
            JobEvent::Failed { .. } => "failed",
            JobEvent::Lost { .. } => "lost",
            JobEvent::Cancelled { .. } => "cancelled",
            JobEvent::BackedOff { .. } => "backed_off",
            JobEvent::Deferred { .. } => "deferred",
            JobEvent::Replayed { .. } => "replayed",
            JobEvent::Drawn { .. } => "drawn",
            JobEvent::Committed { .. } => "committed",
            JobEvent::Closed { .. } => "closed",
            JobEvent::Revealed { .. } => "revealed",
            JobEvent::Faulted { .. } => "faulted",
            JobEvent::Escalated { .. } => "escalated",
            JobEvent::Judged { .. } => "judged",
            JobEvent::Ended { .. } => "ended",
            JobEvent::Snapshot { .. } => "snapshot",
        },
        Event::Compute(event) => match event {
            ComputeEvent::Granted { .. } => "compute_granted",
            ComputeEvent::Finished { .. } => "compute_finished",
            ComputeEvent::Sealed { .. } => "compute_sealed",
            ComputeEvent::Failed { .. } => "compute_failed",
            ComputeEvent::Accepted { .. } => "compute_accepted",
            ComputeEvent::Released { .. } => "compute_released",
            ComputeEvent::Snapshot { .. } => "compute_snapshot",
        },
        Event::Trust(event) => match event {
            TrustEvent::Counted { .. } => "counted",
            TrustEvent::Set { .. } => "trust_set",
            TrustEvent::Snapshot { .. } => "trust_snapshot",
        },
    }
}

/// The execution that a record is about.
#[must_use]
pub fn execution_of(record: &Record) -> Option<&Execution> {
    match &record.body {
        Event::Job(event) => event.execution(),
        Event::Compute(event) => Some(match event {
            ComputeEvent::Granted { award, .. } => &award.execution,
            ComputeEvent::Finished { execution, .. }
            | ComputeEvent::Failed { execution, .. }
            | ComputeEvent::Accepted { execution }
            | ComputeEvent::Released { execution, .. }
            | ComputeEvent::Sealed { execution, .. }
            | ComputeEvent::Snapshot { execution, .. } => execution,
        }),
        Event::Trust(_) => None,
    }
}

/// A number for a job, for hashing.
#[must_use]
pub fn job_number(job: JobId) -> u64 {
    u64::try_from(job.0.as_u128() >> 96).unwrap_or(0)
}

/// A number for an execution, for hashing.
#[must_use]
pub fn execution_number(execution: &Execution) -> u64 {
    let seat = u64::from(execution.slot.partition) << 16 | u64::from(execution.slot.replica);
    job_number(execution.slot.job) << 40 ^ seat << 8 ^ u64::from(execution.epoch.n)
}

/// The name of a requester's input.
#[must_use]
pub fn requester_input(input: &requester::Input) -> &'static str {
    match input {
        requester::Input::Submit { .. } => "submit",
        requester::Input::Stop { .. } => "stop",
        requester::Input::Message { message, .. } => message.body.kind(),
        requester::Input::Up { .. } => "up",
        requester::Input::Down(_) => "down",
        requester::Input::ImageResolved { .. } => "image_resolved",
        requester::Input::Kept { .. } => "kept",
        requester::Input::Recalled { .. } => "recalled",
        requester::Input::Ban { .. } => "ban",
        requester::Input::Tick => "tick",
    }
}

/// The name of a compute node's input.
#[must_use]
pub fn compute_input(input: &compute::Input) -> &'static str {
    match input {
        compute::Input::Announced { .. } => "announced",
        compute::Input::Filled { .. } => "filled_heard",
        compute::Input::Message { message, .. } => message.body.kind(),
        compute::Input::Up(_) => "up",
        compute::Input::Down(_) => "down",
        compute::Input::Info(_) => "info",
        compute::Input::Finished { .. } => "finished",
        compute::Input::Failed { .. } => "run_failed",
        compute::Input::Killed { .. } => "killed",
        compute::Input::Promoted { .. } => "promoted",
        compute::Input::Placed { .. } => "placed_outside",
        compute::Input::Kept { .. } => "kept_here",
        compute::Input::Tick => "tick",
    }
}

/// The name of an effect.
#[must_use]
pub fn effect(effect: &Effect) -> &'static str {
    match effect {
        Effect::Send { message, .. } => message.body.kind(),
        Effect::Gossip(_) => "gossip",
        Effect::GossipFilled(_) => "gossip_filled",
        Effect::ResolveImage { .. } => "resolve_image",
        Effect::Recall(_) => "recall",
        Effect::Keep { .. } => "keep",
        Effect::Fold(_) => "fold",
        Effect::Changed(_) => "changed",
        Effect::Start { .. } => "start",
        Effect::Kill { .. } => "kill",
        Effect::Promote { .. } => "promote",
        Effect::Publish { .. } => "publish",
        Effect::Disclose { .. } => "disclose",
        Effect::Forget { .. } => "forget",
    }
}
