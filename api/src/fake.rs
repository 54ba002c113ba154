//! A node without a network: what tests put behind the routes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use gadus_model::view::JobView;
use gadus_model::{Cid, EvaluationId, Job, JobId, JobState, Place};
use gadus_ports::{
    BoxRead, ByteStream, CarPart, Checked, Collected, ContentError, Imported, LogChunk, Node,
    Origin, Pin, PinPage, PinReason, Pinned, Resolved, StoreStat,
};
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;

use crate::convert::{evaluation_id, same_document};
use crate::service::{
    AgentInfo, CountedVerdict, ErrorCode, ExplainTarget, Explained, ImportKind, JobsPage,
    JobsQuery, LiesPage, LogStream, LogsRequest, NodeEntry, Reach, Service, ServiceError,
    Submission, Submitted, VerdictsPage,
};

use crate::types::TrustInfo;

mod content;
pub(crate) mod sample;

pub(crate) use content::Tree;

/// A node that takes every job, runs none, and shows what it is given.
#[derive(Default)]
pub(crate) struct FakeService {
    inner: Mutex<Inner>,
    /// Ends every wait.
    pub(crate) ended: Notify,
}

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) jobs: BTreeMap<JobId, Arc<JobView>>,
    pub(crate) submitted: Vec<Job>,
    pub(crate) explained: Vec<Job>,
    pub(crate) stopped: Vec<(JobId, String)>,
    pub(crate) queries: Vec<JobsQuery>,
    pub(crate) waits: Vec<Duration>,
    pub(crate) logs: Vec<LogChunk>,
    pub(crate) logs_asked: Vec<LogsRequest>,
    pub(crate) logs_go_on: bool,
    pub(crate) logs_never_open: bool,
    pub(crate) nodes: Vec<NodeEntry>,
    pub(crate) trust: Vec<TrustInfo>,
    pub(crate) imports: Vec<(ImportKind, Vec<u8>)>,
    pub(crate) pinned: Vec<Origin>,
    pub(crate) content: BTreeMap<Cid, Tree>,
    /// Records that it was given to keep.
    pub(crate) records: BTreeMap<Cid, Bytes>,
    /// What was asked for as a CAR.
    pub(crate) cars: Vec<(Cid, String, CarPart)>,
    /// How far each path was followed.
    pub(crate) reaches: Vec<Reach>,
    pub(crate) pins: Vec<Pin>,
    /// Bundles that are counted, with their tasks.
    pub(crate) bundles: BTreeMap<Cid, Vec<Cid>>,
    pub(crate) panics: bool,
    /// What it answers to whatever would have to be stored.
    pub(crate) refusal: Option<ServiceError>,
}

impl FakeService {
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(crate) fn with_job(view: JobView) -> Arc<Self> {
        let fake = Self::default();
        fake.inner().jobs.insert(view.job.id, Arc::new(view));
        Arc::new(fake)
    }
}

#[async_trait]
impl Service for FakeService {
    async fn agent(&self) -> AgentInfo {
        sample::agent()
    }

    async fn submit(&self, submission: Submission) -> Result<Submitted, ServiceError> {
        let mut inner = self.inner();
        if let Some(refusal) = &inner.refusal {
            return Err(refusal.clone());
        }
        let job = submission.job;
        if let Some(key) = &job.idempotency_key
            && let Some(there) =
                inner.jobs.values().find(|v| v.job.idempotency_key.as_ref() == Some(key))
        {
            if !same_document(&there.job.document, &job.document) {
                return Err(ServiceError::idempotency_conflict(key, there.job.id));
            }
            return Ok(submitted(there.job.id));
        }
        let id = job.id;
        inner.submitted.push(job.clone());
        inner.jobs.insert(id, Arc::new(sample::new_view(job)));
        Ok(submitted(id))
    }

