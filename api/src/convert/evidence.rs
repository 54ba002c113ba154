//! Lies as the API shows them, and as records that anybody can check.

use bytes::Bytes;
use gadus_model::bundle::BUNDLE_VERSION;
use gadus_model::event::JobEvent;
use gadus_model::view::JobView;
use gadus_model::{Cid, Evidence, Lie, NodeId, Time};

use super::records::{Records, bytes_of};
use super::{rfc3339, work};
use crate::service::{ErrorCode, ServiceError};
use crate::types::{EvidenceEntry, EvidenceResponse};

/// A lie, for people and programs.
pub(crate) fn entry(view: &JobView, lie: &Lie) -> EvidenceEntry {
    let body = &lie.receipt.body;
    EvidenceEntry {
        node_id: body.node.to_string(),
        key: body.node.did_key(),
        job_id: view.job.id.to_string(),
        partition: lie.partition,
        task_cid: body.task.to_string(),
        manifest_cid: body.manifest.to_string(),
        accepted_cid: lie.accepted.to_string(),
        decided_by: lie.decided_by.as_str().to_owned(),
        time: rfc3339(judged_at(view, lie.partition)),
    }
}

/// When the verdict over a partition was durable.
fn judged_at(view: &JobView, of: u32) -> Time {
    let judged = view.history.iter().rev().find(
        |entry| matches!(&entry.event, JobEvent::Judged { partition, .. } if *partition == of),
    );
    judged.map_or(view.modified_at, |entry| entry.at)
}

/// The first lie that a node told in a job (in a partition), as records whose root is an
/// [`Evidence`]. The node is
/// named by its id, a prefix of that or its key; nobody has to be where only one lied.
///
/// # Errors
/// `NotFound` where nobody lied, or not this node; `BadRequest` where several did and none is
/// named; `Internal` where the job's record has not all of it.
pub fn evidence(
    view: &JobView,
    node: &str,
    partition: Option<u32>,
) -> Result<(Vec<(Cid, Bytes)>, EvidenceResponse), ServiceError> {
    let lie = find(view, node, partition)?;
    let body = &lie.receipt.body;
    let sealed = view.sealed.iter().find(|sealed| sealed.partition == lie.partition);
    let mut records = Records::default();
    let proof = match sealed {
        Some(sealed) => records.add_proof(sealed)?,
        None => None,
    };
    let without = || ServiceError::internal("a lie without a verdict");
    let root = Evidence {
        v: BUNDLE_VERSION,
        job: view.job.id,
        version: view.job.version,
        accused: body.node,
        task: records.add(&work::task_named(view, lie.partition, &body.task)?)?,
        receipt: bytes_of(&lie.receipt)?,
        proof: proof.ok_or_else(without)?,
    };
    let root = records.add(&root)?;
    let told = EvidenceResponse { evidence_cid: root.to_string(), accused: entry(view, &lie) };
    Ok((records.into_blocks(), told))
}

fn find(view: &JobView, node: &str, partition: Option<u32>) -> Result<Lie, ServiceError> {
    let is_meant = |id: NodeId| id.to_string().starts_with(node) || id.did_key().starts_with(node);
    let is_there = |lie: &Lie| partition.is_none_or(|partition| partition == lie.partition);
    let mut lies: Vec<Lie> =
        view.lies().filter(|lie| is_meant(lie.node()) && is_there(lie)).collect();
    let mut liars: Vec<String> = lies.iter().map(|lie| lie.node().to_string()).collect();
    liars.sort();
    liars.dedup();
    match liars.as_slice() {
        [] => Err(none(view, node)),
        [_] => Ok(lies.swap_remove(0)),
        several => {
            let message = format!("{} nodes lied in job {}", several.len(), view.job.id);
            let hint = format!("name one of them with --node: {}", several.join(", "));
            Err(ServiceError::bad_request(message).with_hint(hint).of("Evidence"))
        }
    }
}

fn none(view: &JobView, node: &str) -> ServiceError {
    let who = if node.is_empty() { "nobody" } else { "no such node" };
    let message = format!("{who} was caught with a wrong answer in job {}", view.job.id);
    ServiceError::new(ErrorCode::NotFound, message)
        .with_hint("see `gadus evidence ls` for the jobs in which somebody was")
        .of("Evidence")
}
