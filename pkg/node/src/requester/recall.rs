//! What is known of a job's work: found in the index, and its result seen to be here.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use gadus_model::view::JobView;
use gadus_model::{Cid, Execution, JobId, Replay};
use gadus_ports::{FetchFrom, Pinning, StoreError};
use gadus_protocol::step::Lookup;
use tokio::time::{Instant, timeout_at};

use super::effects::answer;
use super::{Command, World};

/// Answers by their tasks, with the jobs that they are from.
type Known = BTreeMap<Cid, (Arc<JobView>, Replay)>;

/// Looks up each task of a job, and answers once every result that is known is here, or `wait` is
/// over: what was not found by then is run.
pub(super) async fn recall(world: World, lookup: Lookup, wait: Duration) {
    let until = Instant::now() + wait;
    let known = known(&world, &lookup).unwrap_or_else(|error| {
        tracing::warn!(job = %lookup.job, %error, "what is known cannot be read");
        BTreeMap::new()
    });
    let mut found = Vec::new();
    for (execution, task) in &lookup.wanted {
        let Some((view, replay)) = known.get(task) else { continue };
        let here = fetch(&world, execution, view, replay, lookup.retention_ms);
        match timeout_at(until, here).await {
            Ok(true) => found.push((execution.clone(), replay.clone())),
            Ok(false) => {}
            Err(_) => break,
        }
    }
    answer(&world, Command::Recalled { job: lookup.job, found }).await;
}

/// What is known of each task, by the job that checked it hardest, if that is hard enough. A job of
/// many partitions is read once for all of them.
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
    let rank = |view: &JobView, replay: &Replay| (replay.origin.level.strength(), view.created_at);
    let mut known = Known::new();
    for view in views.values() {
        for replay in view.replays().filter(|r| r.origin.level.is_at_least(&lookup.level)) {
            let best = known.get(&replay.origin.task());
            if best.is_none_or(|(of, best)| rank(of, best) <= rank(view, &replay)) {
                known.insert(replay.origin.task(), (Arc::clone(view), replay));
            }
        }
    }
    Ok(known)
}

/// Sees to it that a result is here, pinned as the execution's. What its holders have lost is not
/// known any more: it is computed again.
async fn fetch(
    world: &World,
    execution: &Execution,
    from: &JobView,
    replay: &Replay,
    retention_ms: u64,
) -> bool {
    let Ok(_place) = world.keeps.acquire().await else { return false };
    let of_task =
        from.executions.iter().filter(|e| e.manifest.as_ref() == Some(&replay.claim.manifest));
    let mut peers: Vec<_> =
        of_task.flat_map(|e| e.holders.iter().copied().chain([e.node])).collect();
    peers.sort_unstable();
    peers.dedup();
    let (exchange, wait) = (world.exchange.clone(), world.fetch_wait);
    let fetch = FetchFrom { exchange, peers, namespace: None, wait };
    let pinning = Pinning::result(execution.id(), retention_ms);
    let result = replay.claim.manifest.result;
    match world.content.fetch(result, fetch, pinning).await {
        Ok(_) => true,
        Err(error) => {
            let job = execution.slot.job;
            tracing::info!(%job, %result, %error, "a known result is lost, and computed again");
            false
        }
    }
}