    async fn job(
        &self,
        reference: &str,
        namespace: Option<&str>,
    ) -> Result<Arc<JobView>, ServiceError> {
        let inner = self.inner();
        assert!(!inner.panics, "asked to");
        let namespace = namespace.unwrap_or("default");
        let named = |v: &&Arc<JobView>| v.job.name == reference && v.job.namespace == namespace;
        let id = |v: &&Arc<JobView>| v.job.id.to_string().starts_with(reference);
        let mut found = inner.jobs.values().filter(id);
        match (inner.jobs.values().find(named), found.next(), found.next()) {
            (Some(view), _, _) | (None, Some(view), None) => Ok(view.clone()),
            (None, Some(_), Some(_)) => Err(ServiceError::ambiguous_job(reference)),
            (None, None, _) => Err(ServiceError::job_not_found(reference)),
        }
    }

    async fn open_to_all(&self, place: Place) -> Place {
        place
    }

    async fn wait(&self, id: JobId, wait: Duration) -> Result<Arc<JobView>, ServiceError> {
        self.inner().waits.push(wait);
        let _ = tokio::time::timeout(wait, self.ended.notified()).await;
        self.job(&id.to_string(), None).await
    }

    async fn jobs(&self, query: JobsQuery) -> Result<JobsPage, ServiceError> {
        let mut inner = self.inner();
        inner.queries.push(query.clone());
        let meets = |v: &&Arc<JobView>| {
            query.labels.iter().all(|c| c.matches(&v.job.context.labels))
                && query.namespace.as_ref().is_none_or(|n| *n == v.job.namespace)
        };
        let mut all: Vec<_> = inner.jobs.values().filter(meets).cloned().collect();
        all.sort_by_key(|v| v.created_at);
        if query.reverse {
            all.reverse();
        }
        let end = (query.offset + query.limit).min(all.len());
        let next_offset = Some(end).filter(|end| *end < all.len());
        let jobs = all.into_iter().skip(query.offset).take(query.limit).collect();
        Ok(JobsPage { jobs, next_offset })
    }

    async fn stop(&self, id: JobId, reason: String) -> Result<Option<EvaluationId>, ServiceError> {
        let view = self.job(&id.to_string(), None).await?;
        match view.state {
            JobState::Completed | JobState::Failed => {
                Err(ServiceError::cannot_stop(id, view.state))
            }
            JobState::Stopped => Ok(None),
            JobState::Submitted | JobState::Bidding | JobState::Queued | JobState::Running => {
                self.inner().stopped.push((id, reason));
                Ok(Some(evaluation_id(id, 1, "job-cancel")))
            }
        }
    }

    async fn explain(&self, target: ExplainTarget) -> Result<Explained, ServiceError> {
        let mut is_seatable = None;
        if let ExplainTarget::Draft(job) = target {
            is_seatable = job.context.verification.is_sealed().then_some(true);
            self.inner().explained.push(*job);
        }
        Ok(Explained { plan: sample::plan(), is_seatable })
    }

    async fn nodes(&self) -> Result<Vec<NodeEntry>, ServiceError> {
        Ok(self.inner().nodes.clone())
    }

    async fn trust(&self) -> Result<Vec<TrustInfo>, ServiceError> {
        Ok(self.inner().trust.clone())
    }

    async fn ban(&self, node: &str, is_banned: bool) -> Result<(), ServiceError> {
        let mut inner = self.inner();
        let row = inner.trust.iter_mut().find(|row| row.node_id == node);
        let row = row.ok_or_else(|| ServiceError::bad_request(format!("no node {node}")))?;
        row.level = if is_banned { "banned" } else { "unknown" }.to_owned();
        Ok(())
    }

