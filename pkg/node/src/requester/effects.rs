//! Performing what a requester's steps ask for.

use gadus_model::{Cid, Execution, Failure, FailureKind, JobId, NodeId};
use gadus_ports::{FetchFrom, Pinning, failure_of};
use gadus_protocol::Effect;

use super::recall::recall;
use super::{Command, Loop, World};

impl Loop {
    /// Effects that tell nobody anything.
    pub(super) fn at_once(&mut self, effect: Effect) {
        if let Effect::ResolveImage { job, reference } = effect {
            tokio::spawn(resolve_image(self.world.clone(), job, reference));
        } else if let Effect::Recall(lookup) = effect {
            tokio::spawn(recall(self.world.clone(), *lookup, self.world.recall_wait));
        }
    }

    /// Effects whose events are durable.
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Send { to, message } => self.world.post.send(to, *message),
            Effect::Gossip(announcement) => {
                let (owner, term) = self.machine.identity();
                self.world.post.gossip(owner, term, *announcement);
            }
            Effect::GossipFilled(round) => {
                let (owner, term) = self.machine.identity();
                self.world.post.gossip_filled(owner, term, round);
            }
            Effect::Keep { execution, result, from, retention_ms } => {
                let of = (execution, result, retention_ms);
                tokio::spawn(keep(self.world.clone(), of, from));
            }
            Effect::Changed(_)
            | Effect::Fold(_)
            | Effect::ResolveImage { .. }
            | Effect::Recall(_)
            | Effect::Start { .. }
            | Effect::Kill { .. }
            | Effect::Promote { .. }
            | Effect::Publish { .. }
            | Effect::Disclose { .. }
            | Effect::Forget { .. } => {}
        }
    }
}

async fn resolve_image(world: World, job: JobId, reference: String) {
    let message = format!("no bidding node has '{reference}', and nobody here could look it up");
    let mut result = Err(Failure::new(FailureKind::EngineDown, message)
        .with_hint("pull the image on a compute node, or name it by its digest"));
    for images in &world.images {
        result = images.resolve_image(&reference).await;
        match &result {
            Err(failure) if failure.kind == FailureKind::EngineDown => {
                tracing::debug!(%job, reference, %failure, "an image is looked up elsewhere");
            }
            Ok(_) | Err(_) => break,
        }
    }
    answer(&world, Command::ImageResolved { job, result }).await;
}

/// Fetches a result and pins it. Its producer shows its quarantine to the execution's owner, so
/// this need not wait for the result to be made public there.
async fn keep(
    world: World,
    (execution, result, retention_ms): (Execution, Cid, u64),
    from: NodeId,
) {
    let id = execution.id();
    let Ok(_place) = world.keeps.acquire().await else { return };
    let fetch = FetchFrom {
        exchange: world.exchange.clone(),
        peers: vec![from],
        namespace: Some(id),
        wait: world.fetch_wait,
    };
    let pinning = Pinning::result(id, retention_ms);
    let kept = world.content.fetch(result, fetch, pinning).await;
    if let Err(error) = &kept {
        tracing::warn!(%id, %result, %from, %error, "a result could not be fetched yet");
    }
    let result = kept.map(|_| ()).map_err(|e| failure_of(&e));
    answer(&world, Command::Kept { execution, result }).await;
}

pub(super) async fn answer(world: &World, command: Command) {
    if let Some(to) = world.to_self.upgrade() {
        // The loop has ended: nobody needs to know.
        let _ = to.send(command).await;
    }
}
