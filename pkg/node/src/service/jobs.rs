//! Lists of jobs: those that live and those in the index, as one.

use std::sync::Arc;

use gadus_api::service::{JobOrder, JobsPage, JobsQuery, ServiceError};
use gadus_model::view::JobView;
use gadus_ports::JobQuery;

use crate::node::Node;

/// Finished jobs read at a time.
const CHUNK: usize = 256;

impl Node {
    pub(super) async fn list_jobs(&self, query: JobsQuery) -> Result<JobsPage, ServiceError> {
        let namespace = query.namespace.clone();
        let live = self.look(move |machine, _| {
            let of_space = |view: &&Arc<JobView>| {
                namespace.as_ref().is_none_or(|space| *space == view.job.namespace)
            };
            machine.jobs().filter(of_space).cloned().collect::<Vec<_>>()
        });
        let mut merged = Merge::new(live.await?, &query);
        let wanted = query.offset.saturating_add(query.limit);
        // One more than the page tells whether there is another.
        while merged.ready().len() <= wanted && !merged.exhausted {
            let page = self.store.jobs(&JobQuery {
                namespace: query.namespace.clone(),
                reverse: query.reverse,
                offset: merged.read,
                limit: CHUNK,
            });
            merged.add(page?.jobs.into_iter().map(|e| e.view), &query);
        }
        let all = merged.ready();
        let more = all.len() > wanted;
        let jobs = all.into_iter().skip(query.offset).take(query.limit).collect();
        Ok(JobsPage { jobs, next_offset: more.then_some(wanted) })
    }
}

/// Live jobs and finished ones, in one order.
struct Merge {
    jobs: Vec<Arc<JobView>>,
    /// Finished jobs read so far.
    read: usize,
    exhausted: bool,
    /// The order is not the index's own, so all must be read before any is sure of its place.
    needs_all: bool,
}

impl Merge {
    fn new(live: Vec<Arc<JobView>>, query: &JobsQuery) -> Self {
        let mut merge = Self {
            jobs: Vec::new(),
            read: 0,
            exhausted: false,
            needs_all: query.order == JobOrder::Modified,
        };
        merge.keep(live.into_iter(), query);
        merge
    }

    fn add(&mut self, finished: impl ExactSizeIterator<Item = Arc<JobView>>, query: &JobsQuery) {
        self.read += finished.len();
        self.exhausted = finished.len() < CHUNK;
        self.keep(finished, query);
    }

    fn keep(&mut self, views: impl Iterator<Item = Arc<JobView>>, query: &JobsQuery) {
        for view in views {
            let labels = &view.job.context.labels;
            if query.labels.iter().all(|c| c.matches(labels)) {
                self.jobs.push(view);
            }
        }
        let key = |view: &JobView| match query.order {
            JobOrder::Created => (view.created_at, view.job.id),
            JobOrder::Modified => (view.modified_at, view.job.id),
        };
        self.jobs.sort_by_key(|view| key(view));
        // A job may be seen twice, as it moves from the one to the other.
        self.jobs.dedup_by_key(|view| view.job.id);
        if query.reverse {
            self.jobs.reverse();
        }
    }

    /// The jobs whose place is sure by now.
    fn ready(&self) -> Vec<Arc<JobView>> {
        if self.exhausted {
            return self.jobs.clone();
        }
        if self.needs_all {
            return Vec::new();
        }
        // Behind the last finished job that was read, one that was not may still come.
        let finished = self.jobs.iter().rposition(|view| view.state.is_terminal());
        finished.map_or_else(Vec::new, |last| self.jobs[..=last].to_vec())
    }
}
