//! What really runs on a node, and what it really holds: the truth that machines only hear of.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use gadus_model::codec::{RAW, cid_of, encode};
use gadus_model::manifest::MANIFEST_VERSION;
use gadus_model::message::{Award, InlineBlock};
use gadus_model::receipt::RECEIPT_VERSION;
use gadus_model::{
    Cid, Claim, Execution, Failure, FailureKind, Manifest, NodeId, Outcome, Receipt, ReceiptBody,
    Resources, ResultSummary, Usage,
};

use crate::dice::Dice;
use crate::drift::True;
use crate::swarm::EngineFaults;

/// How a run will end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With an answer.
    Answer {
        /// Its receipt is for other work.
        wrong: bool,
    },
    /// By its environment.
    Failure(FailureKind),
    /// Not by itself.
    Never,
}

/// Something that runs.
#[derive(Clone, Debug)]
pub struct Run {
    /// Distinguishes runs of one execution.
    pub id: u64,
    /// The work.
    pub award: Rc<Award>,
    /// How it will end.
    pub end: End,
    /// It was told to end.
    pub killed: bool,
    /// It ended while nobody listened.
    pub over: bool,
}

/// All that runs on one node. It outlives the node's process only if the engine lets it.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    runs: BTreeMap<Execution, Run>,
    next: u64,
}

impl Engine {
    /// Begins a run. Gives its number and how long it takes; `None`: it never ends by itself.
    pub fn start(
        &mut self,
        dice: &mut Dice,
        faults: &EngineFaults,
        award: Rc<Award>,
        run_us: u64,
    ) -> (u64, Option<u64>) {
        self.next += 1;
        let us = if dice.chance(faults.slow) { run_us * 10 } else { run_us };
        let us = dice.between(us / 2, us);
        let timeout_us = award.context.timeouts.execution_ms.map(|ms| ms * 1000);
        let mut end = match dice.chance(faults.fail) {
            true => End::Failure(dice.pick(&FAILURES).clone()),
            false => End::Answer { wrong: dice.chance(faults.wrong) },
        };
        if dice.chance(faults.hang) {
            end = End::Never;
        }
        let mut takes = (end != End::Never).then_some(us);
        if let Some(limit) = timeout_us.filter(|limit| takes.is_none_or(|us| us > *limit)) {
            (end, takes) = (End::Failure(FailureKind::Timeout), Some(limit));
        }
        let (id, execution) = (self.next, award.execution.clone());
        self.runs.insert(execution, Run { id, award, end, killed: false, over: false });
        (id, takes)
    }

    /// A run of an execution.
    #[must_use]
    pub fn run(&self, execution: &Execution) -> Option<&Run> {
        self.runs.get(execution)
    }

    /// A run, to be changed.
    pub fn run_mut(&mut self, execution: &Execution) -> Option<&mut Run> {
        self.runs.get_mut(execution)
    }

    /// Everything that runs.
    pub fn runs(&self) -> impl Iterator<Item = (&Execution, &Run)> {
        self.runs.iter().filter(|(_, run)| !run.over)
    }

    /// A run is over. Gives it.
    pub fn remove(&mut self, execution: &Execution) -> Option<Run> {
        self.runs.remove(execution)
    }

    /// What runs takes up.
    #[must_use]
    pub fn used(&self) -> Resources {
        let each = self.runs().map(|(_, run)| run.award.context.resources);
        each.fold(Resources::default(), |sum, r| sum.plus(&r))
    }

    /// The node's process ended, and with it what cannot live without it.
    pub fn crash(&mut self, survive: bool) {
        if !survive {
            self.runs.clear();
        }
    }

    /// Ends what the node's log does not know. Gives what was ended.
    pub fn reap(&mut self, keep: &BTreeSet<Execution>) -> Vec<Execution> {
        let orphans: Vec<_> = self.runs.keys().filter(|x| !keep.contains(x)).cloned().collect();
        orphans.iter().for_each(|x| _ = self.runs.remove(x));
        orphans
    }
}

/// Failures that runs come to, the second half of them for good.
const FAILURES: [&FailureKind; 6] = [
    &FailureKind::EngineDown,
    &FailureKind::DiskFull,
    &FailureKind::Internal,
    &FailureKind::Interrupted,
    &FailureKind::Internal,
    &FailureKind::OutOfMemory,
];

/// A failure in words.
#[must_use]
pub fn failure(kind: FailureKind) -> Failure {
    let message = format!("{kind:?}");
    Failure::new(kind, message)
}

/// The task of an award. Tasks of awards are pinned; were one not, its claim would be refused,
/// which is seen.
#[must_use]
pub fn task_of(award: &Award) -> Cid {
    award.task.cid().unwrap_or_else(|_| cid_of(RAW, b"not pinned"))
}

