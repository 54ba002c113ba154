//! What a compute node holds of an execution, and how the log makes it.

use gadus_model::event::{ComputeEvent, Event, RECORD_VERSION, Record, Seal, SnapshotBytes};
use gadus_model::message::{Award, Held, InlineBlock};
use gadus_model::{
    Claim, CloseBody, Execution, Failure, Limits, Manifest, NodeId, OwnerId, Place, Resources,
    Time, codec,
};
use serde::{Deserialize, Serialize};

use super::{Compute, Entry};
use crate::repeat::Repeat;
use crate::sabotage::Sabotage;

/// The durable state of one execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldLog {
    /// Who awarded it, and hears its answer.
    pub requester: NodeId,
    /// The work.
    pub award: Award,
    /// How far it is.
    pub state: HeldState,
    /// Since when it is so.
    pub since: Time,
}

/// How far an execution is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldState {
    /// Granted: it runs, or is about to.
    Running,
    /// The answer is in the outbox.
    Finished {
        /// The answer.
        claim: Box<Claim>,
    },
    /// The commitment is in the outbox; the answer is for whoever closes a set with it.
    Sealed {
        /// The answer.
        claim: Box<Claim>,
        /// What hides it.
        seal: Box<Seal>,
    },
    /// The failure is in the outbox.
    Failed(Failure),
    /// The answer counts; its result is public here, or about to be.
    Accepted {
        /// The answer.
        manifest: Box<Manifest>,
    },
}

impl HeldState {
    /// Whether it takes up resources.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running)
    }

    /// The same as a Sync says it.
    #[must_use]
    pub fn held(&self) -> Held {
        match self {
            Self::Running => Held::Running,
            Self::Finished { .. } | Self::Sealed { .. } => Held::Proposed,
            Self::Failed(_) => Held::Failed,
            Self::Accepted { .. } => Held::Published,
        }
    }
}

impl HeldLog {
    /// Which execution it is.
    #[must_use]
    pub fn execution(&self) -> &Execution {
        &self.award.execution
    }
}

/// What is known beside the log.
#[derive(Clone, Debug)]
pub(super) struct HeldSoft {
    /// The lease, while it runs.
    pub(super) lease_until: Time,
    /// The next word about what is in the outbox.
    pub(super) repeat: Repeat,
    /// Blocks to send along; lost at a restart, and then fetched by the requester.
    pub(super) blocks: Vec<InlineBlock>,
    /// The closed set that its answer was revealed to.
    pub(super) closed: Option<CloseBody>,
    /// The result of an accepted execution is public.
    pub(super) promoted: bool,
    /// Where it was brought to besides, or why it cannot be.
    pub(super) place: Option<Result<Place, Failure>>,
}

impl HeldSoft {
    fn new(lease_until: Time) -> Self {
        Self {
            lease_until,
            repeat: Repeat::now(Time(0)),
            blocks: Vec::new(),
            closed: None,
            promoted: false,
            place: None,
        }
    }
}

/// An execution that was told to stop and still runs.
#[derive(Clone, Debug)]
pub(super) struct Stopping {
    pub(super) owner: OwnerId,
    pub(super) resources: Resources,
    /// Who wants to hear of it.
    pub(super) tell: Option<NodeId>,
}

impl Entry {
    fn new(owner: OwnerId, log: HeldLog, lease_until: Time) -> Self {
        Self { owner, log, soft: HeldSoft::new(lease_until), due: None }
    }

    /// Its result is public, and it is known whether it is wherever else its job wants it.
    pub(super) fn is_out(&self) -> bool {
        let outside = self.log.award.context.publisher.is_external();
        self.soft.promoted && (!outside || self.soft.place.is_some())
    }

    /// When it is to be looked at again.
    pub(super) fn next_due(&self, limits: &Limits, sabotage: Option<Sabotage>) -> Option<Time> {
        let expires = self.log.since.plus_ms(limits.outbox_ms);
        match self.log.state {
            HeldState::Running if sabotage == Some(Sabotage::IgnoreLeaseEnd) => None,
            HeldState::Running => Some(self.soft.lease_until),
            HeldState::Accepted { .. } if !self.is_out() => Some(expires),
            HeldState::Finished { .. }
            | HeldState::Sealed { .. }
            | HeldState::Failed(_)
            | HeldState::Accepted { .. } => Some(self.soft.repeat.at.min(expires)),
        }
    }
}

