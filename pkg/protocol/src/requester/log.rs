//! The durable state of one job: what its stream of events makes.

use std::collections::BTreeMap;

use gadus_model::event::{JobEvent, SnapshotBytes, Stamped};
use gadus_model::view::{ExecutionView, JobView, Marks};
use gadus_model::{
    Desired, Execution, ExecutionState, Job, JobState, NodeId, Partition, Placement, Slot, Task,
    Time, codec,
};
use serde::{Deserialize, Serialize};

/// A place within a job: (partition, replica).
pub type Seat = (u32, u32);

/// What `apply` has made of a job's stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLog {
    /// The job as people see it.
    pub view: JobView,
    /// The last record's place in the stream.
    pub seq: u64,
    /// Drawn at submission.
    pub seed: u64,
    /// The last round of bidding.
    pub round: u32,
    /// When it began.
    pub announced_at: Time,
    /// No round before this.
    pub backoff_until: Time,
    /// The image's digest.
    pub image: Option<String>,
    /// Of a job on every match, once it has its nodes.
    pub placed: Option<Vec<NodeId>>,
    /// Per execution, the boot and number of the message that granted it.
    pub granted: Vec<(Execution, u64, u64)>,
    /// When it last began to wait, if it waits.
    pub queued_since: Option<Time>,
}

impl JobLog {
    /// The state after `Submitted`.
    #[must_use]
    pub fn new(job: Job, seed: u64, at: Time) -> Self {
        let view = JobView {
            job,
            state: JobState::Submitted,
            message: String::new(),
            revision: 1,
            created_at: at,
            modified_at: at,
            executions: Vec::new(),
            history: Vec::new(),
        };
        Self {
            view,
            seq: 1,
            seed,
            round: 0,
            announced_at: at,
            backoff_until: Time(0),
            image: None,
            placed: None,
            granted: Vec::new(),
            queued_since: None,
        }
    }

    /// The state that a snapshot holds. `None` when it is not one of ours.
    #[must_use]
    pub fn from_snapshot(bytes: &SnapshotBytes) -> Option<Self> {
        codec::decode(&bytes.0).ok()
    }

    /// This state as a snapshot.
    #[must_use]
    pub fn to_snapshot(&self) -> SnapshotBytes {
        // Every field has a DAG-CBOR form; an empty snapshot would be refused at replay.
        SnapshotBytes(codec::encode(self).unwrap_or_default())
    }

    /// Takes one event in. The only function that changes this state.
    pub fn apply(&mut self, seq: u64, at: Time, event: &JobEvent, history_max: u32) {
        self.seq = seq;
        self.view.revision += 1;
        self.view.modified_at = at;
        self.apply_to_job(at, event);
        if let Some(execution) = event.execution() {
            self.apply_to_execution(at, &execution.clone(), event);
        }
        let version = self.view.job.version;
        if self.view.history.len() < history_max as usize {
            self.view.history.push(Stamped { seq, at, version, event: event.clone() });
        }
    }

