//! Sealing an answer: a commitment to it that says nothing of it.

use gadus_auth::NodeKey;
use gadus_model::event::Seal;
use gadus_model::{Claim, CodecError, CommitBody, Execution, Opening};

/// Commits to an answer, with a salt that is drawn for it alone.
///
/// # Errors
/// Never in practice: all of it has a DAG-CBOR form.
pub(super) fn seal(
    key: &NodeKey,
    execution: &Execution,
    claim: &Claim,
) -> Result<Seal, CodecError> {
    let (salt, task) = (rand::random(), claim.receipt.body.task);
    let manifest = claim.manifest.cid()?;
    let opening = Opening { task, execution: execution.clone(), node: key.id(), salt, manifest };
    let body = CommitBody { task, execution: execution.clone(), commitment: opening.commitment()? };
    Ok(Seal { salt, commit: gadus_auth::sign(key, body)? })
}
