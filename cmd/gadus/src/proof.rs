//! Checking what `gadus receipt get` wrote, without any network: blocks against their CIDs, records
//! against each other, signatures against keys.

mod replay;
mod verdict;

use std::path::Path;

use bytes::Bytes;
use futures::TryStreamExt;
use gadus_auth::verify_receipt;
use gadus_data::EmbeddedContent;
use gadus_model::{Answer, Bundle, Cid, Manifest, NodeId, Outcome, Proof, Receipt, Task, codec};
use gadus_ports::{CarPart, Content, ContentError, Node};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncReadExt as _;

pub(crate) use self::verdict::CheckedVerdict;
use crate::failure::Failure;
use crate::workbench::{Workbench, open, unreadable};

/// What is not as it should be: somebody changed it, or made it up.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub(crate) struct Forged {
    /// Which part.
    pub(crate) what: String,
    /// What does not hold.
    pub(crate) why: String,
}

/// Why a check came to no end, or to a bad one.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something does not hold.
    Forged(Forged),
    /// It could not be checked.
    Trouble(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Trouble(failure)
    }
}

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

/// Checks a bundle, in a store of its own that is gone afterwards; with `replays`, each function is
/// run again.
///
/// # Errors
/// `Forged` for the first thing that does not hold, `Trouble` for what could not be read.
pub(crate) async fn check(file: &Path, trusted: &[NodeId], replays: bool) -> Result<Checked, Stop> {
    let bench = Workbench::open("verify")?;
    let content = bench.content();
    let file = bench.on_disk(file).await?;
    let root = import(&bench, &file).await?;
    same_bytes(content, root, &file).await?;
    let bundle: Bundle = record(content, &root, "the bundle").await?;
    if bundle.answers.is_empty() {
        return Err(forged("the bundle", "it has no answer"));
    }
    let mut answers = Vec::new();
    for answer in &bundle.answers {
        answers.push(checked(content, &bundle, answer, trusted).await?);
    }
    if replays {
        for (answer, told) in bundle.answers.iter().zip(&mut answers) {
            replay::replay(&bench, answer).await?;
            told.level = VERIFIED;
            told.is_replayed = true;
        }
    }
    Ok(Checked { job_id: bundle.job.to_string(), answers })
}

async fn import(bench: &Workbench, file: &Path) -> Result<Cid, Stop> {
    let imported = bench.import_car(file).await.map_err(|error| match error {
        Ok(failure) => Stop::Trouble(failure),
        Err(error) => of_content("the CAR", &error),
    })?;
    match imported.roots.as_slice() {
        [root] => Ok(*root),
        roots => Err(forged("the CAR", format!("it has {} roots instead of one", roots.len()))),
    }
}

/// The file is what exporting its root gives: whatever else was in it, or in other words, would be
/// something that nobody looks at.
async fn same_bytes(content: &EmbeddedContent, root: Cid, file: &Path) -> Result<(), Stop> {
    let what = "the CAR";
    let part = CarPart::default();
    let car = content.export_car(root, "", part, None).await;
    let mut car = car.map_err(|error| of_content(what, &error))?;
    let mut file = open(file).await?;
    let mut read = Vec::new();
    while let Some(chunk) = car.try_next().await.map_err(|error| of_content(what, &error))? {
        read.resize(chunk.len(), 0);
        let same = file.read_exact(&mut read).await.is_ok() && read == chunk;
        if !same {
            return Err(other_form());
        }
    }
    match file.read(&mut [0]).await {
        Ok(0) => Ok(()),
        Ok(_) | Err(_) => Err(other_form()),
    }
}

fn other_form() -> Stop {
    let why = "it is not in the one form of such a file: the blocks below its root, depth first, \
               each once, and nothing else";
    forged("the CAR", why)
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
            Some(verdict::check(&proof, bundle, answer, task.engine(), trusted)?)
        }
        None => None,
    };
    result(content, &manifest).await?;
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
        verdict,
    })
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

/// A record, in its one form.
async fn record<T: DeserializeOwned + Serialize>(
    content: &dyn Content,
    cid: &Cid,
    what: &str,
) -> Result<T, Stop> {
    let block = content.block(cid, None).await.map_err(|error| of_content(what, &error))?;
    let block = block.ok_or_else(|| forged(what, format!("block {cid} is not there")))?;
    codec::decode_canonical(&block).map_err(|error| forged(what, error.to_string()))
}

/// For people, without a line break.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exit(code) => format!("exit {code}"),
        Outcome::Trap(trap) => format!("trap: {}", crate::render::plain(trap)),
        Outcome::OutOfFuel => "out of fuel".to_owned(),
    }
}

fn forged(what: impl Into<String>, why: impl Into<String>) -> Stop {
    Stop::Forged(Forged { what: what.into(), why: why.into() })
}

/// What the content store says: of the bytes, or of this machine.
fn of_content(what: &str, error: &ContentError) -> Stop {
    match error {
        ContentError::Missing { cid, .. } => forged(what, format!("block {cid} is not there")),
        ContentError::HashMismatch { .. }
        | ContentError::BlockTooBig { .. }
        | ContentError::Malformed { .. }
        | ContentError::UnsafeName { .. }
        | ContentError::NoSuchPath { .. }
        | ContentError::UnsafeOutput { .. }
        | ContentError::TooMuchOutput { .. } => forged(what, error.to_string()),
        ContentError::Full { .. } | ContentError::Io { .. } => {
            Stop::Trouble(unreadable(what, error))
        }
    }
}
