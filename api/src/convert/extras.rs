//! What we tell of an execution beyond Bacalhau.

use gadus_model::view::{ExecutionView, JobView};
use gadus_model::{ExecutionState, Manifest, Outcome, Receipt, Time, Usage};

use super::execution::shown;
use super::plan;
use crate::types::{ExecutionExtras, ManifestInfo, MarksUs, ReceiptInfo, UsageInfo};

/// Who bid and who won, where the time went, and what the node claims.
pub(super) fn extras(view: &JobView, execution: &ExecutionView) -> ExecutionExtras {
    let marks = &execution.marks;
    let us = |time: Option<Time>| time.map(|t| t.0);
    let summary = shown(execution);
    ExecutionExtras {
        state: state_text(execution.state).to_owned(),
        epoch: execution.execution.epoch.n,
        hint: execution.hint.clone().unwrap_or_default(),
        marks_us: MarksUs {
            submitted: view.created_at.0,
            announced: marks.announced_at.0,
            awarded: marks.awarded_at.0,
            granted: us(marks.granted_at),
            committed: us(marks.committed_at),
            revealed: us(marks.revealed_at),
            accepted: us(marks.accepted_at),
            published: us(marks.published_at),
            ended: us(marks.ended_at),
        },
        plan: plan(&execution.plan),
        kept_until_us: us(execution.kept_until(&view.job.context)),
        holders: execution.holders.iter().map(ToString::to_string).collect(),
        warnings: summary.warnings,
        result_bytes: summary.result_bytes,
        replayed_from: execution.origin.as_ref().map(|o| o.job.to_string()).unwrap_or_default(),
        manifest: execution.manifest.as_ref().map(manifest),
        receipt: execution.receipt.as_ref().map(receipt),
    }
}

fn state_text(state: ExecutionState) -> &'static str {
    match state {
        ExecutionState::Awarded => "awarded",
        ExecutionState::Granted => "granted",
        ExecutionState::Refused => "refused",
        ExecutionState::Proposed => "proposed",
        ExecutionState::Accepted => "accepted",
        ExecutionState::Published => "published",
        ExecutionState::Committed => "committed",
        ExecutionState::Revealed => "revealed",
        ExecutionState::Faulted => "faulted",
        ExecutionState::Rejected => "rejected",
        ExecutionState::Failed => "failed",
        ExecutionState::Lost => "lost",
        ExecutionState::Cancelled => "cancelled",
    }
}

fn manifest(manifest: &Manifest) -> ManifestInfo {
    let (outcome, trap) = match &manifest.outcome {
        Outcome::Exit(_) => ("exit", String::new()),
        Outcome::Trap(code) => ("trap", code.clone()),
        Outcome::OutOfFuel => ("out of fuel", String::new()),
    };
    ManifestInfo {
        cid: manifest.cid().map(|cid| cid.to_string()).unwrap_or_default(),
        outcome: outcome.to_owned(),
        trap,
        result: manifest.result.to_string(),
        stdout: manifest.stdout.to_string(),
        stderr: manifest.stderr.to_string(),
    }
}

fn receipt(receipt: &Receipt) -> ReceiptInfo {
    let body = &receipt.body;
    ReceiptInfo {
        task: body.task.to_string(),
        manifest: body.manifest.to_string(),
        engine: body.engine.clone(),
        profile: body.profile.clone(),
        node: body.node.to_string(),
        usage: usage(&body.usage),
        signature: hex::encode(&receipt.signature),
    }
}

fn usage(usage: &Usage) -> UsageInfo {
    UsageInfo {
        fetch_us: usage.fetch_us,
        prepare_us: usage.prepare_us,
        run_us: usage.run_us,
        store_us: usage.store_us,
        fetched_bytes: usage.fetched_bytes,
        fuel: usage.fuel,
        memory_peak_bytes: usage.memory_peak_bytes,
    }
}
