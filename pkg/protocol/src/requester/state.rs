//! Bookkeeping of the job table: the log in, snapshots out, and looking things up.

use std::collections::BTreeMap;
use std::sync::Arc;

use gadus_model::event::{Event, JobEvent, RECORD_VERSION, Record};
use gadus_model::message::Requirements;
use gadus_model::view::JobView;
use gadus_model::{Engine, Job, JobId, NodeId, Plan, Time};

use super::directory::{Directory, Look};
use super::log::JobLog;
use super::queue::Class;
use super::recall::rememberable;
use super::soft::Soft;
use super::{Entry, Requester};
use crate::step::Effect;

impl Requester {
    /// Takes one record in: the only function that changes durable state. Gives the job when
    /// this record settled it, and forgets it.
    pub(super) fn apply(&mut self, record: &Record) -> Option<Arc<JobView>> {
        let event = match &record.body {
            Event::Job(event) => event,
            Event::Trust(event) => {
                self.trust.apply(record.seq, event, self.config.limits.standings_max);
                return None;
            }
            Event::Compute(_) => return None,
        };
        if let JobEvent::Submitted { job, seed } = event {
            self.insert(JobLog::new(job.as_ref().clone(), *seed, record.at));
            return None;
        }
        if let JobEvent::Snapshot { job } = event {
            self.forget(record.job);
            self.insert(JobLog::from_snapshot(job)?);
            return None;
        }
        let entry = self.jobs.get_mut(&record.job)?;
        entry.log.apply(record.seq, record.at, event, self.config.limits.history_max);
        if entry.log.is_settled() { self.forget(record.job) } else { None }
    }

    pub(super) fn insert(&mut self, log: JobLog) {
        let job = &log.view.job;
        let id = job.id;
        self.names.insert((job.namespace.clone(), job.name.clone()), id);
        let client = job.context.client.clone();
        if let Some(key) = &job.idempotency_key {
            self.keys.insert((client.clone(), key.clone()), id);
        }
        *self.clients.entry(client).or_default() += 1;
        let task = rememberable(&log);
        if let Some(task) = task.filter(|_| job.context.verification.is_sealed()) {
            self.equals.insert(task, (log.view.created_at, id));
        }
        let soft = Soft::new(job, task);
        self.jobs.insert(id, Entry { log, soft, deadline: None });
    }

    pub(super) fn forget(&mut self, id: JobId) -> Option<Arc<JobView>> {
        let entry = self.jobs.remove(&id)?;
        let job = &entry.log.view.job;
        let name = (job.namespace.clone(), job.name.clone());
        if self.names.get(&name) == Some(&id) {
            self.names.remove(&name);
        }
        let client = job.context.client.clone();
        if let Some(key) = &job.idempotency_key {
            let key = (client.clone(), key.clone());
            if self.keys.get(&key) == Some(&id) {
                self.keys.remove(&key);
            }
        }
        if let Some(n) = self.clients.get_mut(&client) {
            *n -= 1;
            if *n == 0 {
                self.clients.remove(&client);
            }
        }
        if let Some(at) = entry.deadline {
            self.deadlines.remove(&(at, id));
        }
        self.ready.remove(&id);
        if let Some(task) = entry.soft.task {
            self.equals.remove(task, (entry.log.view.created_at, id));
        }
        let left = self.queue.leave(&entry.soft.class, job, entry.log.view.created_at);
        self.freed |= self.queue.set_bidding(&entry.soft.class, id, 0) || left;
        Some(entry.log.view)
    }

    /// A job that is over and settled leaves the machine for the index.
    pub(super) fn fold_if_settled(&mut self, id: JobId) {
        if self.jobs.get(&id).is_some_and(|e| e.log.is_settled())
            && let Some(view) = self.forget(id)
        {
            self.step.effects.push(Effect::Fold(view));
        }
    }

    /// Makes the accounts and lines again that follow from the jobs.
    pub(super) fn recount(&mut self) {
        for (id, entry) in &mut self.jobs {
            if entry.log.is_escalated() {
                entry.soft.class = Class::alone(*id);
            }
            let view = &entry.log.view;
            for e in entry.log.live() {
                if let Some(node) = entry.log.occupied(&e.execution) {
                    self.directory.commit(node, &e.execution, &view.job.context.resources);
                }
            }
            if entry.log.waits {
                self.queue.join(&entry.soft.class, &view.job, view.created_at);
            }
        }
    }

    /// Snapshots of every live job, for a checkpoint of the log.
    #[must_use]
    pub fn snapshot(&self, now: Time) -> Vec<Record> {
        let record = |log: &JobLog| Record {
            v: RECORD_VERSION,
            owner: self.config.owner,
            job: log.view.job.id,
            seq: log.seq,
            term: self.config.term,
            at: now,
            body: Event::Job(JobEvent::Snapshot { job: Box::new(log.to_snapshot()) }),
        };
        let jobs = self.jobs.values().map(|e| record(&e.log));
        jobs.chain(self.trust_snapshot(now)).collect()
    }

    /// The durable state, for comparing a replay with what lives.
    #[must_use]
    pub fn durable(&self) -> BTreeMap<JobId, &JobLog> {
        self.jobs.iter().map(|(id, e)| (*id, &e.log)).collect()
    }

