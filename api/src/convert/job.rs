//! A job as the API shows it.

use gadus_model::JobState as Model;
use gadus_model::view::JobView;

use super::{verification, work};
use crate::types::{Job, JobState};

/// The job: the user's document, and where it stands.
#[must_use]
pub fn job(view: &JobView) -> Job {
    Job {
        state: state(view.state, &view.message),
        revision: view.revision,
        modify_time: view.modified_at.unix_ns(),
        verdicts: verification::verdicts(view),
        replayed: is_replayed(view),
        task_cid: work::only_cid(view).map(|cid| cid.to_string()).unwrap_or_default(),
        ..base(view)
    }
}

/// Whether all that it came to was known.
fn is_replayed(view: &JobView) -> bool {
    view.state == Model::Completed && view.executions.iter().all(|e| e.origin.is_some())
}

/// The job as it was when its executions were planned, for the snapshot in each of them.
#[must_use]
pub(super) fn as_planned(view: &JobView) -> Job {
    let created = view.created_at.unix_ns();
    let state = state(Model::Submitted, "");
    Job { state, revision: 1, modify_time: created, ..base(view) }
}

fn base(view: &JobView) -> Job {
    // Every document was written by us; a foreign one shows what the model knows.
    let document: Job = serde_json::from_str(&view.job.document).unwrap_or_else(|_| Job {
        kind: view.job.kind.job_type().as_str().to_owned(),
        priority: view.job.priority,
        labels: view.job.context.labels.clone(),
        ..Job::default()
    });
    Job {
        id: view.job.id.to_string(),
        name: view.job.name.clone(),
        namespace: view.job.namespace.clone(),
        version: u64::from(view.job.version),
        create_time: view.created_at.unix_ns(),
        ..document
    }
}

fn state(state: Model, message: &str) -> JobState {
    JobState {
        state_type: state.as_str().to_owned(),
        message: message.to_owned(),
        ..JobState::default()
    }
}
