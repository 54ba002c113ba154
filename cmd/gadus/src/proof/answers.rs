//! A job's answers, to a reader and the keys that the reader trusts.

use gadus_model::{Answer, Cid, NodeId};
use gadus_proof::read_bundle;
use serde::Serialize;

use super::{CheckedVerdict, Replay, Stop, forged, outcome};
use crate::workbench::Workbench;

/// Answers of which everything holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Checked {
    /// The job, by the word of whoever made the bundle.
    #[serde(rename = "JobID")]
    pub(crate) job_id: String,
    /// One for each.
    pub(crate) answers: Vec<CheckedAnswer>,
}

/// An answer of which everything holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CheckedAnswer {
    #[serde(rename = "TaskCID")]
    pub(crate) task_cid: String,
    #[serde(rename = "ManifestCID")]
    pub(crate) manifest_cid: String,
    #[serde(rename = "ResultCID")]
    pub(crate) result_cid: String,
    /// `exit 0`, `trap: unreachable`, `out of fuel`.
    pub(crate) outcome: String,
    pub(crate) engine: String,
    /// Whose word it is, as a `did:key`.
    pub(crate) issuer: String,
    /// Whether the reader said that it trusts that key.
    pub(crate) is_trusted: bool,
    /// `verified`: enough nodes whom the reader trusts came to it, or this machine did. `unverified`: there is a verdict,
    /// and not enough of them. `attested`: nobody else computed it.
    pub(crate) level: &'static str,
    /// Whether it was run again here, and came to the same.
    pub(crate) is_replayed: bool,
    /// The job that it was checked for, where this one had it from that.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) known_from: String,
    /// What several nodes came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verdict: Option<CheckedVerdict>,
}

impl Checked {
    /// Whether the reader need not take any answer on somebody's word.
    pub(crate) fn is_verified(&self) -> bool {
        self.answers.iter().all(|answer| answer.level == VERIFIED)
    }
}

const VERIFIED: &str = "verified";

/// Checks a bundle.
///
/// # Errors
/// As [`super::check`].
pub(super) async fn check(
    bench: &Workbench,
    root: &Cid,
    trusted: &[NodeId],
    replays: Option<Replay>,
) -> Result<Checked, Stop> {
    let mut answers = Vec::new();
    let take = |checked| answers.push(CheckedAnswer::of(&checked, trusted));
    let bundle = read_bundle(bench.content(), root, usize::MAX, take).await?;
    if let Some(replay) = replays {
        for (answer, told) in bundle.answers.iter().zip(&mut answers) {
            let expected = (answer.manifest, told.engine.as_str());
            let differs = |came_to| differs(answer, came_to);
            replay.expect(bench, &answer.task, expected, differs).await?;
            told.level = VERIFIED;
            told.is_replayed = true;
        }
    }
    Ok(Checked { job_id: bundle.job.to_string(), answers })
}

fn differs(answer: &Answer, came_to: Cid) -> Stop {
    let why = format!("run here, the task comes to {came_to} instead of {}", answer.manifest);
    forged("the answer", why)
}

impl CheckedAnswer {
    fn of(checked: &gadus_proof::Checked, trusted: &[NodeId]) -> Self {
        let gadus_proof::Checked { answer, manifest, receipt, judged, .. } = checked;
        let body = &receipt.body;
        let verdict =
            judged.as_ref().map(|judged| CheckedVerdict::of(judged, answer.manifest, trusted));
        Self {
            task_cid: answer.task.to_string(),
            manifest_cid: answer.manifest.to_string(),
            result_cid: manifest.result.to_string(),
            outcome: outcome(&manifest.outcome),
            engine: body.engine.clone(),
            issuer: body.node.did_key(),
            is_trusted: trusted.contains(&body.node),
            level: match &verdict {
                Some(verdict) if verdict.is_verified => VERIFIED,
                Some(_) => "unverified",
                None => "attested",
            },
            is_replayed: false,
            known_from: answer.origin.map(|job| job.to_string()).unwrap_or_default(),
            verdict,
        }
    }
}
