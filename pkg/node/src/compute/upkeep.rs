//! Beside the runs: looking at the engines, and clearing up what nothing needs any more.

use std::collections::BTreeSet;
use std::time::Duration;

use gadus_model::{ExecutionId, NodeInfo};
use gadus_ports::PinReason;
use tokio::sync::oneshot;

use super::run::remove_dir;
use super::{Command, World};
use crate::config::NodeConfig;

/// How long an engine may take to reap; a node that starts does not wait longer for it.
const REAP_MAX: Duration = Duration::from_secs(10);

/// The node's info with the engines that work now.
pub(crate) async fn probe(world: &World, base: &NodeInfo) -> NodeInfo {
    let mut info = base.clone();
    info.engines.clear();
    for (engine, executor) in &world.executors {
        match executor.probe().await {
            Ok(found) => {
                world.engines.write().insert(*engine, found.clone());
                info.engines.insert(*engine, found);
            }
            Err(failure) => tracing::debug!(%engine, %failure, "engine is not there"),
        }
    }
    info.addresses = world.transport.addresses();
    info
}

/// At start, before anything runs: containers, run directories and pins of executions that the
/// log does not know.
pub(crate) async fn clean_up(world: &World, known: &BTreeSet<ExecutionId>) {
    reap_engines(world, known).await;
    let Ok(mut dirs) = tokio::fs::read_dir(&world.scratch_dir).await else { return };
    while let Ok(Some(dir)) = dirs.next_entry().await {
        let id = dir.file_name().to_string_lossy().parse::<ExecutionId>();
        if id.map_or(true, |id| !known.contains(&id))
            && let Err(error) = remove_dir(dir.path()).await
        {
            tracing::warn!(dir = %dir.path().display(), %error, "a run directory stays");
        }
    }
    let pins = world.content.pins().await.unwrap_or_default();
    for (_, reason) in pins {
        if let PinReason::Input(id) = &reason
            && !known.contains(id)
            && let Err(error) = world.content.unpin(&reason).await
        {
            tracing::warn!(%id, %error, "an execution's inputs stay pinned");
        }
    }
}

/// From time to time: what runs here and nobody knows of.
pub(crate) async fn reap(world: &World, config: &NodeConfig) {
    let mut every = tokio::time::interval(config.reap_every);
    every.tick().await;
    loop {
        every.tick().await;
        let (reply, look) = oneshot::channel();
        world.tell(Command::Look { reply }).await;
        let Ok(look) = look.await else { return };
        reap_engines(world, &look.executions).await;
    }
}

async fn reap_engines(world: &World, keep: &BTreeSet<ExecutionId>) {
    for (engine, executor) in &world.executors {
        let reaped = tokio::time::timeout(REAP_MAX, executor.reap(keep)).await;
        let Ok(reaped) = reaped else {
            tracing::warn!(%engine, "the engine does not answer: nothing could be reaped");
            continue;
        };
        match reaped {
            Ok(reaped) if reaped.is_empty() => {}
            Ok(reaped) => tracing::warn!(%engine, ?reaped, "removed what nobody knew of"),
            Err(failure) => tracing::debug!(%engine, %failure, "nothing could be reaped"),
        }
    }
}
