//! Commitments: when a node may open its own, and whether it opens.

use gadus_model::verdict::{CloseBody, Committed, Opening, Reveal};
use gadus_model::{Cid, NodeId};

/// Why a node keeps its answer to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRevealed {
    /// The set is about other work, or is not in its one form.
    #[error("the closed set is not one of this work")]
    Foreign,
    /// Its own commitment is not in the set, or is another.
    #[error("the closed set does not hold this node's commitment")]
    NotInSet,
    /// The set is smaller than what the job needs: the requester could show the answer to others.
    #[error("the closed set holds {has} commitments, and {needs} are needed")]
    TooFew {
        /// Commitments in it.
        has: usize,
        /// As many as must be equal.
        needs: u32,
    },
}

/// Whether a node may reveal its answer to a requester that closed a round with this set.
///
/// # Errors
/// Why it must not.
pub fn may_reveal(
    close: &CloseBody,
    own: &Committed,
    task: &Cid,
    equal: u32,
) -> Result<(), NotRevealed> {
    let slot = &own.execution.slot;
    if close.job != slot.job
        || close.version != slot.version
        || close.task != *task
        || !close.is_in_form()
    {
        return Err(NotRevealed::Foreign);
    }
    if !close.set.contains(own) {
        return Err(NotRevealed::NotInSet);
    }
    if close.set.len() < equal as usize {
        return Err(NotRevealed::TooFew { has: close.set.len(), needs: equal });
    }
    Ok(())
}

/// Whether what a node reveals is what it committed to, in this set.
///
/// # Errors
/// Why it is not, for people.
pub fn open(close: &CloseBody, node: NodeId, reveal: &Reveal) -> Result<Cid, String> {
    let committed = close.committed(node, &reveal.execution);
    let committed = committed.ok_or("the closed set has no commitment of it")?;
    let manifest = reveal.manifest.cid().map_err(|error| error.to_string())?;
    let body = &reveal.receipt.body;
    if body.node != node || body.task != close.task || body.manifest != manifest {
        return Err("its receipt is not for this task, node and answer".to_owned());
    }
    let opening = Opening {
        task: close.task,
        execution: reveal.execution.clone(),
        node,
        salt: reveal.salt,
        manifest,
    };
    let commitment = opening.commitment().map_err(|error| error.to_string())?;
    if commitment != committed.commitment {
        return Err("it revealed another answer than it committed to".to_owned());
    }
    Ok(manifest)
}
