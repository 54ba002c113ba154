//! Who waits for a job.

use std::collections::BTreeMap;
use std::sync::Arc;

use gadus_model::JobId;
use gadus_model::view::JobView;
use tokio::sync::oneshot;

type Answer = oneshot::Sender<Option<Arc<JobView>>>;

/// Waiting callers, by job.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    by_job: BTreeMap<JobId, Vec<(bool, Answer)>>,
}

impl Waiters {
    /// Somebody waits for a job to end, or with `change` for anything to happen to it.
    pub(super) fn add(&mut self, job: JobId, change: bool, answer: Answer) {
        let waiting = self.by_job.entry(job).or_default();
        // Callers that gave up are forgotten here, so that they do not add up.
        waiting.retain(|(_, answer)| !answer.is_closed());
        waiting.push((change, answer));
    }

    /// Whether somebody is to be told what has happened to a job.
    pub(super) fn want(&self, view: &JobView) -> bool {
        let waiting = self.by_job.get(&view.job.id);
        waiting.is_some_and(|all| view.state.is_terminal() || all.iter().any(|(change, _)| *change))
    }

    /// Something happened to a job, which made it look so.
    pub(super) fn changed(&mut self, view: &Arc<JobView>) {
        let (job, ended) = (view.job.id, view.state.is_terminal());
        let Some(waiting) = self.by_job.remove(&job) else { return };
        let (told, stay): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(change, _)| *change || ended);
        for (_, answer) in told {
            let _ = answer.send(Some(view.clone()));
        }
        if !stay.is_empty() {
            self.by_job.insert(job, stay);
        }
    }
}
