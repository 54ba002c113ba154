//! Jobs.

use std::time::Duration;

use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use super::{Client, ClientError, REQUEST_TIMEOUT};
use crate::types::{
    EvidenceResponse, Execution, GetJobResponse, JobHistory, ListExecutionsResponse,
    ListHistoryResponse, ListJobsResponse, ListReceiptsResponse, ListResultsResponse, PlanInfo,
    PutJobResponse, SpecConfig, StopJobResponse, TaskResponse,
};

const JOBS: [&str; 4] = ["api", "v1", "orchestrator", "jobs"];

/// How a job is submitted.
#[derive(Clone, Debug, Default)]
pub struct PutOptions {
    /// The same key with the same job is the same submission, so that it can be repeated.
    pub idempotency_key: Option<String>,
    /// Take it even if it is no news.
    pub force: bool,
}

/// Which jobs. What is left empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only this namespace.
    pub namespace: String,
    /// A label selector: `env=prod,tier in (a,b),!x`.
    pub labels: String,
    /// At most as many; 0 means the server's own limit.
    pub limit: u32,
    /// Of the last page.
    pub next_token: String,
    /// `created_at` or `modified_at`.
    pub order_by: String,
    /// The other way round.
    pub reverse: bool,
}

impl Client {
    /// Submits a job: a [`crate::types::Job`], or a document in Bacalhau's format as it was read
    /// from a file, keys in any case.
    ///
    /// # Errors
    /// `Refused` with 400 and everything that is wrong with it, one thing a line; 409 for a key
    /// that stands for another job; 501 for what is not supported yet.
    pub async fn put_job<J: Serialize>(
        &self,
        job: &J,
        options: &PutOptions,
    ) -> Result<PutJobResponse, ClientError> {
        let mut request = self
            .request(Method::PUT, self.url(&JOBS, &[]))
            .timeout(REQUEST_TIMEOUT)
            .json(&json!({ "Job": job, "Force": options.force }));
        if let Some(key) = &options.idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        self.read(request).await
    }

    /// A job with its executions and history, by name, id or a unique prefix of the id.
    ///
    /// # Errors
    /// `Refused` with 404 when there is none.
    pub async fn job(&self, reference: &str) -> Result<GetJobResponse, ClientError> {
        self.get(self.job_url(reference, &[], &[("include", "history,executions")])).await
    }

    /// The receipts of a job, and the CID of the record that links to all of them.
    ///
    /// # Errors
    /// `Refused` with 404 when there is no such job, or no answer of it counts yet.
    pub async fn receipts(&self, reference: &str) -> Result<ListReceiptsResponse, ClientError> {
        self.get(self.job_url(reference, &["receipts"], &[])).await
    }

    /// Evidence against a node that was caught in a job; it need not be named where no other was.
    ///
    /// # Errors
    /// `Refused` with 404 when there is no such job, or nobody was caught in it, 400 when several
    /// were and none is named.
    pub async fn evidence(
        &self,
        reference: &str,
        node: &str,
        partition: Option<u32>,
    ) -> Result<EvidenceResponse, ClientError> {
        let partition = partition.map(|partition| partition.to_string()).unwrap_or_default();
        let query = [("node", node), ("partition", partition.as_str())];
        self.get(self.job_url(reference, &["evidence"], &query)).await
    }

    /// The pinned task of a job, of one of its partitions where it has several.
    ///
    /// # Errors
    /// As [`Client::job`], and `Refused` with 400 for what is not pinned.
    pub async fn job_task(
        &self,
        reference: &str,
        partition: Option<u32>,
    ) -> Result<TaskResponse, ClientError> {
        let partition = partition.map(|n| n.to_string()).unwrap_or_default();
        self.get(self.job_url(reference, &["task"], &[("partition", &partition)])).await
    }