    fn apply_to_job(&mut self, at: Time, event: &JobEvent) {
        match event {
            JobEvent::Announced { round } => {
                self.round = *round;
                self.announced_at = at;
                self.queued_since = None;
                self.enter_unless_running(JobState::Bidding);
            }
            JobEvent::Queued { plan } => {
                self.queued_since.get_or_insert(at);
                self.enter_unless_running(JobState::Queued);
                if self.view.state == JobState::Queued {
                    self.view.message = format!("Job queued. {}", plan.not_enough_nodes(1));
                }
            }
            JobEvent::ImagePinned { digest } => self.image = Some(digest.clone()),
            JobEvent::Placed { nodes } => self.placed = Some(nodes.clone()),
            JobEvent::Granted { execution, boot, seq } => {
                self.granted.push((execution.clone(), *boot, *seq));
                self.enter(JobState::Running);
            }
            JobEvent::Accepted { .. } => self.enter(JobState::Running),
            JobEvent::BackedOff { ms } => self.backoff_until = at.plus_ms(*ms),
            JobEvent::Ended { state, message } => {
                self.enter(*state);
                self.view.message.clone_from(message);
                self.queued_since = None;
            }
            JobEvent::Awarded { execution, node, plan } => {
                let marks =
                    Marks { announced_at: self.announced_at, awarded_at: at, ..Marks::default() };
                self.view.executions.push(ExecutionView {
                    execution: execution.clone(),
                    node: *node,
                    state: ExecutionState::Awarded,
                    desired: Desired::Running,
                    message: String::new(),
                    hint: None,
                    revision: 0,
                    marks,
                    plan: plan.as_ref().clone(),
                    manifest: None,
                    receipt: None,
                    summary: None,
                    holders: Vec::new(),
                });
            }
            JobEvent::Submitted { .. }
            | JobEvent::Snapshot { .. }
            | JobEvent::Refused { .. }
            | JobEvent::Rejected { .. }
            | JobEvent::Published { .. }
            | JobEvent::Failed { .. }
            | JobEvent::Lost { .. }
            | JobEvent::Cancelled { .. } => {}
        }
        if self.view.state.is_terminal() {
            for e in self.view.executions.iter_mut().filter(|e| !e.state.is_terminal()) {
                e.desired = Desired::Stopped;
            }
        }
    }

    fn apply_to_execution(&mut self, at: Time, execution: &Execution, event: &JobEvent) {
        let Some(e) = self.view.executions.iter_mut().rev().find(|e| e.execution == *execution)
        else {
            return;
        };
        e.revision += 1;
        let next = match event {
            JobEvent::Granted { .. } => {
                e.marks.granted_at = Some(at);
                ExecutionState::Granted
            }
            JobEvent::Refused { reason, .. } => {
                e.message = format!("this node {reason}");
                ExecutionState::Refused
            }
            JobEvent::Accepted { claim, .. } => {
                e.marks.accepted_at = Some(at);
                e.manifest = Some(claim.manifest.clone());
                e.receipt = Some(claim.receipt.clone());
                e.summary = Some(claim.summary.clone());
                ExecutionState::Accepted
            }
            JobEvent::Rejected { why, .. } => {
                e.message.clone_from(why);
                ExecutionState::Rejected
            }
            JobEvent::Published { holders, .. } => {
                e.marks.published_at = Some(at);
                e.holders.clone_from(holders);
                ExecutionState::Published
            }
            JobEvent::Failed { failure, .. } => {
                e.message.clone_from(&failure.message);
                e.hint.clone_from(&failure.hint);
                ExecutionState::Failed
            }
            JobEvent::Lost { why, .. } => {
                e.message.clone_from(why);
                ExecutionState::Lost
            }
            JobEvent::Cancelled { .. } => ExecutionState::Cancelled,
            JobEvent::Submitted { .. }
            | JobEvent::Announced { .. }
            | JobEvent::Queued { .. }
            | JobEvent::ImagePinned { .. }
            | JobEvent::Placed { .. }
            | JobEvent::Awarded { .. }
            | JobEvent::BackedOff { .. }
            | JobEvent::Ended { .. }
            | JobEvent::Snapshot { .. } => return,
        };
        debug_assert!(e.state.may_become(next), "{execution:?}: {:?} -> {next:?}", e.state);
        e.state = next;
        if next.is_terminal() {
            e.marks.ended_at = Some(at);
            e.desired = Desired::Stopped;
        }
    }

    fn enter(&mut self, next: JobState) {
        if self.view.state == next {
            return;
        }
        debug_assert!(self.view.state.may_become(next), "{:?} -> {next:?}", self.view.state);
        self.view.state = next;
        self.view.message.clear();
    }

