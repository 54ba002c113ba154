//! From a submitted document to a job of the model.

use std::collections::BTreeMap;

use bytes::Bytes;
use gadus_model::codec::{self, RAW};
use gadus_model::job::JOB_VERSION;
use gadus_model::{Cid, Context, Job, JobId, JobType, NodeId, PublisherSpec};
use gadus_ports::Origin;

use super::engine::{self, EngineSpec, PinnedTask, legacy, pinned};
use super::promise::{self, Retention};
use super::sources::{self, Source};
use super::supported::{self, Problem};
use super::{document, publisher, task, validate, verification};
use crate::quantity::parse_bytes;
use crate::service::{ErrorCode, ServiceError};
use crate::types::{Job as Document, SpecConfig};

/// The parameter of a source that tells where its content came from. Ours.
const PINNED_FROM: &str = "PinnedFrom";

/// What a submission is, besides its document.
#[derive(Clone, Debug, Default)]
pub struct DraftOptions {
    /// Partitions of one job.
    pub count_max: u32,
    /// How long results are kept.
    pub retention: Retention,
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

/// A document that is good, but for inputs that are not content yet.
#[derive(Clone, Debug)]
pub struct Draft {
    document: Document,
    engine: EngineSpec,
    publisher: PublisherSpec,
    sources: Vec<Source>,
    options: DraftOptions,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// An input that is not content yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which input of the task.
    pub index: usize,
    /// Where its data is.
    pub data: Data,
}

/// The data of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A file, in the document.
    File(Bytes),
    /// A directory, in the document: a tar, compressed with gzip.
    Archive(Bytes),
    /// Elsewhere.
    At(Origin),
}

/// What an input has become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Had {
    /// Its content.
    pub cid: Cid,
    /// What it is called where it came from.
    pub name: Option<String>,
}

