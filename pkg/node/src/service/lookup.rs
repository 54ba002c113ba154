//! Finding jobs: first among those that live, then in the index. A job moves from the one to the
//! other and never back, so this order misses none.

use std::sync::Arc;
use std::time::Duration;

use gadus_api::convert::evaluation_id;
use gadus_api::service::ServiceError;
use gadus_model::view::JobView;
use gadus_model::{EvaluationId, JobId, JobState};
use tokio::sync::oneshot;

use crate::node::Node;
use crate::requester::Command;

/// Jobs of one prefix that are looked at to tell that it is ambiguous.
const PREFIX_MAX: usize = 2;

impl Node {
    /// A job by its id.
    pub(super) async fn view(&self, id: JobId) -> Result<Arc<JobView>, ServiceError> {
        let live = self.look(move |machine, _| machine.job(id).cloned()).await?;
        if let Some(view) = live {
            return Ok(view);
        }
        let stored = self.store.job(id)?;
        stored.map(Arc::new).ok_or_else(|| ServiceError::job_not_found(&id.to_string()))
    }

    /// A job by its name, its id, or a unique prefix of its id.
    pub(super) async fn find_job(
        &self,
        reference: &str,
        namespace: &str,
    ) -> Result<Arc<JobView>, ServiceError> {
        let id = reference.parse::<JobId>().ok();
        let (name, space) = (reference.to_owned(), namespace.to_owned());
        let live = self.look(move |machine, _| {
            let id = machine.job_by_name(&space, &name).or(id);
            id.and_then(|id| machine.job(id)).cloned()
        });
        if let Some(view) = live.await? {
            return Ok(view);
        }
        if let Some(id) = self.store.job_by_name(namespace, reference)?.or(id) {
            return self.view(id).await;
        }
        let prefix = reference.strip_prefix("j-").unwrap_or(reference).to_ascii_lowercase();
        if prefix.is_empty() || !prefix.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
            return Err(ServiceError::job_not_found(reference));
        }
        let mut found = self.store.jobs_by_prefix(&prefix, PREFIX_MAX)?;
        let wanted = format!("j-{prefix}");
        let live = self.look(move |machine, _| {
            let ids = machine.jobs().map(|view| view.job.id);
            ids.filter(|id| id.to_string().starts_with(&wanted))
                .take(PREFIX_MAX)
                .collect::<Vec<_>>()
        });
        found.extend(live.await?);
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [] => Err(ServiceError::job_not_found(reference)),
            [only] => self.view(*only).await,
            [_, _, ..] => Err(ServiceError::ambiguous_job(reference)),
        }
    }

    /// The job when it has ended, or as it is after `wait`.
    pub(super) async fn wait_for_end(
        &self,
        id: JobId,
        wait: Duration,
    ) -> Result<Arc<JobView>, ServiceError> {
        let (reply, ended) = oneshot::channel();
        self.command(Command::Wait { job: id, change: false, reply }).await?;
        match tokio::time::timeout(wait, ended).await {
            Ok(Ok(Some(view))) => Ok(view),
            Ok(Err(_)) => Err(self.stopping()),
            // It has settled, or has not ended yet.
            Ok(Ok(None)) | Err(_) => self.view(id).await,
        }
    }

    /// The job after something has happened to it; at once when it is over.
    pub(super) async fn wait_for_change(
        &self,
        id: JobId,
        seen: u64,
    ) -> Result<Arc<JobView>, ServiceError> {
        loop {
            let (reply, changed) = oneshot::channel();
            self.command(Command::Wait { job: id, change: true, reply }).await?;
            // Asked first and looked at second, so that no change falls between.
            let view = self.view(id).await?;
            if view.revision > seen || view.state.is_terminal() {
                return Ok(view);
            }
            if let Some(view) = changed.await.map_err(|_| self.stopping())?
                && view.revision > seen
            {
                return Ok(view);
            }
        }
    }

    pub(super) async fn stop_job(
        &self,
        id: JobId,
        reason: String,
    ) -> Result<Option<EvaluationId>, ServiceError> {
        let view = self.view(id).await?;
        match view.state {
            JobState::Stopped => return Ok(None),
            state @ (JobState::Completed | JobState::Failed) => {
                return Err(ServiceError::cannot_stop(id, state));
            }
            JobState::Submitted | JobState::Bidding | JobState::Queued | JobState::Running => {}
        }
        let (reply, done) = oneshot::channel();
        self.command(Command::Stop { job: id, reason, reply }).await?;
        done.await.map_err(|_| self.stopping())?;
        Ok(Some(evaluation_id(id, view.job.version, "job-cancel")))
    }
}