    /// Bidding for one slot does not hide that another runs.
    fn enter_unless_running(&mut self, next: JobState) {
        let runs = self.view.executions.iter().any(|e| {
            matches!(
                e.state,
                ExecutionState::Granted | ExecutionState::Accepted | ExecutionState::Published
            )
        });
        if !(runs && self.view.state == JobState::Running) {
            self.enter(next);
        }
    }

    /// The seats this job fills, in order.
    #[must_use]
    pub fn seats(&self) -> Vec<Seat> {
        let partitions = self.partitions();
        let replicas = self.view.job.context.deal.replicas.max(1);
        (0..partitions).flat_map(|p| (0..replicas).map(move |r| (p, r))).collect()
    }

    /// How many partitions it has; 0 for a job on every match that has no nodes yet.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        match self.view.job.kind.placement {
            Placement::Ranked { count } => count,
            Placement::EveryMatch => {
                self.placed.as_ref().map_or(0, |nodes| u32::try_from(nodes.len()).unwrap_or(0))
            }
        }
    }

    /// The slot of a seat.
    #[must_use]
    pub fn slot(&self, (partition, replica): Seat) -> Slot {
        let job = &self.view.job;
        let task = job.task().map_or_else(String::new, |(label, _)| label.to_owned());
        Slot { job: job.id, version: job.version, task, partition, replica }
    }

    /// The newest execution per seat.
    #[must_use]
    pub fn current(&self) -> BTreeMap<Seat, &ExecutionView> {
        let mut current: BTreeMap<Seat, &ExecutionView> = BTreeMap::new();
        for e in &self.view.executions {
            let seat = (e.execution.slot.partition, e.execution.slot.replica);
            let newest = current.entry(seat).or_insert(e);
            if newest.execution.epoch <= e.execution.epoch {
                *newest = e;
            }
        }
        current
    }

    /// An execution of this job.
    #[must_use]
    pub fn execution(&self, execution: &Execution) -> Option<&ExecutionView> {
        self.view.executions.iter().rev().find(|e| e.execution == *execution)
    }

    /// The node whose resources an execution takes up now.
    #[must_use]
    pub fn occupied(&self, execution: &Execution) -> Option<NodeId> {
        let e = self.execution(execution)?;
        matches!(e.state, ExecutionState::Awarded | ExecutionState::Granted).then_some(e.node)
    }

    /// Whether this is its slot's newest epoch.
    #[must_use]
    pub fn is_current(&self, execution: &Execution) -> bool {
        let same_slot = |e: &&ExecutionView| e.execution.slot == execution.slot;
        self.view.executions.iter().filter(same_slot).all(|e| e.execution <= *execution)
    }

    /// Epochs of a seat that were used up: refusals cost none.
    #[must_use]
    pub fn attempts(&self, seat: Seat) -> u32 {
        let used = self.view.executions.iter().filter(|e| {
            (e.execution.slot.partition, e.execution.slot.replica) == seat
                && matches!(
                    e.state,
                    ExecutionState::Failed | ExecutionState::Lost | ExecutionState::Rejected
                )
        });
        u32::try_from(used.count()).unwrap_or(u32::MAX)
    }

    /// How often a node failed this job.
    #[must_use]
    pub fn failures_of(&self, node: NodeId) -> u32 {
        let failed = self.view.executions.iter().filter(|e| {
            e.node == node && matches!(e.state, ExecutionState::Failed | ExecutionState::Lost)
        });
        u32::try_from(failed.count()).unwrap_or(u32::MAX)
    }

    /// The work of a seat, image pinned.
    #[must_use]
    pub fn task_of(&self, seat: Seat) -> Option<Task> {
        let (_, task) = self.view.job.task()?;
        let partition = Partition { index: seat.0, count: self.partitions().max(1) };
        let task = task.for_partition(partition);
        Some(match &self.image {
            Some(digest) => task.pinned(digest),
            None => task,
        })
    }

    /// Over, and nothing of it runs: it can be folded.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.view.state.is_terminal() && self.view.executions.iter().all(|e| e.state.is_terminal())
    }
}