/// The answer that a result is part of.
#[must_use]
pub fn manifest(result: Cid) -> Manifest {
    Manifest {
        v: MANIFEST_VERSION,
        outcome: Outcome::Exit(0),
        result,
        stdout: result,
        stderr: result,
    }
}

/// The answer to a task, as a node claims it; `wrong`: its receipt is for other work.
#[must_use]
pub fn claim(task: Cid, node: NodeId, result: Cid, wrong: bool) -> Claim {
    let manifest = manifest(result);
    let claimed = manifest.cid().unwrap_or(result);
    let body = ReceiptBody {
        v: RECEIPT_VERSION,
        task: if wrong { claimed } else { task },
        manifest: claimed,
        usage: Usage::default(),
        engine: "sim/1".to_owned(),
        profile: "unixfs-v1-2025".to_owned(),
        node,
        cause: None,
        fx: None,
    };
    let receipt = Receipt { body, signature: Vec::new() };
    Claim { manifest, receipt, summary: ResultSummary::default() }
}

/// The result of an execution whose result is not checked: distinct per execution, so that the
/// truth knows whose it is.
#[must_use]
pub fn result_of_execution(execution: &Execution) -> Cid {
    cid_of(RAW, &encode(execution).unwrap_or_default())
}

/// The one block of a small result.
#[must_use]
pub fn blocks(result: Cid) -> Vec<InlineBlock> {
    vec![InlineBlock { cid: result, bytes: b"result".to_vec() }]
}

/// What a node holds, durably.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// Outputs of executions that ran here, and whether they are public.
    made: BTreeMap<Execution, (Cid, bool)>,
    /// Results of others, fetched whole.
    kept: BTreeSet<Cid>,
    /// Executions whose results were brought somewhere besides from here.
    placed: BTreeSet<Execution>,
    /// Of sealed work: results that were accepted, and that their requesters may fetch.
    shown: BTreeSet<Execution>,
}

impl Content {
    /// An execution's outputs are stored, in its quarantine.
    pub fn make(&mut self, execution: Execution, result: Cid) {
        self.made.insert(execution, (result, false));
    }

    /// Their requester may fetch them from now.
    pub fn show(&mut self, execution: &Execution) {
        self.shown.insert(execution.clone());
    }

    /// Whether it may.
    #[must_use]
    pub fn is_shown(&self, execution: &Execution) -> bool {
        self.shown.contains(execution)
    }

    /// They are public from now. False: they are gone.
    pub fn promote(&mut self, execution: &Execution) -> bool {
        self.made.get_mut(execution).map(|made| made.1 = true).is_some()
    }

    /// They are gone, unless they are to stay.
    pub fn forget(&mut self, execution: &Execution, keep: bool) {
        if !keep {
            self.made.remove(execution);
        }
    }

    /// Drops quarantined outputs that the node's log does not know.
    pub fn reap(&mut self, known: &BTreeSet<Execution>) {
        self.made.retain(|execution, (_, public)| *public || known.contains(execution));
    }

    /// Another's result is here.
    pub fn keep(&mut self, result: Cid) {
        self.kept.insert(result);
    }

    /// A result was brought somewhere besides.
    pub fn place(&mut self, execution: &Execution) {
        self.placed.insert(execution.clone());
    }

    /// Executions whose results were.
    pub fn placed(&self) -> impl Iterator<Item = &Execution> {
        self.placed.iter()
    }

    /// Whether the outputs of an execution are here.
    #[must_use]
    pub fn has_made(&self, execution: &Execution) -> bool {
        self.made.contains_key(execution)
    }

    /// Whether another's result is here.
    #[must_use]
    pub fn keeps(&self, result: &Cid) -> bool {
        self.kept.contains(result)
    }

    /// Whether a result can be had from here by anybody.
    #[must_use]
    pub fn holds(&self, result: &Cid) -> bool {
        self.kept.contains(result) || self.made.values().any(|made| *made == (*result, true))
    }

    /// Whether a result can be had from here even without this execution's outputs.
    #[must_use]
    pub fn holds_besides(&self, result: &Cid, execution: &Execution) -> bool {
        let mut others = self.made.iter().filter(|(of, _)| *of != execution);
        self.kept.contains(result) || others.any(|(_, made)| *made == (*result, true))
    }

    /// How many outputs lie here that nobody was shown.
    #[must_use]
    pub fn quarantined(&self) -> usize {
        self.made.values().filter(|(_, public)| !public).count()
    }
}

/// When something happens that the engine was asked for.
#[must_use]
pub fn within(dice: &mut Dice, now: True, most_us: u64) -> True {
    now + dice.between(most_us.min(100), most_us)
}
