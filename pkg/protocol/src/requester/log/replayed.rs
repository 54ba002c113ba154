//! The durable state of what is known already.

use std::sync::Arc;

use gadus_model::view::{ExecutionView, Marks};
use gadus_model::{
    Desired, Execution, ExecutionState, JobId, JobState, NodeId, Plan, Replay, Time,
};

use super::{JobLog, Try};

impl JobLog {
    /// A slot has its answer, which nobody ran for.
    pub(super) fn replayed(
        &mut self,
        at: Time,
        execution: &Execution,
        replay: &Replay,
        holders: &[NodeId],
    ) {
        let Replay { origin, node, claim } = replay.clone();
        let place = self.view.executions.len();
        self.seats.awarded(place, &execution.slot);
        self.tries.push(Try { round: 0, granted: None });
        Arc::make_mut(&mut self.view).executions.push(ExecutionView {
            execution: execution.clone(),
            node,
            state: ExecutionState::Accepted,
            desired: Desired::Running,
            message: String::new(),
            hint: None,
            revision: 1,
            marks: Marks {
                announced_at: at,
                awarded_at: at,
                accepted_at: Some(at),
                published_at: Some(at),
                ..Marks::default()
            },
            plan: Plan::default(),
            manifest: Some(claim.manifest),
            receipt: Some(claim.receipt),
            summary: Some(claim.summary),
            holders: holders.to_vec(),
            place: None,
            commit: None,
            origin: Some(Box::new(origin)),
        });
        self.shut(execution.slot.partition);
        self.enter_state(at, place, ExecutionState::Published);
    }

    pub(super) fn deferred(&mut self, to: JobId) {
        self.deferred_to = Some(to);
        if self.view.state == JobState::Submitted {
            let message = format!("Job waits for job {to}, which does the same work.");
            Arc::make_mut(&mut self.view).message = message;
        }
    }

    /// Whether nodes were looked for, or anything is had already.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.round > 0 || self.queued_since.is_some() || !self.view.executions.is_empty()
    }
}
