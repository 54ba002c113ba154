//! Checking a job's answers.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::TryStreamExt;
use gadus_auth::verify_receipt;
use gadus_data::EmbeddedContent;
use gadus_model::{Answer, Bundle, Cid, Manifest, NodeId, Proof, Receipt, Task};
use gadus_ports::{Content, ContentError, Node};
use serde::Serialize;

use super::verdict::{About, Judged};
use super::{CheckedVerdict, Stop, forged, of_content, outcome, record, replay};
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

/// Checks a bundle. It takes as long as the file is large: no task, and so no verdict, is looked at
/// twice, and no result is.
///
/// # Errors
/// As [`super::check`].
pub(super) async fn check(
    bench: &Workbench,
    root: &Cid,
    trusted: &[NodeId],
    replays: bool,
) -> Result<Checked, Stop> {
    let content = bench.content();
    let bundle: Bundle = record(content, root, "the bundle").await?;
    if bundle.answers.is_empty() {
        return Err(forged("the bundle", "it has no answer"));
    }
    let (mut tasks, mut manifests, mut answers) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for answer in &bundle.answers {
        if !tasks.insert(answer.task) {
            return Err(forged("the bundle", format!("it answers task {} twice", answer.task)));
        }
        answers.push(checked(content, &bundle, answer, trusted).await?);
        if manifests.insert(answer.manifest) {
            let manifest: Manifest = record(content, &answer.manifest, "the answer").await?;
            result(content, &manifest).await?;
        }
    }
    if replays {
        for (answer, told) in bundle.answers.iter().zip(&mut answers) {
            replayed(bench, answer).await?;
            told.level = VERIFIED;
            told.is_replayed = true;
        }
    }
    Ok(Checked { job_id: bundle.job.to_string(), answers })
}

/// Runs an answer's task, and compares.
async fn replayed(bench: &Workbench, answer: &Answer) -> Result<(), Stop> {
    let came_to = replay::replay(bench, &answer.task).await?;
    if came_to != answer.manifest {
        let why = format!("run here, the task comes to {came_to} instead of {}", answer.manifest);
        return Err(forged("the answer", why));
    }
    Ok(())
}

/// One answer: every record is what its CID says, and they speak of each other.
async fn checked(
    content: &EmbeddedContent,
    bundle: &Bundle,
    answer: &Answer,
    trusted: &[NodeId],
) -> Result<CheckedAnswer, Stop> {
    let task: Task = record(content, &answer.task, "the task").await?;
    let manifest: Manifest = record(content, &answer.manifest, "the answer").await?;
    let receipt: Receipt = record(content, &answer.receipt, "the receipt").await?;
    let body = &receipt.body;
    let signed = verify_receipt(&receipt);
    signed.map_err(|error| forged("the receipt", error.to_string()))?;
    if task.cid().ok() != Some(body.task) || body.task != answer.task {
        return Err(forged("the receipt", format!("it is for task {}", body.task)));
    }
    if body.manifest != answer.manifest {
        return Err(forged("the receipt", format!("it is for answer {}", body.manifest)));
    }
    let verdict = match &answer.verdict {
        Some(cid) => {
            let proof: Proof = record(content, cid, "the verdict's records").await?;
            let judged = Judged::read(&proof, task.engine(), &about(bundle, answer))?;
            Some(judged.for_reader(answer.manifest, trusted))
        }
        None => None,
    };
    Ok(CheckedAnswer {
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
    })
}

/// What the verdict over an answer has to be about.
fn about(bundle: &Bundle, answer: &Answer) -> About {
    let (job, version) = match answer.origin {
        Some(origin) => (origin, None),
        None => (bundle.job, Some(bundle.version)),
    };
    About { job, version, task: answer.task, answer: Some(answer.manifest) }
}

/// The result directory has what the manifest says of it.
async fn result(content: &EmbeddedContent, manifest: &Manifest) -> Result<(), Stop> {
    let what = "the result";
    let node = content.open(manifest.result, "", None).await;
    let Node::Directory { entries, .. } = node.map_err(|error| of_content(what, &error))? else {
        return Err(forged(what, "it is no directory"));
    };
    let named = |name: &str| entries.iter().find(|entry| entry.name == name).map(|e| e.cid);
    for (name, cid) in [("stdout", manifest.stdout), ("stderr", manifest.stderr)] {
        if named(name) != Some(cid) {
            return Err(forged(what, format!("its {name} is not the answer's, {cid}")));
        }
    }
    let code = manifest.outcome.exit_code().to_string();
    let written = match named("exitCode") {
        Some(cid) => small_file(content, cid).await?,
        None => None,
    };
    if written.as_deref() != Some(code.as_bytes()) {
        return Err(forged(what, format!("its exitCode is not the answer's, {code}")));
    }
    Ok(())
}

/// A file of a few bytes; none where it is something else.
async fn small_file(content: &EmbeddedContent, cid: Cid) -> Result<Option<Bytes>, Stop> {
    const BYTES_MAX: u64 = 64;
    let node = content.open(cid, "", None).await.map_err(|e| of_content("the result", &e))?;
    let Node::File { size, reader, .. } = node else { return Ok(None) };
    if size > BYTES_MAX {
        return Ok(None);
    }
    let parts: Result<Vec<Bytes>, ContentError> = reader.read(0, size).try_collect().await;
    let parts = parts.map_err(|error| of_content("the result", &error))?;
    Ok(Some(parts.concat().into()))
}
