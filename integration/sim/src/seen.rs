//! What invariants get to see, and what they are.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::event::Record;
use gadus_model::message::{Award, Envelope, RoundId};
use gadus_model::verdict::Decision;
use gadus_model::{
    Cid, Execution, ExecutionState, JobId, JobState, NodeId, Time, VerdictBody, Verification,
};

use crate::disk::Ticket;
use crate::drift::True;
use crate::engine::{manifest, result_of_execution};
use crate::habit::{Habit, right_answer};
use crate::host::{Host, Part};
use crate::network::HostNo;
use crate::swarm::Swarm;
use crate::workload::Work;

/// Everything that is so, whatever the machines believe.
#[derive(Debug)]
pub struct Truth {
    /// What the seed picked.
    pub swarm: Swarm,
    /// True time.
    pub now: True,
    /// The nodes.
    pub hosts: Vec<Host>,
    /// Their places, by key.
    pub places: BTreeMap<NodeId, HostNo>,
    /// The jobs so far.
    pub works: Vec<Work>,
    /// Jobs whose submission was acknowledged.
    pub acked: BTreeSet<JobId>,
    /// Whether the trouble is over.
    pub healed: bool,
    /// Results of sealed runs, which are functions of their tasks, or lies about them.
    pub answers: BTreeMap<Execution, Cid>,
}

impl Truth {
    /// What a node's clock shows.
    #[must_use]
    pub fn local(&self, host: HostNo) -> Time {
        self.hosts[host].now(self.now)
    }

    /// The place of a node.
    #[must_use]
    pub fn place(&self, node: NodeId) -> Option<HostNo> {
        self.places.get(&node).copied()
    }

    /// What is known of a job.
    #[must_use]
    pub fn work(&self, job: JobId) -> Option<&Work> {
        let n = usize::try_from(crate::names::job_number(job)).ok()?;
        self.works.get(n.checked_sub(1)?)
    }

    /// The result that an execution has come to.
    #[must_use]
    pub fn result_of(&self, execution: &Execution) -> Cid {
        let answer = self.answers.get(execution).copied();
        answer.unwrap_or_else(|| result_of_execution(execution))
    }

    /// Whether an execution is sealed work.
    #[must_use]
    pub fn is_sealed(&self, execution: &Execution) -> bool {
        self.level(execution.slot.job).is_sealed()
    }

    /// How a job's result is checked.
    #[must_use]
    pub fn level(&self, job: JobId) -> Verification {
        self.work(job).map_or(Verification::Attest, |work| work.job.context.verification)
    }

    /// How many colluders could be seated together, at most: one for an operator and a network.
    #[must_use]
    pub fn colluders(&self) -> usize {
        let all = || self.hosts.iter().filter(|host| host.habit == Habit::Colluder);
        let operators: BTreeSet<NodeId> = all().map(|host| host.operator).collect();
        let networks: BTreeSet<_> = all().map(|host| host.prefix.clone().ok_or(host.id)).collect();
        operators.len().min(networks.len())
    }

    /// The node that a job was submitted to.
    #[must_use]
    pub fn requester_of(&self, job: JobId) -> Option<HostNo> {
        self.work(job).map(|work| work.requester)
    }
}

/// Whether a verdict names a wrong answer as the right one.
#[must_use]
pub fn is_wrong(verdict: &VerdictBody) -> bool {
    let named = match &verdict.decision {
        Decision::Accepted { manifest } => *manifest,
        Decision::Rejected { referee } => *referee,
        Decision::Inconclusive { .. } => return false,
    };
    manifest(right_answer(&verdict.task)).cid().ok() != Some(named)
}

/// Where a job and one of its executions stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stand {
    /// The job; `None`: it is not live.
    pub job: Option<JobState>,
    /// The execution that the record is about; `None`: it is not known.
    pub execution: Option<ExecutionState>,
}

/// One thing that happened.
#[derive(Debug)]
pub enum Seen<'a> {
    /// A machine took a step; its shadow has followed.
    Step {
        /// Where.
        host: HostNo,
        /// Which machine.
        part: Part,
        /// The events it decided.
        records: &'a [Record],
        /// It was woken by its own deadline, and did nothing.
        in_vain: bool,
    },
    /// A requester decided an event.
    Decided {
        /// Where.
        host: HostNo,
        /// The event.
        record: &'a Record,
        /// Before it.
        before: Stand,
        /// After it.
        after: Stand,
    },
    /// Events became durable.
    Durable {
        /// Where.
        host: HostNo,
        /// The events.
        records: &'a [Record],
    },
    /// A message left a machine, whatever becomes of it.
    Said {
        /// By whom.
        host: HostNo,
        /// By which machine.
        part: Part,
        /// To whom.
        to: NodeId,
        /// What.
        message: &'a Envelope,
        /// The newest append when it was decided.
        after: Ticket,
    },
    /// A message is about to be taken in.
    Arrived {
        /// By whom.
        host: HostNo,
        /// From whom.
        from: NodeId,
        /// What.
        message: &'a Envelope,
    },
    /// Gossip about a round is about to be taken in.
    Gossiped {
        /// By whom.
        host: HostNo,
        /// Which round.
        round: RoundId,
        /// It needs no more bids; else it is announced.
        filled: bool,
    },
    /// Something begins to run.
    Started {
        /// Where.
        host: HostNo,
        /// What.
        award: &'a Award,
        /// It ran before, and begins anew after a restart.
        anew: bool,
    },
    /// Outputs are about to be forgotten.
    Forgetting {
        /// Where.
        host: HostNo,
        /// Whose.
        execution: &'a Execution,
        /// The result stays.
        keep: bool,
    },
    /// What sealed work came to is about to be shown.
    Shown {
        /// Where.
        host: HostNo,
        /// Whose.
        execution: &'a Execution,
        /// To anybody; else only its output, and to its requester alone.
        to_all: bool,
    },
    /// A checkpoint begins with these.
    Checkpoint {
        /// Where.
        host: HostNo,
        /// Which machine's.
        part: Part,
        /// Everything that lives there.
        snapshots: &'a [Record],
    },
    /// A process is about to end.
    Crashing {
        /// Which.
        host: HostNo,
    },
    /// A process is about to start on its log.
    Starting {
        /// Which.
        host: HostNo,
    },
    /// A process has started, and resumed.
    Booted {
        /// Which.
        host: HostNo,
    },
    /// Everything is over and had time to be forgotten.
    Idle,
}

/// A property that holds after every step.
pub trait Invariant {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Looks at what happened.
    ///
    /// # Errors
    /// What was seen that must never be.
    fn see(&mut self, truth: &Truth, seen: &Seen<'_>) -> Result<(), String>;
}

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
    /// When, in true microseconds.
    pub at: True,
}
