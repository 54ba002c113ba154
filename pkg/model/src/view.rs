//! A job as people see it: what the API shows and the index keeps.

use serde::{Deserialize, Serialize};

use crate::event::Stamped;
use crate::replay::Origin;
use crate::sealed::Sealed;
use crate::verdict::CommitBody;
use crate::{
    Context, Desired, Execution, ExecutionState, Job, JobState, Manifest, NodeId, Place, Plan,
    Receipt, ResultSummary, Signed, Time,
};

/// A job, its executions and its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// The job.
    pub job: Job,
    /// Where it stands.
    pub state: JobState,
    /// Why, when that needs saying.
    pub message: String,
    /// Counts the job's events.
    pub revision: u64,
    /// When it was submitted.
    pub created_at: Time,
    /// When something last happened to it.
    pub modified_at: Time,
    /// Every try at every slot, oldest first.
    pub executions: Vec<ExecutionView>,
    /// What happened, oldest first; `Submitted` without the job in it.
    pub history: Vec<Stamped>,
    /// Of a job whose result is checked: where each partition stands, in their order.
    pub sealed: Vec<Sealed>,
}

/// One try at filling a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionView {
    /// Slot and epoch.
    pub execution: Execution,
    /// Where it runs.
    pub node: NodeId,
    /// Where it stands.
    pub state: ExecutionState,
    /// What is wanted of it.
    pub desired: Desired,
    /// Why, when that needs saying.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Counts the execution's events.
    pub revision: u64,
    /// When each step was durable here.
    pub marks: Marks,
    /// Who bid, and why this node won.
    pub plan: Plan,
    /// The answer.
    pub manifest: Option<Manifest>,
    /// The node's claim about it.
    pub receipt: Option<Receipt>,
    /// What people want to see of it.
    pub summary: Option<ResultSummary>,
    /// Who has every block of it.
    pub holders: Vec<NodeId>,
    /// Where it is besides.
    pub place: Option<Place>,
    /// Sealed work: what it committed to.
    pub commit: Option<Signed<CommitBody>>,
    /// Where its answer is from, of an execution that never ran because that was known.
    pub origin: Option<Box<Origin>>,
}

impl JobView {
    /// Whether an execution's answer counts and stands for those that are equal to it: of work that
    /// several nodes answered the first of each partition, of other work each.
    #[must_use]
    pub fn is_answer(&self, e: &ExecutionView) -> bool {
        let counts = |e: &ExecutionView| {
            let is_newest = e.execution.slot.version == self.job.version;
            is_newest && matches!(e.state, ExecutionState::Accepted | ExecutionState::Published)
        };
        let partition = e.execution.slot.partition;
        let is_equal =
            |other: &&ExecutionView| other.execution.slot.partition == partition && counts(other);
        let is_first = || {
            let first = self.executions.iter().find(is_equal);
            first.is_some_and(|first| first.execution == e.execution)
        };
        counts(e) && (self.sealed.is_empty() || is_first())
    }
}

impl ExecutionView {
    /// Until when the result's holders keep it; absent while there are none, and where they keep
    /// it for ever.
    #[must_use]
    pub fn kept_until(&self, context: &Context) -> Option<Time> {
        let published_at = self.marks.published_at.filter(|_| context.retention_ms > 0)?;
        Some(published_at.plus_ms(context.retention_ms))
    }
}

/// When each step of an execution was durable at the requester.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Its round of bidding began.
    pub announced_at: Time,
    /// The seat was given.
    pub awarded_at: Time,
    /// The node said yes.
    pub granted_at: Option<Time>,
    /// Sealed work: it had an answer.
    pub committed_at: Option<Time>,
    /// Sealed work: it showed its answer.
    pub revealed_at: Option<Time>,
    /// An answer counted.
    pub accepted_at: Option<Time>,
    /// A holder had every block.
    pub published_at: Option<Time>,
    /// It was over, however.
    pub ended_at: Option<Time>,
}
