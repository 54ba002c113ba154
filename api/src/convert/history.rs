//! What happened to a job, in Bacalhau's topics and words.

use std::collections::BTreeMap;

use gadus_model::event::{JobEvent, Stamped};
use gadus_model::view::JobView;
use gadus_model::{Execution, Failure, FailureKind, JobId, JobState, Placement, Plan, Time};

use super::times::{go_duration_ms, rfc3339};
use crate::types::{HistoryEvent, JobHistory};

/// The history, oldest first. Its numbers are places in this list, and stay as more is added.
#[must_use]
pub fn history(view: &JobView) -> Vec<JobHistory> {
    let mut writer = Writer { view, running: false, items: Vec::new() };
    writer.push((view.created_at, view.job.version), None, entry("Submission", "Job submitted"));
    for stamped in &view.history {
        writer.write(stamped);
    }
    writer.items
}

struct Writer<'a> {
    view: &'a JobView,
    running: bool,
    items: Vec<JobHistory>,
}

/// An entry as it is worded.
struct Entry {
    topic: &'static str,
    message: String,
    details: BTreeMap<String, String>,
}

fn entry(topic: &'static str, message: impl Into<String>) -> Entry {
    Entry { topic, message: message.into(), details: BTreeMap::new() }
}

impl Entry {
    fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// A failure's facts.
    fn with_failure(self, failure: &Failure) -> Self {
        let entry =
            self.with("IsError", "true").with("Retryable", failure.kind.is_retryable().to_string());
        match &failure.hint {
            Some(hint) => entry.with("Hint", hint.as_str()),
            None => entry,
        }
    }
}