/// The name of a file that has none of its own.
const NAMELESS: &str = "download";

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
        let mut errors = validate::job(&document, options.count_max);
        errors.extend(promise::errors(&document, options.retention));
        errors.extend(verification::errors(&document));
        errors.extend(pinned::errors(&document));
        let Some(task) = document.tasks.first().filter(|_| errors.is_empty()) else {
            return Err(Problem::Invalid(errors).into());
        };
        supported::check(&document, task)?;
        let publisher = publisher::read(task)?;
        let engine = engine::read(task)?;
        let inputs = task.input_sources.iter();
        let sources = inputs.map(|input| sources::read(task, input)).collect::<Result<_, _>>()?;
        document::normalise(&mut document);
        let mut draft = Self { document, engine, publisher, sources, options, warnings };
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

    /// The block of a task that has to be there before [`Draft::finish`].
    #[must_use]
    pub fn wanted_task(&self) -> Option<Cid> {
        match &self.engine {
            EngineSpec::Pinned { task: PinnedTask::Named(cid), .. } => Some(*cid),
            EngineSpec::Pinned { .. } | EngineSpec::Docker { .. } | EngineSpec::Wasm { .. } => None,
        }
    }

    /// The same with that block.
    ///
    /// # Errors
    /// `ValidationError` for what is no task that can run.
    pub fn with_task(mut self, block: &[u8]) -> Result<Self, ServiceError> {
        let document = self.document.tasks.first();
        if let (EngineSpec::Pinned { task, image }, Some(document)) = (&mut self.engine, document)
            && let PinnedTask::Named(cid) = task
        {
            let work = pinned::of_block(document, *cid, image.as_deref(), block)?;
            *task = PinnedTask::Here(Box::new(work));
        }
        Ok(self)
    }

    /// Whether the job carries a task as it is.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        matches!(self.engine, EngineSpec::Pinned { .. })
    }

    /// What has to become content before [`Draft::finish`].
    pub fn wanted(&self) -> impl Iterator<Item = Wanted> + '_ {
        self.sources.iter().enumerate().filter_map(|(index, source)| {
            let data = match source {
                Source::Cid(_) => return None,
                Source::Inline(bytes) => Data::File(bytes.clone().into()),
                Source::Archive(bytes) => Data::Archive(bytes.clone().into()),
                Source::Origin(origin) => Data::At(origin.clone()),
            };
            Some(Wanted { index, data })
        })
    }

    /// The job, with all of its inputs named by what they have become. A file from a URL or a
    /// bucket goes into the input's target, under its own name, as Bacalhau has it.
    ///
    /// # Errors
    /// `InternalError` when an input is not there; `ValidationError` when two would be at one place.
    pub fn finish(mut self, id: JobId, had: &BTreeMap<usize, Had>) -> Result<Job, ServiceError> {
        let mut cids = Vec::new();
        for (index, source) in self.sources.iter().enumerate() {
            let cid = match (source, had.get(&index)) {
                // A task has one name for what it names.
                (Source::Cid(cid), _) => cid.into_v1().unwrap_or(*cid),
                (_, Some(had)) => had.cid,
                (_, None) => {
                    return Err(ServiceError::internal(format!("input {index} is not there")));
                }
            };
            cids.push(cid);
        }
        let module = self.engine.module_input();
        for task in &mut self.document.tasks {
            for (index, (input, cid)) in task.input_sources.iter_mut().zip(&cids).enumerate() {
                let shown = match self.sources.get(index) {
                    Some(Source::Cid(given)) => given,
                    Some(Source::Inline(_) | Source::Archive(_) | Source::Origin(_)) | None => cid,
                };
                let mut source = SpecConfig::new("ipfs").with("CID", shown.to_string());
                if let Some(Source::Origin(origin)) = self.sources.get(index) {
                    source = source.with(PINNED_FROM, origin.shown());
                    if origin.is_one_file() && module != Some(index) {
                        let name = had.get(&index).and_then(|had| had.name.as_deref());
                        let name = name.unwrap_or(NAMELESS);
                        input.target = format!("{}/{name}", input.target.trim_end_matches('/'));
                    }
                }
                input.source = source;
            }
            if let Some(what) = validate::twice(&task.input_sources) {
                return Err(Problem::Invalid(vec![what]).into());
            }
        }
        self.build(id, &cids)
    }

    /// The job as it would be, nothing imported: inputs that are not content yet have CIDs that
    /// stand for them.
    ///
    /// # Errors
    /// As [`Draft::finish`].
    pub fn preview(self, id: JobId) -> Result<Job, ServiceError> {
        let stand_in = |wanted: Wanted| {
            let (bytes, name) = match &wanted.data {
                Data::File(bytes) | Data::Archive(bytes) => (bytes.clone(), None),
                Data::At(origin) => {
                    let uri = origin.shown();
                    let name = uri.rsplit('/').next().filter(|name| !name.is_empty());
                    (Bytes::from(uri.clone()), name.map(str::to_owned))
                }
            };
            (wanted.index, Had { cid: codec::cid_of(RAW, &bytes), name })
        };
        let had = self.wanted().map(stand_in).collect();
        self.finish(id, &had)
    }

    /// Of a task that is pinned, the document says what it gets: as much memory as it may use.
    fn show_memory(&mut self) {
        let EngineSpec::Pinned { task: PinnedTask::Here(work), .. } = &self.engine else { return };
        let memory = self.document.tasks.first_mut().map(|task| &mut task.resources.memory);
        match (&work.det, memory) {
            (Some(det), Some(memory)) => *memory = det.memory_max_bytes.to_string(),
            (None, Some(memory)) if parse_bytes(memory).unwrap_or(0) == 0 => {
                document::MEMORY_DEFAULT.clone_into(memory);
            }
            (_, Some(_) | None) => {}
        }
    }

    fn build(mut self, id: JobId, cids: &[Cid]) -> Result<Job, ServiceError> {
        self.show_memory();
        let document = serde_json::to_string(&self.document)
            .map_err(|e| ServiceError::internal(format!("the document does not encode: {e}")))?;
        let retention_ms = promise::retention_ms(&self.document, self.options.retention);
        let publisher = self.publisher;
        let durability = promise::durability(&self.document, &publisher);
        let verification = verification::verification(&self.document);
        let fresh = self.document.fresh;
        let Document { name, namespace, kind, priority, count, labels, constraints, tasks, .. } =
            self.document;
        let Some(task) = tasks.first() else {
            return Err(ServiceError::internal("a draft without a task"));
        };
        let job_type = if kind == "ops" { JobType::Ops } else { JobType::Batch };
        let context = task::context(task, &self.engine, &constraints, labels, self.options.client);
        let context =
            Context { publisher, durability, retention_ms, verification, fresh, ..context };
        Ok(Job {
            v: JOB_VERSION,
            id,
            version: 1,
            name: if name.is_empty() { id.to_string() } else { name },
            namespace,
            kind: job_type.kind(u32::try_from(count).unwrap_or(1)),
            priority,
            tasks: [(task.name.clone(), task::task(task, self.engine, cids, &context)?)].into(),
            context,
            document,
            idempotency_key: self.options.idempotency_key,
        })
    }
}

#[cfg(test)]
mod tests;
