//! Checking evidence against a node.

use gadus_auth::verify_receipt;
use gadus_model::{Cid, Evidence, Proof, Receipt, Task, codec};
use gadus_ports::Content;
use gadus_protocol::verify::Held;

use crate::verdict::About;
use crate::{Judged, ProofError, record};

/// A wrong answer that a node signed, of which everything holds, whoever is trusted.
#[derive(Debug)]
pub struct Accusation {
    /// What was read.
    pub evidence: Evidence,
    /// What the accused signed.
    pub receipt: Receipt,
    /// The verdict that contradicts it.
    pub judged: Judged,
    /// What that holds against it.
    pub held: Held,
}

/// Checks evidence.
///
/// # Errors
/// `Forged` for the first thing that does not hold; `Unreadable`.
pub async fn read_evidence(content: &dyn Content, root: &Cid) -> Result<Accusation, ProofError> {
    let evidence: Evidence = record(content, root, "the evidence").await?;
    let task: Task = record(content, &evidence.task, "the task").await?;
    let receipt = signed(&evidence)?;
    let proof: Proof = record(content, &evidence.proof, "the verdict's records").await?;
    let about = About {
        job: evidence.job,
        version: Some(evidence.version),
        task: evidence.task,
        answer: None,
    };
    let judged = Judged::read(&proof, task.engine(), &about)?;
    let held = judged.held_against(&receipt)?;
    Ok(Accusation { evidence, receipt, judged, held })
}

/// What the accused signed, and nobody else.
fn signed(evidence: &Evidence) -> Result<Receipt, ProofError> {
    let forged = |why: String| ProofError::forged("the accused's receipt", why);
    let receipt: Receipt =
        codec::decode_canonical(&evidence.receipt).map_err(|error| forged(error.to_string()))?;
    if receipt.body.node != evidence.accused {
        return Err(forged(format!("it is one of {}", receipt.body.node.did_key())));
    }
    verify_receipt(&receipt).map_err(|error| forged(error.to_string()))?;
    Ok(receipt)
}
