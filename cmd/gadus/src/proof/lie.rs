//! Checking evidence against a node.

use gadus_auth::verify_receipt;
use gadus_model::{Cid, Evidence, NodeId, Proof, Receipt, Task, codec};
use gadus_protocol::verify::Held;
use serde::Serialize;

use super::verdict::{About, Judged};
use super::{CheckedVerdict, Stop, forged, record, replay};
use crate::workbench::Workbench;

/// A wrong answer that a node signed, of which everything holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CheckedLie {
    /// The job that the verdict is of.
    #[serde(rename = "JobID")]
    pub(crate) job_id: String,
    /// Who signed the wrong answer, as a `did:key`.
    pub(crate) accused: String,
    #[serde(rename = "TaskCID")]
    pub(crate) task_cid: String,
    /// What the accused signed.
    #[serde(rename = "ManifestCID")]
    pub(crate) manifest_cid: String,
    /// What the verdict says that the task comes to.
    #[serde(rename = "AcceptedCID")]
    pub(crate) accepted_cid: String,
    /// `quorum` or `referee`.
    pub(crate) decided_by: &'static str,
    pub(crate) engine: String,
    /// `proven`: whom the reader trusts came to the other answer, or this machine did. `unproven`: those who did are not
    /// whom the reader trusts.
    pub(crate) level: &'static str,
    /// Whether it was run again here, and came to what the verdict says.
    pub(crate) is_replayed: bool,
    /// What is held against the accused.
    pub(crate) verdict: CheckedVerdict,
}

impl CheckedLie {
    /// Whether the reader need not take it on somebody's word.
    pub(crate) fn is_proven(&self) -> bool {
        self.level == PROVEN
    }
}

const PROVEN: &str = "proven";

/// Checks evidence.
///
/// # Errors
/// As [`super::check`]; and `Forged` where the task, run here, comes to what the accused says.
pub(super) async fn check(
    bench: &Workbench,
    root: &Cid,
    trusted: &[NodeId],
    replays: bool,
) -> Result<CheckedLie, Stop> {
    let content = bench.content();
    let evidence: Evidence = record(content, root, "the evidence").await?;
    let task: Task = record(content, &evidence.task, "the task").await?;
    let receipt = signed(&evidence)?;
    let proof: Proof = record(content, &evidence.proof, "the verdict's records").await?;
    let Evidence { job, version, task: named, .. } = evidence;
    let about = About { job, version: Some(version), task: named, answer: None };
    let judged = Judged::read(&proof, task.engine(), &about)?;
    let held = judged.held_against(&receipt)?;
    if replays {
        replayed(bench, &evidence, &receipt, held).await?;
    }
    let verdict = judged.for_reader(held.accepted, trusted);
    Ok(CheckedLie {
        job_id: job.to_string(),
        accused: evidence.accused.did_key(),
        task_cid: evidence.task.to_string(),
        manifest_cid: receipt.body.manifest.to_string(),
        accepted_cid: held.accepted.to_string(),
        decided_by: held.decided_by.as_str(),
        engine: receipt.body.engine,
        level: if replays || verdict.is_verified { PROVEN } else { "unproven" },
        is_replayed: replays,
        verdict,
    })
}

/// What the accused signed, and nobody else.
fn signed(evidence: &Evidence) -> Result<Receipt, Stop> {
    let what = "the accused's receipt";
    let receipt: Receipt = codec::decode_canonical(&evidence.receipt)
        .map_err(|error| forged(what, error.to_string()))?;
    if receipt.body.node != evidence.accused {
        return Err(forged(what, format!("it is one of {}", receipt.body.node.did_key())));
    }
    verify_receipt(&receipt).map_err(|error| forged(what, error.to_string()))?;
    Ok(receipt)
}

/// Runs the task: it comes to what the verdict says, or the accusation falls.
async fn replayed(
    bench: &Workbench,
    evidence: &Evidence,
    receipt: &Receipt,
    held: Held,
) -> Result<(), Stop> {
    let came_to = replay::replay(bench, &evidence.task).await?;
    if came_to == held.accepted {
        return Ok(());
    }
    let key = evidence.accused.did_key();
    let why = match came_to == receipt.body.manifest {
        true => format!(
            "run here, the task comes to {came_to}, as {key} says: it was right, and who contradicts \
             it was not"
        ),
        false => format!(
            "run here, the task comes to {came_to}: neither to {} nor to what {key} says",
            held.accepted
        ),
    };
    Err(forged("the accusation", why))
}
