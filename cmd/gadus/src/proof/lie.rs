//! Evidence against a node, to a reader and the keys that the reader trusts.

use gadus_model::{Cid, NodeId};
use gadus_proof::{Accusation, read_evidence};
use serde::Serialize;

use super::{CheckedVerdict, Replay, Stop, forged};
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
    replays: Option<Replay>,
) -> Result<CheckedLie, Stop> {
    let accusation = read_evidence(bench.content(), root).await?;
    if let Some(replay) = replays {
        let expected = (accusation.held.accepted, accusation.receipt.body.engine.as_str());
        let differs = |came_to| falls(&accusation, came_to);
        replay.expect(bench, &accusation.evidence.task, expected, differs).await?;
    }
    let Accusation { evidence, receipt, judged, held } = accusation;
    let verdict = CheckedVerdict::of(&judged, held.accepted, trusted);
    Ok(CheckedLie {
        job_id: evidence.job.to_string(),
        accused: evidence.accused.did_key(),
        task_cid: evidence.task.to_string(),
        manifest_cid: receipt.body.manifest.to_string(),
        accepted_cid: held.accepted.to_string(),
        decided_by: held.decided_by.as_str(),
        engine: receipt.body.engine,
        level: if replays.is_some() || verdict.is_verified { PROVEN } else { "unproven" },
        is_replayed: replays.is_some(),
        verdict,
    })
}

/// The task, run here, does not come to what the verdict says: the accusation falls.
fn falls(Accusation { evidence, receipt, held, .. }: &Accusation, came_to: Cid) -> Stop {
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
    forged("the accusation", why)
}
