//! The durable state of one job: what its stream of events makes.

mod replayed;
mod sealed;

use std::sync::Arc;

use gadus_model::event::{JobEvent, SnapshotBytes, Stamped};
use gadus_model::view::{ExecutionView, JobView, Marks};
use gadus_model::{
    Class, Desired, Execution, ExecutionState, Failure, Job, JobId, JobState, NodeId, Partition,
    Placement, Plan, Sealed, Slot, Task, Time, codec,
};
use serde::{Deserialize, Serialize};

pub(super) use super::seats::seat_of;
pub use super::seats::{Seat, Seats};

/// What `apply` has made of a job's stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLog {
    /// The job as people see it. Shared with whoever looks at it: what they hold stays as it was.
    pub view: Arc<JobView>,
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
    /// What the view does not show of each execution, in its order.
    pub tries: Vec<Try>,
    /// When it began to wait for a node for the first time.
    pub queued_since: Option<Time>,
    /// It waits: nothing fitted when it was last looked at.
    pub waits: bool,
    /// A try was used up, and the wait after it has not been noted yet.
    pub owes_backoff: bool,
    /// The job that it waited for last, as that does the same work.
    pub deferred_to: Option<JobId>,
    /// Why it can never complete any more.
    pub doomed: Option<String>,
    /// Of sealed work: the nodes that say that no node could do a partition of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doomed_by: Vec<(u32, NodeId)>,
    /// An index over the executions.
    #[serde(skip)]
    pub seats: Seats,
}