impl Compute {
    /// Takes one record in: the only function that changes durable state.
    pub(super) fn apply(&mut self, record: &Record) {
        let Event::Compute(event) = &record.body else { return };
        self.records = self.records.max(record.seq);
        let term = self.terms.entry(record.owner).or_insert(record.term);
        *term = (*term).max(record.term);
        let (owner, at) = (record.owner, record.at);
        match event {
            ComputeEvent::Granted { requester, award } => {
                let lease_until = at.plus_ms(award.lease_ms);
                let (requester, state) = (*requester, HeldState::Running);
                let log = HeldLog { requester, award: award.as_ref().clone(), state, since: at };
                self.hold(Entry::new(owner, log, lease_until));
            }
            ComputeEvent::Finished { execution, claim } => {
                self.enter(at, execution, HeldState::Finished { claim: claim.clone() });
            }
            ComputeEvent::Sealed { execution, claim, seal } => {
                let (claim, seal) = (claim.clone(), seal.clone());
                self.enter(at, execution, HeldState::Sealed { claim, seal });
            }
            ComputeEvent::Failed { execution, failure } => {
                self.enter(at, execution, HeldState::Failed(failure.clone()));
            }
            ComputeEvent::Accepted { execution } => {
                let held = self.held.get(execution).map(|e| &e.log.state);
                if let Some(HeldState::Finished { claim } | HeldState::Sealed { claim, .. }) = held
                {
                    let manifest = Box::new(claim.manifest.clone());
                    self.enter(at, execution, HeldState::Accepted { manifest });
                }
            }
            ComputeEvent::Released { execution, .. } => self.let_go(execution),
            ComputeEvent::Snapshot { execution, state } => {
                if let Ok(log) = codec::decode::<HeldLog>(&state.0) {
                    self.let_go(execution);
                    self.hold(Entry::new(owner, log, at));
                }
            }
        }
    }

    fn hold(&mut self, entry: Entry) {
        let execution = entry.log.execution().clone();
        if entry.log.state.is_running() {
            self.reserved = self.reserved.plus(&entry.log.award.context.resources);
            self.running += 1;
        }
        self.held.insert(execution.clone(), entry);
        self.set_due(&execution);
    }

    /// It no longer takes anything up.
    fn free_up(&mut self, resources: &Resources) {
        self.reserved = self.reserved.less(resources);
        self.running -= 1;
    }

    fn let_go(&mut self, execution: &Execution) {
        let Some(entry) = self.held.remove(execution) else { return };
        if entry.log.state.is_running() {
            self.free_up(&entry.log.award.context.resources);
        }
        if let Some(at) = entry.due {
            self.agenda.remove(&(at, execution.clone()));
        }
    }

    fn enter(&mut self, at: Time, execution: &Execution, state: HeldState) {
        let Some(entry) = self.held.get_mut(execution) else { return };
        let before = std::mem::replace(&mut entry.log.state, state);
        entry.log.since = at;
        entry.soft.repeat = Repeat::now(at);
        let resources = entry.log.award.context.resources;
        if before.is_running() {
            self.free_up(&resources);
        }
        self.set_due(execution);
    }

    /// Snapshots of everything held, for a checkpoint of the log.
    #[must_use]
    pub fn snapshot(&self, now: Time) -> Vec<Record> {
        let record = |(execution, entry): (&Execution, &Entry)| {
            // Every field has a DAG-CBOR form.
            let state = SnapshotBytes(codec::encode(&entry.log).unwrap_or_default());
            let job = execution.slot.job;
            let (execution, state) = (execution.clone(), Box::new(state));
            Record {
                v: RECORD_VERSION,
                owner: entry.owner,
                job,
                seq: self.records,
                term: self.terms.get(&entry.owner).copied().unwrap_or(0),
                at: now,
                body: Event::Compute(ComputeEvent::Snapshot { execution, state }),
            }
        };
        self.held.iter().map(record).collect()
    }
}
