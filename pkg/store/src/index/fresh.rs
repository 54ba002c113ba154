//! Folded jobs that are not in the file yet, found as those in the file are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gadus_model::view::JobView;
use gadus_model::{Cid, JobId, LieId, NodeId, Time};

/// Where a lie is in lists: by node, then by the job's creation.
pub(crate) type LiePlace = (NodeId, Time, JobId, u32);

/// Jobs in memory. A few hundred under load, none at rest.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    jobs: BTreeMap<JobId, Arc<JobView>>,
    /// By namespace, name, creation.
    names: BTreeSet<(String, String, Time, JobId)>,
    /// By client and idempotency key.
    keys: BTreeMap<(String, String), JobId>,
    /// By the tasks whose results they verified.
    known: BTreeSet<(Cid, JobId)>,
    /// As the file's table has them.
    lies: BTreeSet<LiePlace>,
}

impl Fresh {
    pub(crate) fn insert(&mut self, view: Arc<JobView>) {
        self.names.insert(name_of(&view));
        if let Some(key) = key_of(&view) {
            self.keys.insert(key, view.job.id);
        }
        self.known.extend(known_of(&view));
        self.lies.extend(lies_of(&view));
        self.jobs.insert(view.job.id, view);
    }

    /// Forgets the view, unless a newer one of the job has come.
    pub(crate) fn remove(&mut self, view: &Arc<JobView>) {
        let id = view.job.id;
        if !self.jobs.get(&id).is_some_and(|newest| Arc::ptr_eq(newest, view)) {
            return;
        }
        self.jobs.remove(&id);
        self.names.remove(&name_of(view));
        if let Some(key) = key_of(view) {
            self.keys.remove(&key);
        }
        for known in known_of(view) {
            self.known.remove(&known);
        }
        for lie in lies_of(view) {
            self.lies.remove(&lie);
        }
    }

    pub(crate) fn get(&self, id: JobId) -> Option<&Arc<JobView>> {
        self.jobs.get(&id)
    }

    pub(crate) fn by_key(&self, client: &str, key: &str) -> Option<JobId> {
        self.keys.get(&(client.to_owned(), key.to_owned())).copied()
    }

    /// All that verified a task.
    pub(crate) fn by_task(&self, task: &Cid) -> Vec<JobId> {
        let known = self.known.range((*task, job_id_min())..);
        known.take_while(|(of, _)| of == task).map(|(_, id)| *id).collect()
    }

    /// The first lies (of a node), in the order of the file.
    pub(crate) fn lies(&self, of: Option<NodeId>, max: usize) -> Vec<LiePlace> {
        let from = of.map_or(NodeId([0; 32]), |node| node);
        let lies = self.lies.range((from, Time(0), job_id_min(), 0)..);
        lies.take_while(|lie| of.is_none_or(|node| lie.0 == node)).take(max).copied().collect()
    }

    /// The newest of a name.
    pub(crate) fn by_name(&self, namespace: &str, name: &str) -> Option<(Time, JobId)> {
        let from = (namespace.to_owned(), name.to_owned(), Time(0), job_id_min());
        let named = self.names.range(from..).take_while(|n| n.0 == namespace && n.1 == name);
        named.last().map(|(_, _, created_at, id)| (*created_at, *id))
    }

    /// Jobs with ids in a range, in their order.
    pub(crate) fn by_id(&self, from: JobId, to: JobId) -> impl Iterator<Item = JobId> {
        self.jobs.range(from..=to).map(|(id, _)| *id)
    }

    /// The jobs (of a namespace), in the order of lists.
    pub(crate) fn by_creation(&self, namespace: Option<&str>) -> Vec<Arc<JobView>> {
        let wanted = |v: &&Arc<JobView>| namespace.is_none_or(|ns| ns == v.job.namespace);
        let mut jobs: Vec<_> = self.jobs.values().filter(wanted).cloned().collect();
        jobs.sort_unstable_by_key(|v| (v.created_at, v.job.id));
        jobs
    }
}

fn name_of(view: &JobView) -> (String, String, Time, JobId) {
    let job = &view.job;
    (job.namespace.clone(), job.name.clone(), view.created_at, job.id)
}

fn key_of(view: &JobView) -> Option<(String, String)> {
    let key = view.job.idempotency_key.clone()?;
    Some((view.job.context.client.clone(), key))
}

fn known_of(view: &JobView) -> Vec<(Cid, JobId)> {
    view.known().map(|(task, _)| (task, view.job.id)).collect()
}

fn lies_of(view: &JobView) -> Vec<LiePlace> {
    let place = |lie: LieId| (lie.node, view.created_at, lie.job, lie.partition);
    view.lie_ids().map(place).collect()
}

fn job_id_min() -> JobId {
    JobId(uuid::Uuid::nil())
}
