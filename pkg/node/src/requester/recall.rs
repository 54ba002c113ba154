//! What is known of a job's work: found in the index, and its result seen to be here.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use gadus_model::view::JobView;
use gadus_model::{Cid, Execution, JobId, NodeId, RAW, Replay};
use gadus_ports::{FetchFrom, Pinning, StoreError};
use gadus_protocol::step::Lookup;
use tokio::time::timeout;

use super::effects::answer;
use super::{Command, World};

/// Answers by their tasks, with the jobs that they are from, the best first.
type Known = BTreeMap<Cid, Vec<(Arc<JobView>, Replay)>>;

/// Answers to one task that are looked for: of those before, the results are lost, or whoever came to
/// them was caught.
const ANSWERS_MAX: usize = 4;

/// Looks up each task of a job, and answers once every result that is known is here, or `wait` is
/// over: what was not found by then is run.
pub(super) async fn recall(world: World, lookup: Lookup, wait: Duration) {
    let known = known(&world, &lookup).unwrap_or_else(|error| {
        tracing::warn!(job = %lookup.job, %error, "what is known cannot be read");
        BTreeMap::new()
    });
    let mut found = Vec::new();
    let look = async {
        for (execution, task) in &lookup.wanted {
            // Who came to a task's answer mostly came to the same result: that is fetched once.
            let mut here = BTreeSet::new();
            for (holders, replay) in answers(&world, &known, task).await {
                let result = replay.claim.manifest.result;
                let is_here = here.contains(&result)
                    || fetch(&world, execution, holders, result, lookup.retention_ms).await;
                if !is_here {
                    continue;
                }
                here.insert(result);
                if keep_records(&world, execution, &replay, lookup.retention_ms).await {
                    found.push((execution.clone(), replay));
                }
            }
        }
    };
    if timeout(wait, look).await.is_err() {
        tracing::info!(job = %lookup.job, "not all that may be known was looked at in time");
    }
    answer(&world, Command::Recalled { job: lookup.job, found }).await;
}

/// The answers to a task, with who should have the result: this requester's own, and then what
/// others found. Whether that will do is the machine's to say.
async fn answers(world: &World, known: &Known, task: &Cid) -> Vec<(Vec<NodeId>, Replay)> {
    let own = known.get(task).into_iter().flatten().take(ANSWERS_MAX);
    let own = own.map(|(view, replay)| (holders(view, replay), replay.clone()));
    let foreign = world.foreign.replays(&*world.content, task).await;
    own.chain(foreign.into_iter().map(|replay| (Vec::new(), replay))).collect()
}

/// Who has, or made, what a job's answer names.
fn holders(view: &JobView, replay: &Replay) -> Vec<NodeId> {
    let of_task =
        view.executions.iter().filter(|e| e.manifest.as_ref() == Some(&replay.claim.manifest));
    let mut peers: Vec<_> =
        of_task.flat_map(|e| e.holders.iter().copied().chain([e.node])).collect();
    peers.sort_unstable();
    peers.dedup();
    peers
}

/// What is known of each task and was checked hard enough, the hardest and of equal ones the newest
/// first. A job of many partitions is read once for all of them.
fn known(world: &World, lookup: &Lookup) -> Result<Known, StoreError> {
    let mut views: BTreeMap<JobId, Arc<JobView>> =
        lookup.known.iter().map(|view| (view.job.id, Arc::clone(view))).collect();
    for (_, task) in &lookup.wanted {
        for job in world.store.jobs_by_task(task)? {
            if let Entry::Vacant(place) = views.entry(job)
                && let Some(view) = world.store.job(job)?
            {
                place.insert(Arc::new(view));
            }
        }
    }
    let mut known = Known::new();
    for view in views.values() {
        for replay in view.replays().filter(|r| r.origin.level.is_at_least(&lookup.level)) {
            known.entry(replay.origin.task()).or_default().push((Arc::clone(view), replay));
        }
    }
    for answers in known.values_mut() {
        answers.sort_by_key(|(view, replay)| {
            std::cmp::Reverse((replay.origin.level.strength(), view.created_at))
        });
    }
    Ok(known)
}

/// Sees to it that a result is here, pinned as the execution's. What its holders have lost is not
/// known any more: it is computed again.
async fn fetch(
    world: &World,
    execution: &Execution,
    peers: Vec<NodeId>,
    result: Cid,
    retention_ms: u64,
) -> bool {
    let Ok(_place) = world.keeps.acquire().await else { return false };
    let (exchange, wait) = (world.exchange.clone(), world.fetch_wait);
    let fetch = FetchFrom { exchange, peers, namespace: None, wait };
    let pinning = Pinning::result(execution.id(), retention_ms);
    match world.content.fetch(result, fetch, pinning).await {
        Ok(_) => true,
        Err(error) => {
            let job = execution.slot.job;
            tracing::info!(%job, %result, %error, "a known result is lost, and computed again");
            false
        }
    }
}

/// Keeps the records behind another requester's verdict for as long as the answer. They have no
/// links: a leaf is enough.
async fn keep_records(
    world: &World,
    execution: &Execution,
    replay: &Replay,
    retention_ms: u64,
) -> bool {
    let Some(proof) = replay.origin.proof else { return true };
    let leaf = Cid::new_v1(RAW, *proof.hash());
    let kept = world.content.pin(leaf, Pinning::result(execution.id(), retention_ms)).await;
    if let Err(error) = &kept {
        tracing::warn!(job = %execution.slot.job, %error, "a verdict's records cannot be kept");
    }
    kept.is_ok()
}
