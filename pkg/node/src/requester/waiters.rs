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

    /// Something happened to a job.
    pub(super) fn changed(&mut self, job: JobId, view: impl FnOnce() -> Option<Arc<JobView>>) {
        if !self.by_job.contains_key(&job) {
            return;
        }
        let Some(view) = view() else { return };
        let ended = view.state.is_terminal();
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
