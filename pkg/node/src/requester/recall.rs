//! What is known of a job's work: found in the index, and its result seen to be here.

use std::sync::Arc;
use std::time::Duration;

use gadus_model::view::JobView;
use gadus_model::{Cid, Execution, Replay};
use gadus_ports::{FetchFrom, Pinning, StoreError};
use gadus_protocol::step::Lookup;
use tokio::time::{Instant, timeout_at};

use super::effects::answer;
use super::{Command, World};

/// Looks up each task of a job, and answers once every result that is known is here, or `wait` is
/// over: what was not found by then is run.
pub(super) async fn recall(world: World, lookup: Lookup, wait: Duration) {
    let until = Instant::now() + wait;
    let mut found = Vec::new();
    for (execution, task) in &lookup.wanted {
        let known = match known(&world, &lookup, task) {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(job = %lookup.job, %error, "what is known cannot be read");
                break;
            }
        };
        let Some((view, replay)) = known else { continue };
        let here = fetch(&world, execution, &view, &replay, lookup.retention_ms);
        match timeout_at(until, here).await {
            Ok(true) => found.push((execution.clone(), replay)),
            Ok(false) => {}
            Err(_) => break,
        }
    }
    answer(&world, Command::Recalled { job: lookup.job, found }).await;
}

/// The answer to a task that was checked hardest, if that is hard enough.
fn known(
    world: &World,
    lookup: &Lookup,
    task: &Cid,
) -> Result<Option<(Arc<JobView>, Replay)>, StoreError> {
    let mut views = lookup.known.clone();
    for job in world.store.jobs_by_task(task)? {
        views.extend(world.store.job(job)?.map(Arc::new));
    }
    let answers = views.iter().flat_map(|view| view.replays().map(move |replay| (view, replay)));
    let good = answers.filter(|(_, replay)| {
        replay.origin.task() == *task && replay.origin.level.is_at_least(&lookup.level)
    });
    let best = good.max_by_key(|(view, replay)| (replay.origin.level.strength(), view.created_at));
    Ok(best.map(|(view, replay)| (Arc::clone(view), replay)))
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
