//! A store in memory, with knobs: hold tickets back, fail, forget what is not durable.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use gadus_model::event::Record;
use gadus_model::view::JobView;
use gadus_model::{Cid, JobId, LieId, NodeId, Time};
use parking_lot::Mutex;

use crate::store::{JobEntry, JobQuery, Page, Store, StoreError, Ticket, TicketIssuer};

type Jobs = BTreeMap<JobId, Arc<JobView>>;

/// A [`Store`] without a disk. "Durable" is what [`MemoryStore::restart`] keeps.
#[derive(Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Default)]
struct State {
    /// What a replay gives.
    records: Vec<Record>,
    /// Appends since the newest checkpoint.
    appends: usize,
    jobs: Jobs,
    /// The jobs that the newest checkpoint made durable.
    kept: Jobs,
    pending: VecDeque<(Entry, TicketIssuer)>,
    holding: bool,
    failure: Option<StoreError>,
    checkpoint_after: Option<usize>,
    fsyncs: u64,
}

enum Entry {
    Append(Vec<Record>),
    Checkpoint { snapshots: Vec<Record>, jobs: Jobs },
}

impl MemoryStore {
    /// An empty store that makes everything durable at once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on tickets wait for [`Self::release`].
    pub fn hold(&self) {
        self.0.lock().holding = true;
    }

    /// Makes durable what is held, in one go, and holds no more.
    pub fn release(&self) {
        let mut state = self.0.lock();
        state.holding = false;
        state.settle(usize::MAX);
    }

    /// Makes the oldest held entry durable. False when there is none.
    pub fn release_one(&self) -> bool {
        let mut state = self.0.lock();
        let any = !state.pending.is_empty();
        state.settle(1);
        any
    }

    /// Fails what is held and everything after it, as a broken disk does.
    pub fn fail(&self, why: &str) {
        let mut state = self.0.lock();
        state.failure = Some(StoreError::Io { doing: "append".to_owned(), why: why.to_owned() });
        state.settle(usize::MAX);
    }

    /// Has `wants_checkpoint` say so once as many appends were made since the last checkpoint.
    pub fn checkpoint_after(&self, appends: usize) {
        self.0.lock().checkpoint_after = Some(appends);
    }

    /// What is durable: what a replay would give.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.0.lock().records.clone()
    }

    /// How many tickets are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0.lock().pending.len()
    }

    /// What is left after a crash: what was durable, and the jobs folded before the newest
    /// checkpoint. The old store fails from here on.
    #[must_use]
    pub fn restart(&self) -> Self {
        self.fail("the process has crashed");
        let state = self.0.lock();
        Self(Mutex::new(State {
            records: state.records.clone(),
            appends: state.appends,
            jobs: state.kept.clone(),
            kept: state.kept.clone(),
            checkpoint_after: state.checkpoint_after,
            ..State::default()
        }))
    }

    fn enter(&self, entry: impl FnOnce(&State) -> Entry) -> Ticket {
        let (issuer, ticket) = Ticket::new();
        let mut state = self.0.lock();
        let entry = entry(&state);
        state.pending.push_back((entry, issuer));
        if !state.holding || state.failure.is_some() {
            state.settle(usize::MAX);
        }
        ticket
    }
}

impl State {
    /// Makes up to `max` held entries durable, as one group.
    fn settle(&mut self, max: usize) {
        let n = max.min(self.pending.len());
        let group: Vec<_> = self.pending.drain(..n).collect();
        if let Some(error) = &self.failure {
            group.into_iter().for_each(|(_, issuer)| issuer.settle(Err(error.clone())));
            return;
        }
        self.fsyncs += u64::from(!group.is_empty());
        for (entry, issuer) in group {
            match entry {
                Entry::Append(records) => {
                    self.appends += 1;
                    self.records.extend(records);
                }
                Entry::Checkpoint { snapshots, jobs } => {
                    self.appends = 0;
                    self.records = snapshots;
                    self.kept = jobs;
                }
            }
            issuer.settle(Ok(()));
        }
    }
}

impl Store for MemoryStore {
    fn append(&self, records: Vec<Record>) -> Ticket {
        self.enter(|_| Entry::Append(records))
    }

    fn replay(&self) -> Result<Vec<Record>, StoreError> {
        Ok(self.records())
    }

    fn wants_checkpoint(&self) -> bool {
        let state = self.0.lock();
        state.checkpoint_after.is_some_and(|after| state.appends >= after)
    }

    fn checkpoint(&self, snapshots: Vec<Record>) -> Ticket {
        self.enter(|state| Entry::Checkpoint { snapshots, jobs: state.jobs.clone() })
    }

    fn fold(&self, job: Arc<JobView>) {
        self.0.lock().jobs.insert(job.job.id, job);
    }

    fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        Ok(self.0.lock().jobs.get(&id).map(|view| JobView::clone(view)))
    }

    fn job_by_key(&self, client: &str, key: &str) -> Result<Option<JobId>, StoreError> {
        let has_key = |view: &&Arc<JobView>| {
            view.job.context.client == client && view.job.idempotency_key.as_deref() == Some(key)
        };
        Ok(self.0.lock().jobs.values().find(has_key).map(|view| view.job.id))
    }

    fn job_by_name(&self, namespace: &str, name: &str) -> Result<Option<JobId>, StoreError> {
        let state = self.0.lock();
        let named =
            state.jobs.values().filter(|v| v.job.namespace == namespace && v.job.name == name);
        Ok(named.max_by_key(|view| by_creation(view)).map(|view| view.job.id))
    }

    fn jobs_by_prefix(&self, prefix: &str, max: usize) -> Result<Vec<JobId>, StoreError> {
        let state = self.0.lock();
        let begins = |id: &&JobId| {
            id.to_string().strip_prefix("j-").is_some_and(|text| text.starts_with(prefix))
        };
        Ok(state.jobs.keys().filter(begins).take(max).copied().collect())
    }

    fn jobs_by_task(&self, task: &Cid) -> Result<Vec<JobId>, StoreError> {
        let state = self.0.lock();
        let verified = |view: &&Arc<JobView>| view.replays().any(|r| r.origin.task() == *task);
        Ok(state.jobs.values().filter(verified).map(|view| view.job.id).collect())
    }

    fn lies(
        &self,
        of: Option<NodeId>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<LieId>, StoreError> {
        let state = self.0.lock();
        let told = |view: &Arc<JobView>| {
            let at = view.created_at;
            view.lie_ids().map(|lie| (lie.node, at, lie)).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = state.jobs.values().flat_map(told).collect();
        all.retain(|(node, ..)| of.is_none_or(|of| of == *node));
        all.sort();
        Ok(all.into_iter().map(|(_, _, lie)| lie).skip(offset).take(limit).collect())
    }

    fn jobs(&self, query: &JobQuery) -> Result<Page, StoreError> {
        let state = self.0.lock();
        let wanted =
            |v: &&Arc<JobView>| query.namespace.as_ref().is_none_or(|ns| *ns == v.job.namespace);
        let mut all: Vec<Arc<JobView>> = state.jobs.values().filter(wanted).cloned().collect();
        all.sort_by_key(by_creation);
        if query.reverse {
            all.reverse();
        }
        let total = all.len();
        let page = all.into_iter().skip(query.offset).take(query.limit);
        Ok(Page { jobs: page.map(JobEntry::from).collect(), total })
    }

    fn fsyncs(&self) -> u64 {
        self.0.lock().fsyncs
    }
}

fn by_creation(view: &Arc<JobView>) -> (Time, JobId) {
    (view.created_at, view.job.id)
}

#[cfg(test)]
mod tests;