    /// The task that a job would have; its inputs are fetched where they are elsewhere.
    ///
    /// # Errors
    /// As [`Client::put_job`].
    pub async fn draft_task<J: Serialize>(&self, job: &J) -> Result<TaskResponse, ClientError> {
        let url = self.url(&["api", "v1", "orchestrator", "task"], &[]);
        let request = self.request(Method::POST, url).timeout(REQUEST_TIMEOUT);
        self.read(request.json(&json!({ "Job": job }))).await
    }

    /// The same when the job ends, or as it is after `wait`.
    ///
    /// # Errors
    /// As [`Client::job`].
    pub async fn wait(
        &self,
        reference: &str,
        wait: Duration,
    ) -> Result<GetJobResponse, ClientError> {
        let wait_ms = wait.as_millis().to_string();
        let query = [("include", "history,executions"), ("wait_ms", wait_ms.as_str())];
        let url = self.job_url(reference, &[], &query);
        self.read(self.request(Method::GET, url).timeout(wait + REQUEST_TIMEOUT)).await
    }

    /// A page of jobs.
    ///
    /// # Errors
    /// `Refused` with 400 for a bad selector or token.
    pub async fn jobs(&self, filter: &JobFilter) -> Result<ListJobsResponse, ClientError> {
        let limit = if filter.limit == 0 { String::new() } else { filter.limit.to_string() };
        let query = [
            ("namespace", filter.namespace.as_str()),
            ("labels", filter.labels.as_str()),
            ("limit", limit.as_str()),
            ("next_token", filter.next_token.as_str()),
            ("order_by", filter.order_by.as_str()),
            ("reverse", if filter.reverse { "true" } else { "" }),
        ];
        self.get(self.url(&JOBS, &query)).await
    }

    /// The executions of a job, oldest first.
    ///
    /// # Errors
    /// As [`Client::job`].
    pub async fn executions(&self, reference: &str) -> Result<Vec<Execution>, ClientError> {
        let url = self.job_url(reference, &["executions"], &[]);
        Ok(self.get::<ListExecutionsResponse>(url).await?.items)
    }

    /// The whole history of a job so far, oldest first.
    ///
    /// # Errors
    /// As [`Client::job`].
    pub async fn history(&self, reference: &str) -> Result<Vec<JobHistory>, ClientError> {
        let url = |token: &str, _: usize| {
            self.job_url(reference, &["history"], &[("limit", "1000"), ("next_token", token)])
        };
        self.pages::<ListHistoryResponse>(usize::MAX, url).await
    }

    /// The published results of a job.
    ///
    /// # Errors
    /// As [`Client::job`].
    pub async fn results(&self, reference: &str) -> Result<Vec<SpecConfig>, ClientError> {
        let url = self.job_url(reference, &["results"], &[]);
        Ok(self.get::<ListResultsResponse>(url).await?.items)
    }

    /// Cancels a job.
    ///
    /// # Errors
    /// `Refused` when it is over already.
    pub async fn stop(
        &self,
        reference: &str,
        reason: &str,
    ) -> Result<StopJobResponse, ClientError> {
        let url = self.job_url(reference, &[], &[]);
        self.call(Method::DELETE, url, &json!({ "reason": reason })).await
    }

    /// Which nodes would take a job that is here, and why the others would not.
    ///
    /// # Errors
    /// As [`Client::job`].
    pub async fn explain(&self, reference: &str) -> Result<PlanInfo, ClientError> {
        self.get(self.job_url(reference, &["explain"], &[])).await
    }

    /// The same for a job that is not submitted.
    ///
    /// # Errors
    /// As [`Client::put_job`].
    pub async fn explain_draft<J: Serialize>(&self, job: &J) -> Result<PlanInfo, ClientError> {
        let url = self.url(&["api", "v1", "orchestrator", "explain"], &[]);
        self.call(Method::POST, url, &json!({ "Job": job })).await
    }

    pub(super) fn job_url(
        &self,
        reference: &str,
        below: &[&str],
        query: &[(&str, &str)],
    ) -> reqwest::Url {
        self.url(&[&JOBS[..], &[reference], below].concat(), query)
    }
}
