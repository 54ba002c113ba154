//! Verdicts of other requesters that a person has this one count. Their pins are what is durable:
//! which bundles there are is found from those at every start.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use gadus_model::manifest::SUMMARY_MAX_BYTES;
use gadus_model::{Bundle, Cid, Manifest, Replay, ResultSummary};
use gadus_ports::{Content, ContentError, Node, PinReason};
use gadus_proof::{ProofError, read_answer_to, record};
use parking_lot::RwLock;

/// Bundles that answer one task and are looked at; whoever brings more has enough of them.
const BUNDLES_MAX: usize = 8;

/// Bundles that are counted, by the tasks that they answer.
#[derive(Debug, Default)]
pub(crate) struct Foreign(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    by_task: BTreeMap<Cid, BTreeSet<Cid>>,
    bundles: BTreeMap<Cid, Vec<Cid>>,
}

impl Foreign {
    /// Those that are pinned. One that cannot be read is left out, and told of.
    pub(crate) async fn load(content: &dyn Content) -> Result<Self, ContentError> {
        let foreign = Self::default();
        let pins = content.pins().await?.into_iter();
        for (root, _) in pins.filter(|(_, reason)| *reason == PinReason::Verdict) {
            match record::<Bundle>(content, &root, "the bundle").await {
                Ok(bundle) => foreign.insert(root, checked(&bundle)),
                Err(error) => tracing::warn!(%root, %error, "a verdict cannot be counted"),
            }
        }
        Ok(foreign)
    }

    /// Counts a bundle.
    pub(crate) fn insert(&self, bundle: Cid, tasks: Vec<Cid>) {
        self.remove(&bundle);
        let mut known = self.0.write();
        for task in &tasks {
            known.by_task.entry(*task).or_default().insert(bundle);
        }
        known.bundles.insert(bundle, tasks);
    }

    /// Counts a bundle no longer; whether it was counted.
    pub(crate) fn remove(&self, bundle: &Cid) -> bool {
        let mut known = self.0.write();
        let Some(tasks) = known.bundles.remove(bundle) else { return false };
        for task in tasks {
            if let Some(of_task) = known.by_task.get_mut(&task) {
                of_task.remove(bundle);
                if of_task.is_empty() {
                    known.by_task.remove(&task);
                }
            }
        }
        true
    }

    /// Whether a bundle is counted.
    pub(crate) fn has(&self, bundle: &Cid) -> bool {
        self.0.read().bundles.contains_key(bundle)
    }

    /// Answers of all bundles but one.
    pub(crate) fn answers_beside(&self, bundle: &Cid) -> usize {
        let known = self.0.read();
        let others = known.bundles.iter().filter(|(other, _)| *other != bundle);
        others.map(|(_, tasks)| tasks.len()).sum()
    }

    /// Some bundles with the tasks that they answer, by their CIDs.
    pub(crate) fn page(&self, offset: usize, limit: usize) -> Vec<(Cid, Vec<Cid>)> {
        let known = self.0.read();
        let page = known.bundles.iter().skip(offset).take(limit);
        page.map(|(bundle, tasks)| (*bundle, tasks.clone())).collect()
    }

    /// What is known of a task, each checked again.
    pub(crate) async fn replays(&self, content: &dyn Content, task: &Cid) -> Vec<Replay> {
        let bundles: Vec<Cid> = {
            let known = self.0.read();
            known.by_task.get(task).into_iter().flatten().take(BUNDLES_MAX).copied().collect()
        };
        let mut replays = Vec::new();
        for bundle in bundles {
            match replay(content, &bundle, task).await {
                Ok(replay) => replays.extend(replay),
                Err(error) => tracing::warn!(%bundle, %error, "a verdict cannot be counted"),
            }
        }
        replays
    }
}

/// The tasks of a bundle whose answers were checked by several nodes.
pub(crate) fn checked(bundle: &Bundle) -> Vec<Cid> {
    let checked = bundle.answers.iter().filter(|answer| answer.verdict.is_some());
    checked.map(|answer| answer.task).collect()
}

async fn replay(
    content: &dyn Content,
    bundle: &Cid,
    task: &Cid,
) -> Result<Option<Replay>, ProofError> {
    let checked = read_answer_to(content, bundle, task).await?;
    let summary = summary(content, &checked.manifest).await;
    let summary = summary.map_err(|error| ProofError::of_content("the result", error))?;
    Ok(checked.replay(summary))
}

/// What people see of a result that was made elsewhere.
async fn summary(
    content: &dyn Content,
    manifest: &Manifest,
) -> Result<ResultSummary, ContentError> {
    let (stdout, stdout_truncated) = head(content, manifest.stdout).await?;
    let (stderr, stderr_truncated) = head(content, manifest.stderr).await?;
    let error = manifest.outcome.error().to_owned();
    let summary = ResultSummary {
        stdout,
        stdout_truncated,
        stderr,
        stderr_truncated,
        error,
        ..ResultSummary::default()
    };
    Ok(summary)
}

/// The first bytes of a file, and whether there are more.
async fn head(content: &dyn Content, file: Cid) -> Result<(String, bool), ContentError> {
    let Node::File { size, reader, .. } = content.open(file, "", None).await? else {
        return Ok((String::new(), false));
    };
    let wanted = size.min(SUMMARY_MAX_BYTES as u64);
    let parts: Vec<_> = reader.read(0, wanted).try_collect().await?;
    Ok((String::from_utf8_lossy(&parts.concat()).into_owned(), size > wanted))
}
