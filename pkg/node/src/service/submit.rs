//! Taking jobs.

use std::collections::{BTreeMap, BTreeSet};

use gadus_api::convert::{evaluation_id, same_document};
use gadus_api::service::{ErrorCode, ServiceError, Submitted};
use gadus_model::{Input, Job, JobId};
use gadus_protocol::requester::SubmitError;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::node::Node;
use crate::requester::Command;

/// Lets one submission per (client, idempotency key) through at a time, so that of two at once
/// the second sees the first's job.
#[derive(Debug, Default)]
pub(crate) struct KeyGate {
    busy: Mutex<BTreeSet<(String, String)>>,
    freed: Notify,
}

impl KeyGate {
    async fn enter(&self, key: &(String, String)) -> Pass<'_> {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.busy.lock().insert(key.clone()) {
                return Pass { gate: self, key: key.clone() };
            }
            freed.await;
        }
    }
}

/// Holds a key until it is dropped, which a caller that gives up does too.
struct Pass<'a> {
    gate: &'a KeyGate,
    key: (String, String),
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.busy.lock().remove(&self.key);
        self.gate.freed.notify_waiters();
    }
}

impl Node {
    pub(super) async fn submit_job(&self, job: Job) -> Result<Submitted, ServiceError> {
        let key = job.idempotency_key.clone().map(|key| (job.context.client.clone(), key));
        let Some(key) = key else { return self.submit_new(job).await };
        let _pass = self.keys.enter(&key).await;
        match self.by_key(&key, &job).await? {
            Some(known) => Ok(known),
            None => self.submit_new(job).await,
        }
    }

    /// The job that an idempotency key stands for already.
    async fn by_key(
        &self,
        key: &(String, String),
        job: &Job,
    ) -> Result<Option<Submitted>, ServiceError> {
        let (client, name) = key.clone();
        let live = self.look(move |machine, _| machine.job_by_key(&client, &name)).await?;
        let known = match live {
            Some(id) => Some(id),
            None => self.store.job_by_key(&key.0, &key.1)?,
        };
        let Some(id) = known else { return Ok(None) };
        let view = self.view(id).await?;
        if !same_document(&view.job.document, &job.document) {
            return Err(ServiceError::idempotency_conflict(&key.1, id));
        }
        Ok(Some(submitted(id, view.job.version)))
    }

    /// Bytes of those inputs whose roots are here, by their paths.
    async fn input_bytes(&self, job: &Job) -> BTreeMap<String, u64> {
        let mut known = BTreeMap::new();
        for (path, input) in job.task().into_iter().flat_map(|(_, task)| &task.inputs) {
            if let Input::Cid(cid) = input
                && let Some(bytes) = self.content.tree_bytes(cid).await
            {
                known.insert(path.clone(), bytes);
            }
        }
        known
    }

    async fn submit_new(&self, mut job: Job) -> Result<Submitted, ServiceError> {
        let (id, version) = (job.id, job.version);
        job.context.input_bytes = self.input_bytes(&job).await;
        // A job that was given no name has its own id, which no other job has.
        let is_named = job.name != id.to_string();
        let named =
            if is_named { self.store.job_by_name(&job.namespace, &job.name) } else { Ok(None) }?;
        if let Some(by) = named {
            return Err(name_taken(&job.name, by));
        }
        let name = job.name.clone();
        let (reply, done) = oneshot::channel();
        self.command(Command::Submit { job: Box::new(job), reply }).await?;
        match done.await.map_err(|_| self.stopping())? {
            Ok(()) => Ok(submitted(id, version)),
            Err(SubmitError::NameTaken { by }) => Err(name_taken(&name, by)),
            Err(SubmitError::Known) => {
                Err(ServiceError::new(ErrorCode::ResourceInUse, format!("job {id} is known")))
            }
            Err(SubmitError::TooManyJobs { max }) => {
                Err(full(format!("this requester has {max} live jobs, its limit jobs_max")))
            }
            Err(SubmitError::TooManyJobsOfClient { max }) => {
                Err(full(format!("this client has {max} live jobs, the limit jobs_per_client_max")))
            }
            Err(SubmitError::QueueFull { max }) => {
                Err(full(format!("{max} jobs wait for nodes, the limit queue_max")))
            }
            Err(SubmitError::TooManyHolders { holders, max }) => Err(ServiceError::bad_request(
                format!("the job asks for {holders} holders, the limit replicas_max is {max}"),
            )),
            Err(SubmitError::TooFewNodes { holders, nodes }) => {
                Err(ServiceError::bad_request(format!(
                    "the job asks for {holders} nodes that hold its result, and this network \
                     has {nodes}"
                ))
                .with_hint("ask for fewer replicas, or submit it when more nodes are there"))
            }
            Err(SubmitError::Unverifiable { why }) => Err(ServiceError::bad_request(format!(
                "the job's result is to be checked, and cannot be: {why}"
            ))
            .with_hint("submit it with the verification 'attest', or none")),
            Err(SubmitError::TooManySlots { slots, max }) => Err(ServiceError::bad_request(
                format!("the job asks for {slots} executions, the limit slots_max is {max}"),
            )),
        }
    }
}

fn submitted(job: JobId, version: u32) -> Submitted {
    let evaluation = evaluation_id(job, version, "job-register");
    Submitted { job, evaluation, warnings: Vec::new() }
}

fn full(message: String) -> ServiceError {
    ServiceError::exhausted(message)
}

fn name_taken(name: &str, by: JobId) -> ServiceError {
    ServiceError::not_implemented(
        format!("updating a job (the name '{name}' is {by}'s already)"),
        "give the job another name, or none",
    )
}
