//! The node as its HTTP face sees it.

mod content;
mod jobs;
mod keeping;
mod logs;
mod lookup;
mod nodes;
mod submit;
mod trust;
mod verdicts;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gadus_api::service::{
    AgentInfo, CountedVerdict, ErrorCode, ExplainTarget, Explained, ImportKind, JobsPage,
    JobsQuery, LiesPage, LogStream, LogsRequest, NodeEntry, Reach, Service, ServiceError,
    Submission, Submitted, VerdictsPage,
};
use gadus_api::types::TrustInfo;
use gadus_model::view::JobView;
use gadus_model::{Cid, EvaluationId, JobId, Place, Time};
use gadus_ports::{
    BoxRead, ByteStream, CarPart, Checked, Collected, Imported, Node as Content, Origin, Pin,
    PinPage, Pinned, Resolved, StoreStat,
};
use gadus_protocol::Requester;
use tokio::sync::oneshot;

pub(crate) use self::submit::KeyGate;
use crate::node::Node;
use crate::requester::Command;

#[async_trait]
impl Service for Node {
    async fn agent(&self) -> AgentInfo {
        AgentInfo {
            info: self.own_info().await,
            requester: self.config.requester,
            compute: self.config.compute,
            commit: self.config.commit.clone(),
            built_at: self.config.built_at.clone(),
        }
    }

    async fn submit(&self, submission: Submission) -> Result<Submitted, ServiceError> {
        self.submit_job(submission.job).await
    }

    async fn job(
        &self,
        reference: &str,
        namespace: Option<&str>,
    ) -> Result<Arc<JobView>, ServiceError> {
        self.find_job(reference, namespace.unwrap_or("default")).await
    }

    async fn open_to_all(&self, place: Place) -> Place {
        match &self.publisher {
            Some(publisher) => publisher.open_to_all(place).await,
            None => place,
        }
    }

    async fn wait(&self, id: JobId, wait: Duration) -> Result<Arc<JobView>, ServiceError> {
        self.wait_for_end(id, wait).await
    }

    async fn jobs(&self, query: JobsQuery) -> Result<JobsPage, ServiceError> {
        self.list_jobs(query).await
    }

    async fn stop(&self, id: JobId, reason: String) -> Result<Option<EvaluationId>, ServiceError> {
        self.stop_job(id, reason).await
    }

    async fn explain(&self, target: ExplainTarget) -> Result<Explained, ServiceError> {
        let (job, is_draft) = match target {
            ExplainTarget::Draft(job) => (*job, true),
            ExplainTarget::Job(id) => (self.view(id).await?.job.clone(), false),
        };
        self.look(move |machine, now| Explained {
            plan: machine.explain(now, &job),
            is_seatable: machine.is_seatable(now, &job).filter(|_| is_draft),
        })
        .await
    }

    async fn nodes(&self) -> Result<Vec<NodeEntry>, ServiceError> {
        self.list_nodes().await
    }

    async fn logs(&self, request: LogsRequest) -> Result<LogStream, ServiceError> {
        self.stream_logs(request).await
    }

    async fn import(&self, kind: ImportKind, body: BoxRead) -> Result<Imported, ServiceError> {
        self.import_content(kind, body).await
    }

    async fn import_from(&self, origin: Origin) -> Result<Pinned, ServiceError> {
        Ok(self.sources.pin(&origin).await?)
    }

    async fn open(&self, root: Cid, path: &str) -> Result<Content, ServiceError> {
        self.open_content(root, path).await
    }

    async fn resolve(&self, root: Cid, path: &str, reach: Reach) -> Result<Resolved, ServiceError> {
        self.resolve_content(root, path, reach).await
    }

    async fn car(&self, root: Cid, path: &str, part: CarPart) -> Result<ByteStream, ServiceError> {
        Ok(self.content.export_car(root, path, part, Some(self.all_peers())).await?)
    }

    async fn block(&self, cid: Cid) -> Result<Bytes, ServiceError> {
        self.one_block(cid).await
    }

    async fn keep_records(&self, blocks: Vec<(Cid, Bytes)>) -> Result<(), ServiceError> {
        Ok(self.content.put(blocks).await?)
    }

    async fn keep_task(
        &self,
        job: JobId,
        block: (Cid, Bytes),
        retention_ms: u64,
    ) -> Result<(), ServiceError> {
        self.keep_task_of(job, block, retention_ms).await
    }

    async fn store_stat(&self) -> Result<StoreStat, ServiceError> {
        Ok(self.content.stat().await?)
    }

    async fn trust(&self) -> Result<Vec<TrustInfo>, ServiceError> {
        self.list_trust().await
    }

    async fn ban(&self, node: &str, is_banned: bool) -> Result<(), ServiceError> {
        self.set_ban(node, is_banned).await
    }

    async fn lies(
        &self,
        node: Option<&str>,
        offset: usize,
        limit: usize,
    ) -> Result<LiesPage, ServiceError> {
        self.list_lies(node, offset, limit).await
    }

    async fn count_verdicts(&self, root: Cid) -> Result<Vec<CountedVerdict>, ServiceError> {
        self.judge_and_count(root).await
    }

    async fn verdicts(&self, offset: usize, limit: usize) -> Result<VerdictsPage, ServiceError> {
        self.list_verdicts(offset, limit)
    }

    async fn forget_verdicts(&self, root: Cid) -> Result<(), ServiceError> {
        self.forget_bundle(root).await
    }

    async fn pins(&self, offset: usize, limit: usize) -> Result<PinPage, ServiceError> {
        Ok(self.content.pin_page(offset, limit).await?)
    }

    async fn pin(&self, root: Cid, retention_ms: Option<u64>) -> Result<(Pin, u64), ServiceError> {
        self.pin_content(root, retention_ms).await
    }

    async fn unpin(&self, root: Cid) -> Result<Vec<Pin>, ServiceError> {
        self.unpin_content(root).await
    }

    async fn collect(&self) -> Result<Collected, ServiceError> {
        Ok(self.content.collect().await?)
    }

    async fn check(&self, repair: bool) -> Result<Checked, ServiceError> {
        Ok(self.content.check(repair).await?)
    }
}

impl Node {
    /// Tells the requester's loop something.
    async fn command(&self, command: Command) -> Result<(), ServiceError> {
        let requester = self.requester.as_ref().ok_or_else(ServiceError::not_requester)?;
        requester.send(command).await.map_err(|_| self.stopping())
    }

    /// Looks at the requester's machine. What is seen is durable when this returns.
    async fn look<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Requester, Time) -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let (tx, rx) = oneshot::channel();
        let query = Box::new(move |machine: &Requester, now: Time| {
            let seen = f(machine, now);
            let reply: crate::requester::Reply = Box::new(move || {
                // The caller gave up.
                let _ = tx.send(seen);
            });
            reply
        });
        self.command(Command::Query(query)).await?;
        rx.await.map_err(|_| self.stopping())
    }

    /// Why the requester's loop answers no more.
    fn stopping(&self) -> ServiceError {
        match self.log_failure.get() {
            Some(error) => error.clone().into(),
            None => ServiceError::new(ErrorCode::ServiceUnavailable, "this node is shutting down"),
        }
    }
}
