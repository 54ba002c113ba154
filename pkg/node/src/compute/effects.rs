//! Performing what a compute node's steps ask for.

use gadus_model::message::Award;
use gadus_model::{Cid, Execution, Failure, FailureKind, NodeId, PublisherSpec};
use gadus_ports::{FetchFrom, PinReason, Pinning, Publication, failure_of};
use gadus_protocol::Effect;
use gadus_protocol::compute::Input;
use tokio_util::sync::CancellationToken;

use super::{Command, Loop, World, run};
use crate::server::MayRead;

impl Loop {
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Send { to, message } => self.world.post.send(to, *message),
            Effect::Start { award, resumed } => self.start(*award, resumed),
            Effect::Kill { execution } => match self.runs.get(&execution) {
                Some(stop) => stop.cancel(),
                None => self.handle(Input::Killed { execution }),
            },
            Effect::Disclose { execution } => self.show(&execution, MayRead::Output),
            Effect::Promote { execution, result, retention_ms } => {
                // Before the verdict nobody could fetch what was sealed.
                self.show(&execution, MayRead::Result);
                tokio::spawn(promote(self.world.clone(), execution, result, retention_ms));
            }
            Effect::Publish { execution, result, to } => {
                tokio::spawn(publish(self.world.clone(), execution, result, *to));
            }
            Effect::Keep { execution, result, from, retention_ms } => {
                let requester = self.machine.asks_to_keep(&execution);
                let peers = [from].into_iter().chain(requester.filter(|r| *r != from));
                let peers = peers.filter(|peer| *peer != self.world.node).collect();
                let of = (execution, result, retention_ms);
                tokio::spawn(keep(self.world.clone(), of, peers));
            }
            Effect::Forget { execution, keep_result } => {
                self.world.server.disown(execution.id());
                tokio::spawn(forget(self.world.clone(), execution, keep_result));
            }
            Effect::Gossip(_)
            | Effect::GossipFilled(_)
            | Effect::ResolveImage { .. }
            | Effect::Recall(_)
            | Effect::Fold(_)
            | Effect::Changed(_) => {}
        }
    }

    /// From now on the requester of an execution may read of it.
    fn show(&self, execution: &Execution, may_read: MayRead) {
        if let Some((_, requester)) = self.machine.owner_of(execution) {
            self.world.server.own(execution.id(), requester, may_read);
        }
    }

    fn start(&mut self, award: Award, resumed: bool) {
        let execution = award.execution.clone();
        let id = execution.id();
        tracing::info!(job = %execution.slot.job, %id, resumed, "run begins");
        let stop = CancellationToken::new();
        self.runs.insert(execution.clone(), stop.clone());
        let owner = self.machine.owner_of(&execution);
        if !award.context.verification.is_sealed() {
            self.show(&execution, MayRead::Result);
        }
        let requester = owner.map_or(self.world.node, |(_, requester)| requester);
        let world = self.world.clone();
        tokio::spawn(async move {
            let result = run::run(&world, &award, requester, resumed, stop).await;
            match &result {
                Ok(_) => tracing::info!(job = %execution.slot.job, %id, "run finished"),
                Err(failure) => {
                    tracing::warn!(job = %execution.slot.job, %id, %failure, "run failed");
                }
            }
            world.tell(Command::Ran { execution, result }).await;
        });
    }
}

async fn promote(world: World, execution: Execution, result: Cid, retention_ms: u64) {
    let id = execution.id();
    match world.content.promote(id, result, Pinning::result(id, retention_ms)).await {
        Ok(()) => world.tell(Command::Promoted { execution }).await,
        Err(error) => tracing::error!(%id, %result, %error, "a result cannot be made public"),
    }
}

/// Brings a result to where its job wants it besides.
async fn publish(world: World, execution: Execution, result: Cid, to: PublisherSpec) {
    let (id, kind) = (execution.id(), to.kind());
    let job = execution.slot.job;
    let place = match &world.publisher {
        Some(publisher) => {
            let node = world.node;
            publisher.publish(Publication { execution: id, job, node, result, to }).await
        }
        None => {
            let message = format!("this node cannot publish results to {kind}");
            Err(Failure::new(FailureKind::PublishFailed, message))
        }
    };
    if let Err(failure) = &place {
        tracing::warn!(%job, %id, %result, kind, %failure, "a result cannot be published");
    }
    world.tell(Command::Placed { execution, place }).await;
}

/// Sees to it that a result that was made elsewhere is here, and pinned.
async fn keep(
    world: World,
    (execution, result, retention_ms): (Execution, Cid, u64),
    peers: Vec<NodeId>,
) {
    let id = execution.id();
    let exchange = world.exchange.clone();
    let fetch = FetchFrom { exchange, peers, namespace: None, wait: world.fetch_wait };
    let pinning = Pinning::result(id, retention_ms);
    let kept = world.content.fetch(result, fetch, pinning).await;
    if let Err(error) = &kept {
        tracing::warn!(%id, %result, %error, "a result could not be fetched to be held here");
    }
    let result = kept.map(|_| ()).map_err(|error| failure_of(&error));
    world.tell(Command::Kept { execution, result }).await;
}

/// Lets go of an execution's inputs, of its run directory, and of its outputs unless they stay.
async fn forget(world: World, execution: Execution, keep_result: bool) {
    let id = execution.id();
    if let Err(error) = world.content.unpin(&PinReason::Input(id)).await {
        tracing::warn!(%id, %error, "an execution's inputs stay pinned");
    }
    if !keep_result && let Err(error) = world.content.discard(id).await {
        tracing::warn!(%id, %error, "an execution's outputs stay in quarantine");
    }
    let scratch = world.scratch(id);
    // Most functions need none, and a look costs less than a thread that finds nothing.
    if scratch.try_exists().is_ok_and(|exists| !exists) {
        return;
    }
    if let Err(error) = run::remove_dir(scratch).await {
        tracing::warn!(%id, %error, "a run directory stays");
    }
}
