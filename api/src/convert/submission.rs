//! From a submitted document to a job of the model.

use std::collections::BTreeMap;

use bytes::Bytes;
use gadus_model::codec::{self, RAW};
use gadus_model::job::JOB_VERSION;
use gadus_model::{Cid, Job, JobId, JobType, NodeId};

use super::engine::{self, EngineSpec, legacy};
use super::sources::{self, Source};
use super::supported::{self, Problem};
use super::{document, task, validate};
use crate::service::{ErrorCode, ServiceError};
use crate::types::{Job as Document, SpecConfig};

/// What a submission is, besides its document.
#[derive(Clone, Debug, Default)]
pub struct DraftOptions {
    /// Partitions of one job.
    pub count_max: u32,
    /// The requester, for the job's `Meta`.
    pub server: Option<NodeId>,
    /// The client's `X-Bacalhau-InstallationID`.
    pub installation_id: String,
    /// The client's `X-Bacalhau-InstanceID`.
    pub instance_id: String,
    /// Whose job it is.
    pub client: String,
    /// The client's key for this submission.
    pub idempotency_key: Option<String>,
}

/// A document that is good, but for content that is still in it.
#[derive(Clone, Debug)]
pub struct Draft {
    document: Document,
    engine: EngineSpec,
    sources: Vec<Source>,
    options: DraftOptions,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Content in a document, to be imported as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineInput {
    /// Which input of the task.
    pub index: usize,
    /// The content.
    pub bytes: Bytes,
}

impl Draft {
    /// Cleans, checks and completes a document.
    ///
    /// # Errors
    /// `ValidationError` with a line for each thing that is wrong; `NotImplemented` for the first
    /// thing that is not there yet.
    pub fn new(document: Option<Document>, options: DraftOptions) -> Result<Self, ServiceError> {
        let Some(mut document) = document else {
            return Err(ServiceError::new(ErrorCode::ValidationError, "empty/nil job")
                .with_hint(crate::json_in::put_job_hint()));
        };
        let warnings = document::sanitise(&mut document);
        for task in &mut document.tasks {
            legacy::upgrade(task)?;
        }
        let errors = validate::job(&document, options.count_max);
        let Some(task) = document.tasks.first().filter(|_| errors.is_empty()) else {
            return Err(Problem::Invalid(errors).into());
        };
        supported::check(&document, task)?;
        let engine = engine::read(task)?;
        let inputs = task.input_sources.iter();
        let sources = inputs.map(|input| sources::read(task, input)).collect::<Result<_, _>>()?;
        document::normalise(&mut document);
        let mut draft = Self { document, engine, sources, options, warnings };
        draft.add_meta();
        Ok(draft)
    }

    /// The server's own facts.
    fn add_meta(&mut self) {
        let server = self.options.server.map(|id| id.to_string()).unwrap_or_default();
        let facts = [
            ("bacalhau.org/orchestrator.id", &server),
            ("bacalhau.org/requester.id", &server),
            ("bacalhau.org/client.installation.id", &self.options.installation_id),
            ("bacalhau.org/client.instance.id", &self.options.instance_id),
        ];
        for (key, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
            self.document.meta.insert(key.to_owned(), value.clone());
        }
    }

    /// Content that has to be imported before [`Draft::finish`].
    pub fn inline(&self) -> impl Iterator<Item = InlineInput> + '_ {
        self.sources.iter().enumerate().filter_map(|(index, source)| match source {
            Source::Inline(bytes) => Some(InlineInput { index, bytes: bytes.clone().into() }),
            Source::Cid(_) => None,
        })
    }

    /// The job, its inline inputs replaced by what they were imported as.
    ///
    /// # Errors
    /// `InternalError` when an inline input was not imported.
    pub fn finish(
        mut self,
        id: JobId,
        imported: &BTreeMap<usize, Cid>,
    ) -> Result<Job, ServiceError> {
        let mut cids = Vec::new();
        for (index, source) in self.sources.iter().enumerate() {
            let cid = match (source, imported.get(&index)) {
                (Source::Cid(cid), _) | (Source::Inline(_), Some(cid)) => *cid,
                (Source::Inline(_), None) => {
                    return Err(ServiceError::internal(format!("input {index} was not imported")));
                }
            };
            cids.push(cid);
        }
        for task in &mut self.document.tasks {
            for (input, cid) in task.input_sources.iter_mut().zip(&cids) {
                input.source = SpecConfig::new("ipfs").with("CID", cid.to_string());
            }
        }
        self.build(id, &cids)
    }

    /// The job as it would be, nothing imported: inline inputs have the CIDs of raw blocks.
    ///
    /// # Errors
    /// `InternalError`, never in practice.
    pub fn preview(self, id: JobId) -> Result<Job, ServiceError> {
        let imported =
            self.inline().map(|input| (input.index, codec::cid_of(RAW, &input.bytes))).collect();
        self.finish(id, &imported)
    }

    fn build(self, id: JobId, cids: &[Cid]) -> Result<Job, ServiceError> {
        let document = serde_json::to_string(&self.document)
            .map_err(|e| ServiceError::internal(format!("the document does not encode: {e}")))?;
        let Document { name, namespace, kind, priority, count, labels, constraints, tasks, .. } =
            self.document;
        let Some(task) = tasks.first() else {
            return Err(ServiceError::internal("a draft without a task"));
        };
        let job_type = if kind == "ops" { JobType::Ops } else { JobType::Batch };
        let context = task::context(task, &self.engine, &constraints, labels, self.options.client);
        Ok(Job {
            v: JOB_VERSION,
            id,
            version: 1,
            name: if name.is_empty() { id.to_string() } else { name },
            namespace,
            kind: job_type.kind(u32::try_from(count).unwrap_or(1)),
            priority,
            tasks: [(task.name.clone(), task::task(task, self.engine, cids, &context))].into(),
            context,
            document,
            idempotency_key: self.options.idempotency_key,
        })
    }
}

#[cfg(test)]
mod tests;