    async fn lies(
        &self,
        node: Option<&str>,
        offset: usize,
        limit: usize,
    ) -> Result<LiesPage, ServiceError> {
        let inner = self.inner();
        let told = |view: &Arc<JobView>| {
            view.lies().map(|lie| (Arc::clone(view), lie)).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = inner.jobs.values().flat_map(told).collect();
        all.retain(|(_, lie)| node.is_none_or(|node| node == lie.node().to_string()));
        let end = (offset + limit).min(all.len());
        let next_offset = Some(end).filter(|end| *end < all.len());
        let lies = all.into_iter().skip(offset).take(limit).collect();
        Ok(LiesPage { lies, next_offset })
    }

    async fn logs(&self, request: LogsRequest) -> Result<LogStream, ServiceError> {
        let view = self.job(&request.job.to_string(), None).await?;
        if view.executions.is_empty() && !request.follow {
            return Err(ServiceError::no_executions(&view.job.name, view.job.id));
        }
        let never = self.inner().logs_never_open;
        if never {
            std::future::pending::<()>().await;
        }
        let mut inner = self.inner();
        inner.logs_asked.push(request);
        let chunks = stream::iter(inner.logs.clone()).map(Ok);
        Ok(if inner.logs_go_on { chunks.chain(stream::pending()).boxed() } else { chunks.boxed() })
    }

    async fn import(&self, kind: ImportKind, mut body: BoxRead) -> Result<Imported, ServiceError> {
        let mut bytes = Vec::new();
        body.read_to_end(&mut bytes).await.map_err(|source| {
            ServiceError::from(ContentError::Io { doing: "reading the upload".into(), source })
        })?;
        let mut inner = self.inner();
        if let Some(refusal) = &inner.refusal {
            return Err(refusal.clone());
        }
        let imported = sample::imported(&bytes);
        inner.imports.push((kind, bytes));
        Ok(imported)
    }

    async fn import_from(&self, origin: Origin) -> Result<Pinned, ServiceError> {
        let mut inner = self.inner();
        if let Some(refusal) = &inner.refusal {
            return Err(refusal.clone());
        }
        let uri = origin.to_string();
        let name = uri.rsplit('/').next().map(str::to_owned);
        inner.pinned.push(origin);
        let imported = sample::imported(uri.as_bytes());
        let (bytes, files) = (imported.bytes, imported.files);
        Ok(Pinned { cid: imported.root, name, bytes, files })
    }

    async fn open(&self, root: Cid, path: &str) -> Result<Node, ServiceError> {
        content::open(&self.inner().content, root, path).map_err(ServiceError::from)
    }

    async fn resolve(&self, root: Cid, path: &str, reach: Reach) -> Result<Resolved, ServiceError> {
        self.inner().reaches.push(reach);
        content::resolve(&self.inner().content, root, path).map_err(ServiceError::from)
    }

    async fn car(&self, root: Cid, path: &str, part: CarPart) -> Result<ByteStream, ServiceError> {
        let mut inner = self.inner();
        inner.cars.push((root, path.to_owned(), part));
        let broken = matches!(inner.content.get(&root), Some(Tree::Broken(_)));
        let error = ContentError::Missing { cid: root, asked: 0, waited_ms: 0 };
        let begin = stream::iter([Ok(Bytes::from_static(b"a car"))]);
        Ok(begin.chain(stream::iter(broken.then_some(Err(error)))).boxed())
    }

    async fn block(&self, cid: Cid) -> Result<Bytes, ServiceError> {
        content::block(&self.inner().content, cid).map_err(ServiceError::from)
    }

    async fn keep_records(&self, blocks: Vec<(Cid, Bytes)>) -> Result<(), ServiceError> {
        self.inner().records.extend(blocks);
        Ok(())
    }

    async fn keep_task(
        &self,
        job: JobId,
        (cid, block): (Cid, Bytes),
        retention_ms: u64,
    ) -> Result<(), ServiceError> {
        let mut inner = self.inner();
        inner.content.insert(cid, Tree::Plain(block));
        let made = sample::at(0);
        let until = Some(made.plus_ms(retention_ms)).filter(|_| retention_ms > 0);
        inner.pins.push(Pin { root: cid, reason: PinReason::Task(job), made: Some(made), until });
        Ok(())
    }

    async fn count_verdicts(&self, root: Cid) -> Result<Vec<CountedVerdict>, ServiceError> {
        let mut inner = self.inner();
        if let Some(refusal) = &inner.refusal {
            return Err(refusal.clone());
        }
        let replays = inner.jobs.values().flat_map(|view| view.replays().collect::<Vec<_>>());
        let counted = replays.map(|replay| CountedVerdict {
            voters: replay.origin.voters.iter().map(|node| (*node, true)).collect(),
            worth: Some(replay.origin.level),
            replay,
        });
        let verdicts: Vec<_> = counted.collect();
        let tasks = verdicts.iter().map(CountedVerdict::task).collect();
        inner.bundles.insert(root, tasks);
        Ok(verdicts)
    }

    async fn verdicts(&self, offset: usize, limit: usize) -> Result<VerdictsPage, ServiceError> {
        let inner = self.inner();
        let page = inner.bundles.iter().skip(offset).take(limit);
        let bundles: Vec<_> = page.map(|(root, tasks)| (*root, tasks.clone())).collect();
        let end = offset + bundles.len();
        let next_offset = Some(end).filter(|end| *end < inner.bundles.len());
        Ok(VerdictsPage { bundles, next_offset })
    }

    async fn forget_verdicts(&self, root: Cid) -> Result<(), ServiceError> {
        let forgotten = self.inner().bundles.remove(&root);
        let none = || ServiceError::new(ErrorCode::NotFound, format!("{root} is not counted"));
        forgotten.map(|_| ()).ok_or_else(none)
    }

    async fn store_stat(&self) -> Result<StoreStat, ServiceError> {
        Ok(sample::store_stat())
    }

    async fn pins(&self, offset: usize, limit: usize) -> Result<PinPage, ServiceError> {
        let inner = self.inner();
        let pins: Vec<_> = inner.pins.iter().skip(offset).take(limit).cloned().collect();
        let end = offset + pins.len();
        Ok(PinPage { pins, next_offset: Some(end).filter(|end| *end < inner.pins.len()) })
    }

    async fn pin(&self, root: Cid, retention_ms: Option<u64>) -> Result<(Pin, u64), ServiceError> {
        let mut inner = self.inner();
        if let Some(refusal) = &inner.refusal {
            return Err(refusal.clone());
        }
        let made = sample::at(0);
        let until = retention_ms.map(|ms| made.plus_ms(ms));
        let pin = Pin { root, reason: PinReason::User, made: Some(made), until };
        inner.pins.push(pin.clone());
        Ok((pin, 5))
    }

    async fn unpin(&self, root: Cid) -> Result<Vec<Pin>, ServiceError> {
        let mut inner = self.inner();
        let (own, left): (Vec<_>, Vec<_>) = inner
            .pins
            .iter()
            .filter(|pin| pin.root == root)
            .cloned()
            .partition(|pin| pin.reason == PinReason::User);
        match (own.is_empty(), left.first()) {
            (true, None) => return Err(ServiceError::not_pinned(&root)),
            (true, Some(pin)) => return Err(ServiceError::pinned_for_jobs(&root, &pin.reason)),
            (false, _) => {}
        }
        inner.pins.retain(|pin| pin.root != root || pin.reason != PinReason::User);
        Ok(left)
    }

    async fn collect(&self) -> Result<Collected, ServiceError> {
        Ok(Collected { blocks: 3, bytes: 4_096, packs: 1, ..Collected::default() })
    }

    async fn check(&self, repair: bool) -> Result<Checked, ServiceError> {
        Ok(sample::checked(repair))
    }
}

fn submitted(job: JobId) -> Submitted {
    Submitted { job, evaluation: evaluation_id(job, 1, "job-register"), warnings: Vec::new() }
}
