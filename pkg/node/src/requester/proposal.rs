//! What arrives for the requester; proposals are checked before the machine sees them.

use bytes::Bytes;
use gadus_auth::verify_receipt;
use gadus_model::NodeId;
use gadus_model::message::{Envelope, Message, OpenProposal, Proposal};
use gadus_model::{Cid, Execution};
use gadus_ports::{Inbound, PinReason};
use gadus_protocol::requester::Input;

use super::{Command, Loop, World};

impl Loop {
    pub(super) fn arrived(&mut self, inbound: Inbound) {
        match inbound {
            Inbound::Message { from, message } => self.message(from, message),
            Inbound::Up(node) => self.handle(Input::Up(node), Vec::new()),
            Inbound::Down(node) => self.handle(Input::Down(node), Vec::new()),
            Inbound::Gossip { .. } => {}
        }
    }

    fn message(&mut self, from: NodeId, mut message: Box<Envelope>) {
        if let Message::Propose { execution, proposal } = &mut message.body
            && let Proposal::Open(open) = proposal.as_mut()
        {
            let blocks = std::mem::take(&mut open.blocks);
            if let Err(error) = verify_receipt(&open.claim.receipt) {
                tracing::warn!(%from, ?execution, %error, "a proposal's receipt is not signed");
                return;
            }
            if !blocks.is_empty() && self.machine.would_accept(from, execution) {
                let (execution, result) = (execution.clone(), open.claim.manifest.result);
                let world = self.world.clone();
                let open = OpenProposal { claim: open.claim.clone(), blocks };
                tokio::spawn(store_then_hand_in(world, from, message, execution, result, open));
                return;
            }
        }
        self.handle(Input::Message { from, message, kept: false }, Vec::new());
    }
}

/// Stores the blocks that came with a proposal, so that accepting and publishing it are one step.
async fn store_then_hand_in(
    world: World,
    from: NodeId,
    message: Box<Envelope>,
    execution: Execution,
    result: Cid,
    open: OpenProposal,
) {
    let blocks = open.blocks.into_iter().map(|b| (b.cid, Bytes::from(b.bytes))).collect();
    let reason = PinReason::Result(execution.id());
    // Side by side, so that one sync serves both.
    let (stored, pinned) =
        tokio::join!(world.content.put(blocks), world.content.pin(result, reason.clone()));
    let kept = stored.is_ok() && pinned.is_ok() && world.content.bytes_missing(&result, 1) == 0;
    if !kept {
        tracing::warn!(%from, ?execution, ?stored, ?pinned, "a proposal's blocks are not all there");
        if let Err(error) = world.content.unpin(&reason).await {
            tracing::warn!(?execution, %error, "a pin stays");
        }
    }
    if let Some(to) = world.to_self.upgrade() {
        let _ = to.send(Command::Proposal { from, message, kept }).await;
    }
}
