//! Checking a job's answers.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::TryStreamExt;
use gadus_auth::verify_receipt;
use gadus_model::{
    Answer, Bundle, Cid, Claim, Manifest, Proof, Receipt, Replay, ResultSummary, Task,
};
use gadus_ports::{Content, ContentError, Node};

use crate::verdict::About;
use crate::{Judged, ProofError, record};

/// An answer of which everything holds, whoever is trusted.
#[derive(Debug)]
pub struct Checked {
    /// The CIDs of its records.
    pub answer: Answer,
    /// What it came to.
    pub manifest: Manifest,
    /// The word of the node whose answer it is.
    pub receipt: Receipt,
    /// What several nodes came to; absent where nobody else was asked.
    pub judged: Option<Judged>,
}

impl Checked {
    /// What can be remembered of it, by a verdict; none where nobody else was asked, and where the
    /// answer is a referee's own.
    #[must_use]
    pub fn replay(&self, summary: ResultSummary) -> Option<Replay> {
        let judged = self.judged.as_ref()?;
        let reveal = judged.reveals().iter().find(|reveal| reveal.receipt == self.receipt)?;
        let (manifest, receipt) = (self.manifest.clone(), self.receipt.clone());
        let claim = Claim { manifest, receipt, summary };
        let mut replay = judged.sealed().replay(&reveal.execution, claim)?;
        replay.origin.proof = self.answer.verdict;
        Some(replay)
    }
}

/// Checks a bundle of at most `answers_max` answers, and hands each of them to `take`, in their
/// order. It takes as long as the records and the inner blocks of results are large: no task, and so
/// no verdict, is looked at twice, and no result is.
///
/// # Errors
/// `Forged` for the first thing that does not hold; `TooMany`, `Unreadable`.
pub async fn read_bundle(
    content: &dyn Content,
    root: &Cid,
    answers_max: usize,
    mut take: impl FnMut(Checked) + Send,
) -> Result<Bundle, ProofError> {
    let bundle: Bundle = record(content, root, "the bundle").await?;
    let found = bundle.answers.len();
    if found == 0 {
        return Err(ProofError::forged("the bundle", "it has no answer"));
    }
    if found > answers_max {
        return Err(ProofError::TooMany { found, max: answers_max });
    }
    let (mut tasks, mut results) = (BTreeSet::new(), BTreeSet::new());
    for answer in &bundle.answers {
        if !tasks.insert(answer.task) {
            let why = format!("it answers task {} twice", answer.task);
            return Err(ProofError::forged("the bundle", why));
        }
        let checked = read_answer(content, &bundle, answer).await?;
        if results.insert(answer.manifest) {
            check_result(content, &checked.manifest).await?;
        }
        take(checked);
    }
    Ok(bundle)
}

/// Checks the one answer of a bundle that is to this task.
///
/// # Errors
/// As [`read_bundle`]; `Forged` where there is none.
pub async fn read_answer_to(
    content: &dyn Content,
    root: &Cid,
    task: &Cid,
) -> Result<Checked, ProofError> {
    let bundle: Bundle = record(content, root, "the bundle").await?;
    let answer = bundle.answers.iter().find(|answer| answer.task == *task);
    let why = || ProofError::forged("the bundle", format!("it does not answer task {task}"));
    let checked = read_answer(content, &bundle, answer.ok_or_else(why)?).await?;
    check_result(content, &checked.manifest).await?;
    Ok(checked)
}

/// One answer: every record is what its CID says, and they speak of each other.
async fn read_answer(
    content: &dyn Content,
    bundle: &Bundle,
    answer: &Answer,
) -> Result<Checked, ProofError> {
    let task: Task = record(content, &answer.task, "the task").await?;
    let manifest: Manifest = record(content, &answer.manifest, "the answer").await?;
    let receipt: Receipt = record(content, &answer.receipt, "the receipt").await?;
    let forged = |why: String| ProofError::forged("the receipt", why);
    verify_receipt(&receipt).map_err(|error| forged(error.to_string()))?;
    let body = &receipt.body;
    if task.cid().ok() != Some(body.task) || body.task != answer.task {
        return Err(forged(format!("it is for task {}", body.task)));
    }
    if body.manifest != answer.manifest {
        return Err(forged(format!("it is for answer {}", body.manifest)));
    }
    let judged = match &answer.verdict {
        Some(cid) => {
            let proof: Proof = record(content, cid, "the verdict's records").await?;
            Some(Judged::read(&proof, task.engine(), &about(bundle, answer))?)
        }
        None => None,
    };
    Ok(Checked { answer: answer.clone(), manifest, receipt, judged })
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
async fn check_result(content: &dyn Content, manifest: &Manifest) -> Result<(), ProofError> {
    let forged = |why: String| ProofError::forged("the result", why);
    let node = content.open(manifest.result, "", None).await;
    let node = node.map_err(|error| ProofError::of_content("the result", error))?;
    let Node::Directory { entries, .. } = node else {
        return Err(forged("it is no directory".to_owned()));
    };
    let named = |name: &str| entries.iter().find(|entry| entry.name == name).map(|e| e.cid);
    for (name, cid) in [("stdout", manifest.stdout), ("stderr", manifest.stderr)] {
        if named(name) != Some(cid) {
            return Err(forged(format!("its {name} is not the answer's, {cid}")));
        }
    }
    let code = manifest.outcome.exit_code().to_string();
    let written = match named("exitCode") {
        Some(cid) => small_file(content, cid).await?,
        None => None,
    };
    if written.as_deref() != Some(code.as_bytes()) {
        return Err(forged(format!("its exitCode is not the answer's, {code}")));
    }
    Ok(())
}

/// A file of a few bytes; none where it is something else.
async fn small_file(content: &dyn Content, cid: Cid) -> Result<Option<Bytes>, ProofError> {
    const BYTES_MAX: u64 = 64;
    let unread = |error| ProofError::of_content("the result", error);
    let node = content.open(cid, "", None).await.map_err(unread)?;
    let Node::File { size, reader, .. } = node else { return Ok(None) };
    if size > BYTES_MAX {
        return Ok(None);
    }
    let parts: Result<Vec<Bytes>, ContentError> = reader.read(0, size).try_collect().await;
    Ok(Some(parts.map_err(unread)?.concat().into()))
}
