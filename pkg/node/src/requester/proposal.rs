//! What arrives for the requester; proposals are checked before the machine sees them.

use bytes::Bytes;
use gadus_auth::{VerifyError, verify_receipt};
use gadus_model::message::{Envelope, InlineBlock, Message, Proposal};
use gadus_model::{Cid, Execution, NodeId};
use gadus_ports::{Inbound, Pinning};
use gadus_protocol::requester::Input;

use super::{Checked, Command, Loop, World};

impl Loop {
    pub(super) fn arrived(&mut self, inbound: Inbound) {
        match inbound {
            Inbound::Message { from, message } => self.message(from, message),
            Inbound::Up { node, prefix } => self.handle(Input::Up { node, prefix }, Vec::new()),
            Inbound::Down(node) => self.handle(Input::Down(node), Vec::new()),
            Inbound::Gossip { .. } => {}
        }
    }

    fn message(&mut self, from: NodeId, mut message: Box<Envelope>) {
        if let Message::Propose { execution, proposal } = &mut message.body
            && let Proposal::Open(open) = proposal.as_mut()
        {
            let blocks = std::mem::take(&mut open.blocks);
            // What is not wanted costs no check of a signature, and is only answered.
            if self.machine.would_accept(from, execution) {
                // Sent again before the first was checked: one answer serves both.
                let job = self.machine.job(execution.slot.job);
                let retention_ms = job.map_or(0, |view| view.job.context.retention_ms);
                if self.checking.insert(execution.clone()) {
                    let world = self.world.clone();
                    tokio::spawn(check(world, from, message, (blocks, retention_ms)));
                }
                return;
            }
        }
        if let Some(execution) = self.waits_for(from, &message.body) {
            if self.checking.insert(execution.clone()) {
                tokio::spawn(check_sealed(self.world.clone(), from, execution, message));
            }
            return;
        }
        self.handle(Input::Message { from, message, kept: false }, Vec::new());
    }

    /// The execution that a word about sealed work is of, if it is waited for: what is not costs no
    /// check of a signature.
    fn waits_for(&self, from: NodeId, message: &Message) -> Option<Execution> {
        if let Message::Propose { execution, .. } = message {
            return self.machine.would_accept(from, execution).then(|| execution.clone());
        }
        let Message::Reveal { execution, .. } = message else { return None };
        self.machine.would_open(from, execution).then(|| execution.clone())
    }
}

/// Whether a node has signed what it says of sealed work.
fn signed(message: &Message) -> Result<(), VerifyError> {
    if let Message::Reveal { claim, .. } = message {
        return verify_receipt(&claim.receipt);
    }
    let Message::Propose { proposal, .. } = message else { return Ok(()) };
    match proposal.as_ref() {
        Proposal::Sealed(commit) => gadus_auth::verified(commit).map(|_| ()),
        Proposal::Open(open) => verify_receipt(&open.claim.receipt),
    }
}

/// Checks who signed a commitment, or what opens it, off the loop.
async fn check_sealed(world: World, from: NodeId, execution: Execution, message: Box<Envelope>) {
    let signed = signed(&message.body);
    if let Err(error) = &signed {
        tracing::warn!(%from, ?execution, %error, "a sealed answer is not signed");
    }
    let proposal = signed.is_ok().then_some(Checked { from, message, kept: false });
    if let Some(to) = world.to_self.upgrade() {
        // The loop has ended: nobody needs to know.
        let _ = to.send(Command::Proposal { execution, proposal }).await;
    }
}

/// Checks a proposal, off the loop, and stores the blocks that came with it, so that accepting
/// and publishing it are one step.
async fn check(
    world: World,
    from: NodeId,
    message: Box<Envelope>,
    (blocks, retention_ms): (Vec<InlineBlock>, u64),
) {
    let Message::Propose { execution, proposal } = &message.body else { return };
    let Proposal::Open(open) = proposal.as_ref() else { return };
    let execution = execution.clone();
    let checked = match verify_receipt(&open.claim.receipt) {
        Ok(()) if blocks.is_empty() => Some(false),
        Ok(()) => {
            let pinning = Pinning::result(execution.id(), retention_ms);
            let result = open.claim.manifest.result;
            Some(keep(&world, from, (&execution, result, pinning), blocks).await)
        }
        Err(error) => {
            tracing::warn!(%from, ?execution, %error, "a proposal's receipt is not signed");
            None
        }
    };
    let proposal = checked.map(|kept| Checked { from, message, kept });
    if let Some(to) = world.to_self.upgrade() {
        // The loop has ended: nobody needs to know.
        let _ = to.send(Command::Proposal { execution, proposal }).await;
    }
}

/// Stores the blocks of a result and pins it. Whether all of it is here now.
async fn keep(
    world: &World,
    from: NodeId,
    (execution, result, pinning): (&Execution, Cid, Pinning),
    blocks: Vec<InlineBlock>,
) -> bool {
    let blocks = blocks.into_iter().map(|b| (b.cid, Bytes::from(b.bytes))).collect();
    let reason = pinning.reason.clone();
    // Side by side, so that one sync serves both.
    let (stored, pinned) =
        tokio::join!(world.content.put(blocks), world.content.pin(result, pinning));
    let kept = stored.is_ok() && pinned.is_ok() && world.content.bytes_missing(&result, 1) == 0;
    if !kept {
        tracing::warn!(%from, ?execution, ?stored, ?pinned, "a proposal's blocks are not all there");
        if let Err(error) = world.content.unpin(&reason).await {
            tracing::warn!(?execution, %error, "a pin stays");
        }
    }
    kept
}