/// What the view does not show of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// The round whose bid was awarded.
    pub round: u32,
    /// The boot and number of the message that granted it.
    pub granted: Option<(u64, u64)>,
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
            sealed: Vec::new(),
        };
        let mut log = Self {
            view: Arc::new(view),
            seq: 1,
            seed,
            round: 0,
            announced_at: at,
            backoff_until: Time(0),
            image: None,
            placed: None,
            tries: Vec::new(),
            queued_since: None,
            waits: false,
            owes_backoff: false,
            deferred_to: None,
            doomed: None,
            doomed_by: Vec::new(),
            seats: Seats::default(),
        };
        let verification = log.view.job.context.verification;
        if verification.is_sealed() {
            let partition = |n| Sealed::new(n, verification.seats());
            Arc::make_mut(&mut log.view).sealed = (0..log.partitions()).map(partition).collect();
        }
        log.seats = Seats::of(&log.view, log.partitions());
        log
    }

    /// The state that a snapshot holds. `None` when it is not one of ours.
    #[must_use]
    pub fn from_snapshot(bytes: &SnapshotBytes) -> Option<Self> {
        let mut log: Self = codec::decode(&bytes.0).ok()?;
        log.seats = Seats::of(&log.view, log.partitions());
        Some(log)
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
        let view = Arc::make_mut(&mut self.view);
        view.revision += 1;
        view.modified_at = at;
        self.apply_to_job(at, event);
        self.apply_to_sealed(event);
        if let Some(place) = event.execution().and_then(|x| self.seats.find(&self.view, x)) {
            self.apply_to_execution(at, place, event);
        }
        let view = Arc::make_mut(&mut self.view);
        if view.state.is_terminal() {
            for place in self.seats.live() {
                view.executions[place].desired = Desired::Stopped;
            }
        }
        let (max, version) = (history_max as usize, view.job.version);
        if view.history.len() >= max.max(1) {
            // What the job's tasks are told by stays, however much happens.
            let names_work = |e: &Stamped| {
                matches!(e.event, JobEvent::ImagePinned { .. } | JobEvent::Placed { .. })
            };
            let oldest = view.history.iter().position(|e| !names_work(e)).unwrap_or_default();
            view.history.remove(oldest);
        }
        view.history.push(Stamped { seq, at, version, event: event.clone() });
    }

    fn apply_to_job(&mut self, at: Time, event: &JobEvent) {
        match event {
            JobEvent::Announced { round } => {
                self.round = *round;
                self.announced_at = at;
                self.waits = false;
                self.enter_unless_held(JobState::Bidding);
            }
            JobEvent::Queued { plan } => {
                self.queued_since.get_or_insert(at);
                self.waits = true;
                self.enter_unless_held(JobState::Queued);
                if self.view.state == JobState::Queued {
                    let wanted = self.view.job.context.verification.seats();
                    let message = format!("Job queued. {}", plan.not_enough_nodes(wanted));
                    Arc::make_mut(&mut self.view).message = message;
                }
            }
            JobEvent::ImagePinned { digest } => self.image = Some(digest.clone()),
            JobEvent::Placed { nodes } => {
                self.placed = Some(nodes.clone());
                self.seats = Seats::of(&self.view, self.partitions());
            }
            JobEvent::Granted { .. } | JobEvent::Committed { .. } | JobEvent::Accepted { .. } => {
                self.enter(JobState::Running)
            }
            JobEvent::BackedOff { ms } => {
                self.backoff_until = at.plus_ms(*ms);
                self.owes_backoff = false;
            }
            JobEvent::Ended { state, message } => {
                self.enter(*state);
                Arc::make_mut(&mut self.view).message.clone_from(message);
                self.waits = false;
            }
            JobEvent::Awarded { execution, node, plan } => {
                self.add_execution(at, execution, *node, plan);
            }
            JobEvent::Deferred { to } => self.deferred(*to),
            JobEvent::Replayed { execution, replay, holders } => {
                self.replayed(at, execution, replay, holders);
            }
            JobEvent::Submitted { .. }
            | JobEvent::Snapshot { .. }
            | JobEvent::Refused { .. }
            | JobEvent::Rejected { .. }
            | JobEvent::Published { .. }
            | JobEvent::Failed { .. }
            | JobEvent::Lost { .. }
            | JobEvent::Drawn { .. }
            | JobEvent::Revealed { .. }
            | JobEvent::Faulted { .. }
            | JobEvent::Closed { .. }
            | JobEvent::Escalated { .. }
            | JobEvent::Judged { .. }
            | JobEvent::Cancelled { .. } => {}
        }
    }

    fn add_execution(&mut self, at: Time, execution: &Execution, node: NodeId, plan: &Plan) {
        let marks = Marks { announced_at: self.announced_at, awarded_at: at, ..Marks::default() };
        self.seats.awarded(self.view.executions.len(), &execution.slot);
        self.tries.push(Try { round: self.round, granted: None });
        Arc::make_mut(&mut self.view).executions.push(ExecutionView {
            execution: execution.clone(),
            node,
            state: ExecutionState::Awarded,
            desired: Desired::Running,
            message: String::new(),
            hint: None,
            revision: 0,
            marks,
            plan: plan.clone(),
            manifest: None,
            receipt: None,
            summary: None,
            holders: Vec::new(),
            place: None,
            commit: None,
            origin: None,
        });
    }

    fn apply_to_execution(&mut self, at: Time, place: usize, event: &JobEvent) {
        let view = Arc::make_mut(&mut self.view);
        let e = &mut view.executions[place];
        e.revision += 1;
        if let Some(next) = sealed::take_in(e, at, event) {
            return self.enter_state(at, place, next);
        }
        let next = match event {
            JobEvent::Granted { boot, seq, .. } => {
                e.marks.granted_at = Some(at);
                self.tries[place].granted = Some((*boot, *seq));
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
            JobEvent::Published { holders, place, .. } => {
                e.marks.published_at = Some(at);
                e.holders.clone_from(holders);
                e.place.clone_from(place);
                ExecutionState::Published
            }
            JobEvent::Failed { failure, .. } => {
                e.message.clone_from(&failure.message);
                e.hint.clone_from(&failure.hint);
                match (failure.kind.is_retryable(), view.sealed.is_empty()) {
                    (true, _) => {}
                    (false, true) => _ = self.doomed.get_or_insert_with(|| with_hint(failure)),
                    // Of sealed work, what one node says of its failure decides nothing alone.
                    (false, false) => {
                        self.doomed_by.push((e.execution.slot.partition, e.node));
                    }
                }
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
            | JobEvent::Drawn { .. }
            | JobEvent::Committed { .. }
            | JobEvent::Closed { .. }
            | JobEvent::Revealed { .. }
            | JobEvent::Faulted { .. }
            | JobEvent::Escalated { .. }
            | JobEvent::Judged { .. }
            | JobEvent::Deferred { .. }
            | JobEvent::Replayed { .. }
            | JobEvent::Ended { .. }
            | JobEvent::Snapshot { .. } => return,
        };
        self.enter_state(at, place, next);
    }

    fn enter_state(&mut self, at: Time, place: usize, next: ExecutionState) {
        let view = Arc::make_mut(&mut self.view);
        let e = &mut view.executions[place];
        debug_assert!(e.state.may_become(next), "{:?}: {:?} -> {next:?}", e.execution, e.state);
        e.state = next;
        if next.is_terminal() {
            e.marks.ended_at = Some(at);
            e.desired = Desired::Stopped;
        }
        if matches!(next, ExecutionState::Failed | ExecutionState::Lost | ExecutionState::Rejected)
        {
            self.owes_backoff = true;
            if view.job.context.class == Class::Command {
                let message = || format!("outcome unknown: {}", e.message);
                self.doomed.get_or_insert_with(message);
            }
        }
        self.seats.entered(place, &view.executions[place], view);
    }

    fn enter(&mut self, next: JobState) {
        if self.view.state == next {
            return;
        }
        debug_assert!(self.view.state.may_become(next), "{:?} -> {next:?}", self.view.state);
        let view = Arc::make_mut(&mut self.view);
        view.state = next;
        view.message.clear();
    }

    /// Looking for one more node does not hide that another has part of the work.
    fn enter_unless_held(&mut self, next: JobState) {
        let held = |state: ExecutionState| match state {
            ExecutionState::Granted
            | ExecutionState::Committed
            | ExecutionState::Revealed
            | ExecutionState::Accepted
            | ExecutionState::Published => true,
            ExecutionState::Awarded
            | ExecutionState::Refused
            | ExecutionState::Proposed
            | ExecutionState::Faulted
            | ExecutionState::Rejected
            | ExecutionState::Failed
            | ExecutionState::Lost
            | ExecutionState::Cancelled => false,
        };
        let runs = self.view.state == JobState::Running
            && self.view.executions.iter().any(|e| held(e.state));
        if !runs {
            self.enter(next);
        }
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

    /// Whether it runs on every match and has no nodes yet.
    #[must_use]
    pub fn is_unplaced(&self) -> bool {
        self.view.job.kind.placement == Placement::EveryMatch && self.placed.is_none()
    }

    /// The slot of a seat.
    #[must_use]
    pub fn slot(&self, (partition, replica): Seat) -> Slot {
        let job = &self.view.job;
        let task = job.task().map_or_else(String::new, |(label, _)| label.to_owned());
        Slot { job: job.id, version: job.version, task, partition, replica }
    }

    /// An execution of this job.
    #[must_use]
    pub fn execution(&self, execution: &Execution) -> Option<&ExecutionView> {
        Some(&self.view.executions[self.seats.find(&self.view, execution)?])
    }

    /// An execution of this job, if it is this node's.
    #[must_use]
    pub fn execution_of(&self, node: NodeId, execution: &Execution) -> Option<&ExecutionView> {
        self.execution(execution).filter(|e| e.node == node)
    }

    /// What the view does not show of an execution.
    #[must_use]
    pub fn attempt(&self, execution: &Execution) -> Option<Try> {
        Some(self.tries[self.seats.find(&self.view, execution)?])
    }

    /// The executions that are not over.
    pub fn live(&self) -> impl Iterator<Item = &ExecutionView> {
        self.seats.live().map(|place| &self.view.executions[place])
    }

    /// Executions in a state that is not an end.
    pub fn in_state(&self, state: ExecutionState) -> impl Iterator<Item = &ExecutionView> {
        self.live().filter(move |e| e.state == state)
    }

    /// The newest execution of a seat.
    #[must_use]
    pub fn newest(&self, seat: Seat) -> Option<&ExecutionView> {
        Some(&self.view.executions[self.seats.newest(seat)?])
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
        self.newest(seat_of(&execution.slot)).is_some_and(|e| e.execution == *execution)
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
        self.view.state.is_terminal() && !self.seats.any_live()
    }
}

/// A failure and what to do about it, in one line.
#[must_use]
pub(super) fn with_hint(failure: &Failure) -> String {
    in_one_line(&failure.message, failure.hint.as_deref())
}

fn in_one_line(message: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{message} ({hint})"),
        None => message.to_owned(),
    }
}