    /// The durable state of one job.
    #[must_use]
    pub fn log(&self, id: JobId) -> Option<&JobLog> {
        self.jobs.get(&id).map(|e| &e.log)
    }

    /// How much it remembers beside its log, by name: for tests that nothing grows for ever.
    #[must_use]
    pub fn footprint(&self) -> Vec<(&'static str, usize)> {
        let soft = |f: fn(&Soft) -> usize| self.jobs.values().map(|e| f(&e.soft)).sum();
        vec![
            ("jobs", self.jobs.len()),
            ("names", self.names.len()),
            ("keys", self.keys.len()),
            ("clients", self.clients.len()),
            ("deadlines", self.deadlines.len()),
            ("lines", self.queue.len()),
            ("classes bidding", self.queue.classes_bidding()),
            ("equals", self.equals.len()),
            ("nodes given", self.directory.nodes_given()),
            ("absent", self.absent.len()),
            ("standings", self.trust.len()),
            ("rounds", soft(|s| usize::from(s.round.is_some()))),
            ("awards", soft(|s| s.awards.len())),
            ("leases", soft(|s| s.leases.len())),
            ("keeps", soft(|s| s.keeps.len())),
            ("reveals", soft(|s| s.reveals.len())),
            ("empty seats", soft(|s| s.seats_due.len() + s.closes_due.len())),
            ("stops", soft(|s| s.stops.len())),
        ]
    }

    /// A live job. What is held of it stays as it was.
    #[must_use]
    pub fn job(&self, id: JobId) -> Option<&Arc<JobView>> {
        self.jobs.get(&id).map(|e| &e.log.view)
    }

    /// All live jobs, by id.
    pub fn jobs(&self) -> impl Iterator<Item = &Arc<JobView>> {
        self.jobs.values().map(|e| &e.log.view)
    }

    /// The live job of a name.
    #[must_use]
    pub fn job_by_name(&self, namespace: &str, name: &str) -> Option<JobId> {
        self.names.get(&(namespace.to_owned(), name.to_owned())).copied()
    }

    /// The live job of a client's idempotency key.
    #[must_use]
    pub fn job_by_key(&self, client: &str, key: &str) -> Option<JobId> {
        self.keys.get(&(client.to_owned(), key.to_owned())).copied()
    }

    /// The name its jobs go by, and its term.
    #[must_use]
    pub fn identity(&self) -> (gadus_model::OwnerId, u64) {
        (self.config.owner, self.config.term)
    }

    /// The nodes it knows.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Which known nodes would take a job, and why not the others: the value an award would use.
    #[must_use]
    pub fn explain(&self, now: Time, job: &Job) -> Plan {
        match self.jobs.get(&job.id) {
            Some(entry) => self.directory.plan(&self.look(now, entry)),
            None => self.directory.plan(&self.look_at_draft(now, &requirements(job))),
        }
    }

    /// What matching looks at for a job that is not here.
    pub(super) fn look_at_draft<'a>(
        &'a self,
        now: Time,
        requirements: &'a Requirements,
    ) -> Look<'a> {
        Look {
            now,
            disconnect_ms: self.config.limits.disconnect_ms,
            requirements,
            banned: self.trust.banned(),
            round: None,
            skip: None,
            log: None,
        }
    }

    /// What matching looks at for a job.
    pub(super) fn look<'a>(&'a self, now: Time, entry: &'a Entry) -> Look<'a> {
        Look {
            now,
            disconnect_ms: self.config.limits.disconnect_ms,
            requirements: &entry.soft.requirements,
            banned: self.trust.banned(),
            round: entry.soft.round(entry.log.round),
            skip: Some(&entry.soft.skip),
            log: Some(&entry.log),
        }
    }

    /// The plan for a job as it stands.
    pub(super) fn plan(&self, now: Time, id: JobId) -> Plan {
        let entry = self.jobs.get(&id);
        entry.map(|entry| self.directory.plan(&self.look(now, entry))).unwrap_or_default()
    }

    /// Who runs a job's execution, for logs.
    #[must_use]
    pub fn node_of(&self, id: JobId, execution: gadus_model::ExecutionId) -> Option<NodeId> {
        let view = self.job(id)?;
        view.executions.iter().find(|e| e.execution.id() == execution).map(|e| e.node)
    }
}

/// What a job needs of a node.
#[must_use]
pub(super) fn requirements(job: &Job) -> Requirements {
    let context = &job.context;
    Requirements {
        engine: job.task().map_or(Engine::Wasm, |(_, task)| task.engine()),
        resources: context.resources,
        constraints: context.constraints.clone(),
        network: context.network,
        publishes_to: context.publisher.required(),
    }
}

/// Folds a job's stream into its view when it has settled: how an index is made again from the
/// log alone.
#[derive(Debug)]
pub struct Folder {
    machine: Requester,
}

impl Folder {
    /// A folder that has seen nothing.
    #[must_use]
    pub fn new(config: super::RequesterConfig) -> Self {
        Self { machine: Requester::replay(config, []) }
    }

    /// Takes the next record; gives the job that it settled.
    pub fn apply(&mut self, record: &Record) -> Option<Arc<JobView>> {
        self.machine.apply(record)
    }
}
