//! What a compute node holds of an execution, and how the log makes it.

use gadus_model::event::{ComputeEvent, Event, RECORD_VERSION, Record, SnapshotBytes};
use gadus_model::message::{Award, Held, InlineBlock};
use gadus_model::{Claim, Execution, Failure, Manifest, NodeId, Resources, Time, codec};
use serde::{Deserialize, Serialize};

use super::{Compute, Entry};
use crate::repeat::Repeat;

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
    /// The failure is in the outbox.
    Failed(Failure),
    /// The answer counts; its result is public here, or about to be.
    Accepted {
        /// The answer.
        manifest: Manifest,
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
            Self::Finished { .. } => Held::Proposed,
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
    /// The result of an accepted execution is public.
    pub(super) promoted: bool,
}

impl HeldSoft {
    fn new(lease_until: Time) -> Self {
        Self { lease_until, repeat: Repeat::now(Time(0)), blocks: Vec::new(), promoted: false }
    }
}

/// An execution that was told to stop and still runs.
#[derive(Clone, Debug)]
pub(super) struct Stopping {
    pub(super) resources: Resources,
    /// Who wants to hear of it.
    pub(super) tell: Option<NodeId>,
}

impl Entry {
    pub(super) fn deadline(&self) -> Option<Time> {
        match self.log.state {
            HeldState::Running => Some(self.soft.lease_until),
            HeldState::Finished { .. } | HeldState::Failed(_) => Some(self.soft.repeat.at),
            HeldState::Accepted { .. } => self.soft.promoted.then_some(self.soft.repeat.at),
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
        let key = |execution: &Execution| (record.owner, execution.clone());
        let at = record.at;
        match event {
            ComputeEvent::Granted { requester, award } => {
                let award = award.as_ref().clone();
                let soft = HeldSoft::new(at.plus_ms(award.lease_ms));
                let key = key(&award.execution);
                let (requester, state) = (*requester, HeldState::Running);
                let log = HeldLog { requester, award, state, since: at };
                self.held.insert(key, Entry { log, soft });
            }
            ComputeEvent::Finished { execution, claim } => {
                let state = HeldState::Finished { claim: claim.clone() };
                self.enter(at, &key(execution), state);
            }
            ComputeEvent::Failed { execution, failure } => {
                self.enter(at, &key(execution), HeldState::Failed(failure.clone()));
            }
            ComputeEvent::Accepted { execution } => {
                let key = key(execution);
                let held = self.held.get(&key).map(|e| e.log.state.clone());
                if let Some(HeldState::Finished { claim }) = held {
                    let manifest = claim.manifest;
                    self.enter(at, &key, HeldState::Accepted { manifest });
                }
            }
            ComputeEvent::Released { execution, .. } => {
                self.held.remove(&key(execution));
            }
            ComputeEvent::Snapshot { execution, state } => {
                if let Ok(log) = codec::decode::<HeldLog>(&state.0) {
                    let soft = HeldSoft::new(at);
                    self.held.insert(key(execution), Entry { log, soft });
                }
            }
        }
    }

    fn enter(&mut self, at: Time, key: &(gadus_model::OwnerId, Execution), state: HeldState) {
        if let Some(entry) = self.held.get_mut(key) {
            entry.log.state = state;
            entry.log.since = at;
            entry.soft.repeat = Repeat::now(at);
        }
    }

    /// Snapshots of everything held, for a checkpoint of the log.
    #[must_use]
    pub fn snapshot(&self, now: Time) -> Vec<Record> {
        let record = |((owner, execution), entry): (&(gadus_model::OwnerId, Execution), &Entry)| {
            // Every field has a DAG-CBOR form.
            let state = SnapshotBytes(codec::encode(&entry.log).unwrap_or_default());
            let (execution, state) = (execution.clone(), Box::new(state));
            Record {
                v: RECORD_VERSION,
                owner: *owner,
                job: execution.slot.job,
                seq: self.records,
                term: self.terms.get(owner).copied().unwrap_or(0),
                at: now,
                body: Event::Compute(ComputeEvent::Snapshot { execution, state }),
            }
        };
        self.held.iter().map(record).collect()
    }
}
