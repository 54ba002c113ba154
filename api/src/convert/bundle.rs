//! A job's receipts as records that link to each other.

use std::sync::Arc;

use bytes::Bytes;
use gadus_model::bundle::BUNDLE_VERSION;
use gadus_model::view::JobView;
use gadus_model::{Answer, Bundle, Cid, Origin, Sealed};

use super::records::Records;
use super::work;
use crate::service::{ErrorCode, ServiceError};
use crate::types::{ListReceiptsResponse, ReceiptEntry};

/// The level of an answer that nobody checked.
const ATTESTED: &str = "attested";

/// Records, and what they say.
#[derive(Debug)]
pub struct Receipts {
    /// The blocks of all records, each once.
    pub blocks: Vec<(Cid, Bytes)>,
    /// For people and programs.
    pub listed: ListReceiptsResponse,
}

/// The receipts of a job's newest version: of work that several nodes answered one for each
/// partition, with the verdict. `origins` are the jobs that known answers are from.
///
/// # Errors
/// `NotFound` where no answer counts yet; `Internal` where a task cannot be told from the view.
pub fn receipts(view: &JobView, origins: &[Arc<JobView>]) -> Result<Receipts, ServiceError> {
    let mut records = Records::default();
    let (mut answers, mut items) = (Vec::new(), Vec::new());
    for e in view.executions.iter().filter(|e| view.is_answer(e)) {
        let (Some(manifest), Some(receipt)) = (&e.manifest, &e.receipt) else { continue };
        let task = work::task_named(view, e.execution.slot.partition, &receipt.body.task)?;
        let origin = e.origin.as_deref();
        let verdict = match origin {
            // Another requester's records came as they are.
            Some(Origin { proof: Some(proof), .. }) => Some(*proof),
            Some(origin) => records.add_proof(sealed_of(origin, origins)?)?,
            None => match view.sealed.get(e.execution.slot.partition as usize) {
                Some(sealed) => records.add_proof(sealed)?,
                None => None,
            },
        };
        let answer = Answer {
            task: records.add(&task)?,
            manifest: records.add(manifest)?,
            receipt: records.add(receipt)?,
            origin: origin.map(|origin| origin.job),
            verdict,
        };
        items.push(ReceiptEntry {
            execution_id: e.execution.id().to_string(),
            node_id: e.node.to_string(),
            issuer: receipt.body.node.did_key(),
            task_cid: answer.task.to_string(),
            manifest_cid: answer.manifest.to_string(),
            result_cid: manifest.result.to_string(),
            receipt_cid: answer.receipt.to_string(),
            engine: receipt.body.engine.clone(),
            level: level(view, origin, answer.verdict.is_some()),
        });
        answers.push((e.execution.slot.clone(), answer));
    }
    if answers.is_empty() {
        return Err(none(view));
    }
    answers.sort_by(|a, b| a.0.cmp(&b.0));
    let answers = answers.into_iter().map(|(_, answer)| answer).collect();
    let (job, version) = (view.job.id, view.job.version);
    let bundle = records.add(&Bundle { v: BUNDLE_VERSION, job, version, answers })?;
    let listed = ListReceiptsResponse { bundle_cid: bundle.to_string(), items };
    Ok(Receipts { blocks: records.into_blocks(), listed })
}

/// How an answer that counts was checked. Of a container it is never more than attested.
fn level(view: &JobView, origin: Option<&Origin>, has_verdict: bool) -> String {
    if let Some(Origin { level, job, .. }) = origin {
        return format!("verified, {level}, for {job}");
    }
    match has_verdict {
        true => format!("verified, {}", view.job.context.verification),
        false => ATTESTED.to_owned(),
    }
}

/// What is behind the verdict by which a known answer is believed.
fn sealed_of<'a>(origin: &Origin, origins: &'a [Arc<JobView>]) -> Result<&'a Sealed, ServiceError> {
    let partition = origin.execution.slot.partition as usize;
    let view = origins.iter().find(|view| view.job.id == origin.job);
    view.and_then(|view| view.sealed.get(partition)).ok_or_else(|| {
        let message = format!("the verdict is job {}'s, which is not known any more", origin.job);
        ServiceError::new(ErrorCode::NotFound, message).of("Receipts")
    })
}

fn none(view: &JobView) -> ServiceError {
    let message = format!("job {} has no answer that counts", view.job.id);
    let hint = match view.state.is_terminal() {
        true => "`gadus job describe` says how it ended",
        false => "it is not over; wait for it with `gadus job logs --follow`",
    };
    ServiceError::new(ErrorCode::NotFound, message).with_hint(hint).of("Receipts")
}