impl Writer<'_> {
    fn write(&mut self, stamped: &Stamped) {
        let about = stamped.event.execution();
        if let JobEvent::Ended { state, message } = &stamped.event {
            return self.ended(stamped, *state, message);
        }
        // The first grant is what makes the job run.
        let grant = matches!(stamped.event, JobEvent::Granted { .. });
        if grant && !std::mem::replace(&mut self.running, true) {
            self.push((stamped.at, stamped.version), None, state_update(JobState::Running));
        }
        if let Some(entry) = self.word(&stamped.event) {
            self.push((stamped.at, stamped.version), about, entry);
        }
    }

    /// The words for an event that is one entry.
    fn word(&self, event: &JobEvent) -> Option<Entry> {
        Some(match event {
            JobEvent::Announced { round } => {
                entry("Scheduling", format!("Announced to the network, round {round}"))
            }
            JobEvent::Queued { plan } => {
                entry("Queueing", format!("Job queued. {}", self.not_enough(plan)))
            }
            JobEvent::ImagePinned { digest } => {
                entry("Scheduling", format!("Image pinned to {digest}"))
            }
            JobEvent::Placed { nodes } => {
                entry("Scheduling", format!("Placed on all {} matching nodes", nodes.len()))
            }
            JobEvent::Awarded { node, .. } => {
                entry("Scheduling", format!("Requested execution on {}", node.short()))
                    .with("NodeID", node.to_string())
            }
            JobEvent::Refused { reason, .. } => {
                entry("Scheduling", format!("The node {reason}")).with("Reason", reason.to_string())
            }
            JobEvent::Accepted { .. } => entry("Publishing Results", "Result accepted"),
            JobEvent::Rejected { why, .. } => {
                entry("Execution", format!("Result rejected: {why}")).with("Reason", why)
            }
            JobEvent::Published { .. } => entry("Execution", "Completed successfully"),
            JobEvent::Failed { failure, .. } => self.failed(failure),
            JobEvent::Lost { why, .. } => {
                entry("Scheduling", "Execution stop requested because node has disappeared")
                    .with("Reason", why)
            }
            JobEvent::Cancelled { .. } => {
                entry("Scheduling", "Execution stop requested because job has been stopped")
            }
            JobEvent::BackedOff { ms } => {
                let wait = go_duration_ms(i64::try_from(*ms).unwrap_or(i64::MAX));
                entry("Scheduling", format!("Next attempt in {wait}"))
            }
            JobEvent::Granted { .. } => entry("Execution", "Running"),
            JobEvent::Drawn { record, .. } => entry(
                "Verification",
                format!("Drew {} of {} bidders", record.drawn.len(), record.candidates.len()),
            ),
            JobEvent::Committed { .. } => entry("Verification", "Committed to an answer"),
            JobEvent::Closed { close, .. } => entry(
                "Verification",
                format!("Closed round {} with {} answers", close.body.round, close.body.set.len()),
            ),
            JobEvent::Revealed { reveal, .. } => {
                let manifest = reveal.receipt.body.manifest.to_string();
                entry("Verification", "Revealed its answer").with("ManifestCID", manifest)
            }
            JobEvent::Faulted { why, .. } => {
                entry("Verification", format!("Answer not revealed: {why}")).with("Reason", why)
            }
            JobEvent::Escalated { stage, seats, .. } => {
                entry("Verification", format!("Called in {}, seats: {seats}", stage.as_str()))
            }
            JobEvent::Judged { verdict, .. } => {
                entry("Verification", format!("Verdict: {}", verdict.body.decision.word()))
            }
            JobEvent::Deferred { to } => {
                entry("Queueing", format!("Waits for {to}, which does the same work"))
            }
            JobEvent::Replayed { replay, .. } => replayed(replay.origin.job),
            JobEvent::Submitted { .. } | JobEvent::Ended { .. } | JobEvent::Snapshot { .. } => {
                return None;
            }
        })
    }

    fn failed(&self, failure: &Failure) -> Entry {
        let entry = if failure.kind == FailureKind::Timeout {
            let limit = self.view.job.context.timeouts.execution_ms.unwrap_or_default();
            let limit = go_duration_ms(i64::try_from(limit).unwrap_or(i64::MAX));
            entry(
                "Exec Timeout",
                format!("Execution timed out. Execution took longer than {limit}"),
            )
        } else {
            entry("Execution", failure.message.as_str())
        };
        entry.with_failure(failure)
    }

    fn not_enough(&self, plan: &Plan) -> String {
        let wanted = match self.view.job.kind.placement {
            Placement::Ranked { count } => count,
            Placement::EveryMatch => 0,
        };
        let seats = self.view.job.context.verification.seats();
        plan.not_enough_nodes(wanted.saturating_mul(seats))
    }

    /// The reason, if there is one, and the new state.
    fn ended(&mut self, stamped: &Stamped, state: JobState, message: &str) {
        let reason = match state {
            JobState::Stopped => {
                let stop = entry("Scheduling", "Job requested to stop before completion");
                Some(if message.is_empty() { stop } else { stop.with("Reason", message) })
            }
            _ if message.is_empty() => None,
            JobState::Failed => Some(entry("Scheduling", message).with("IsError", "true")),
            JobState::Submitted
            | JobState::Bidding
            | JobState::Queued
            | JobState::Running
            | JobState::Completed => Some(entry("Scheduling", message)),
        };
        if let Some(reason) = reason {
            self.push((stamped.at, stamped.version), None, reason);
        }
        self.push((stamped.at, stamped.version), None, state_update(state));
    }

    fn push(&mut self, (at, version): (Time, u32), execution: Option<&Execution>, entry: Entry) {
        let time = rfc3339(at);
        let kind = if execution.is_some() { "ExecutionLevel" } else { "JobLevel" };
        self.items.push(JobHistory {
            seq_num: self.items.len() as u64 + 1,
            kind: kind.to_owned(),
            job_id: self.view.job.id.to_string(),
            job_version: u64::from(version),
            execution_id: execution.map(|e| e.id().to_string()).unwrap_or_default(),
            event: HistoryEvent {
                message: entry.message,
                topic: entry.topic.to_owned(),
                timestamp: time.clone(),
                details: entry.details,
            },
            time,
        });
    }
}

fn replayed(from: JobId) -> Entry {
    let from = from.to_string();
    entry("Verification", format!("Answer known from {from}")).with("JobID", from)
}

fn state_update(state: JobState) -> Entry {
    entry("State Update", state.as_str()).with("NewState", state.as_str())
}
