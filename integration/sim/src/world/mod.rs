//! The world: nodes, links, clients and trouble, in one thread and virtual time.

mod answers;
mod build;
mod cheating;
mod client;
mod compute;
mod links;
mod people;
mod process;
mod recall;
mod replicas;
mod requester;
mod situations;
mod trouble;
mod turn;

use std::rc::Rc;

use gadus_model::message::{Announce, Envelope, RoundId};
use gadus_model::{Cid, Execution, JobId, OwnerId};
use gadus_protocol::Sabotage;
use gadus_protocol::step::Lookup;

use self::cheating::Cheats;
use crate::agenda::Agenda;
use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::disk::Ticket;
use crate::host::Part;
use crate::network::{HostNo, Network};
use crate::seen::{Invariant, Seen, Truth, Violation};
use crate::swarm::CrashPoint;
use crate::trace::Trace;

/// What travels on a link.
#[derive(Clone, Debug)]
pub(crate) enum Parcel {
    Message(Rc<Envelope>),
    Gossip { owner: OwnerId, term: u64, announcement: Rc<Announce> },
    Filled { owner: OwnerId, term: u64, round: RoundId },
}

/// Something that will happen.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    Tick { host: HostNo, part: Part, boot: u64, tick: u64 },
    Synced { host: HostNo, part: Part, boot: u64, upto: Ticket },
    Checkpointed { host: HostNo, part: Part, boot: u64 },
    Arrive { from: HostNo, to: HostNo, boot: u64, parcel: Parcel },
    BlocksStored { host: HostNo, boot: u64, from: HostNo, message: Rc<Envelope> },
    RunEnds { host: HostNo, execution: Execution, run: u64 },
    RunReports { host: HostNo, boot: u64, execution: Execution, run: u64 },
    NothingToKill { host: HostNo, boot: u64, execution: Execution },
    Promoted { host: HostNo, boot: u64, execution: Execution },
    Fetched { host: HostNo, boot: u64, from: HostNo, execution: Execution, result: Cid },
    Placed { host: HostNo, boot: u64, execution: Execution },
    ReplicaFetched { host: HostNo, boot: u64, from: HostNo, execution: Execution },
    Resolved { host: HostNo, boot: u64, job: JobId, reference: String },
    Recalled { host: HostNo, boot: u64, lookup: Box<Lookup> },
    Submit { work: usize, again: bool },
    Cancel { work: usize },
    Crash { host: HostNo, for_good: bool },
    Start { host: HostNo },
    Dial,
    LinkLost { a: HostNo, b: HostNo },
    Partition,
    Mend { a: HostNo, b: HostNo },
    Jump { host: HostNo },
    Resize { host: HostNo },
    Pardon,
    Checkpoint,
    Heal,
    LookAround,
    Finish,
}

/// A process that is to end at a point of a step.
#[derive(Clone, Debug)]
pub(crate) struct Doom {
    pub(crate) host: HostNo,
    pub(crate) part: Part,
    pub(crate) ticket: Ticket,
    pub(crate) kind: &'static str,
}

/// One run of the simulator.
pub struct World {
    pub(crate) truth: Truth,
    pub(crate) agenda: Agenda<Happening>,
    pub(crate) net: Network,
    pub(crate) dice: Dice,
    pub(crate) trace: Trace,
    pub(crate) coverage: Coverage,
    pub(crate) sabotage: Option<Sabotage>,
    pub(crate) dooms: Vec<Doom>,
    pub(crate) cheats: Cheats,
    pub(crate) deadline: u64,
    pub(crate) done: bool,
    invariants: Vec<Box<dyn Invariant>>,
    violation: Option<Violation>,
    steps: u64,
}

impl World {
    /// Whether anything can still happen.
    fn is_over(&self) -> bool {
        self.done || self.violation.is_some()
    }

    /// Lets everything happen, up to the end or to the first violation.
    pub fn run(&mut self) {
        while !self.is_over() {
            let Some(what) = self.agenda.pop() else { return };
            self.truth.now = self.agenda.now();
            self.happen(what);
        }
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Tick { host, part, boot, tick } => self.tick(host, part, boot, tick),
            Happening::Synced { host, part, boot, upto } => self.synced(host, part, boot, upto),
            Happening::Checkpointed { host, part, boot } => self.checkpointed(host, part, boot),
            Happening::Arrive { from, to, boot, parcel } => self.arrive(from, to, boot, parcel),
            Happening::BlocksStored { host, boot, from, message } => {
                self.blocks_stored(host, boot, from, &message);
            }
            Happening::RunEnds { host, execution, run } => self.run_ends(host, &execution, run),
            Happening::RunReports { host, boot, execution, run } => {
                self.run_reports(host, boot, &execution, run);
            }
            Happening::NothingToKill { host, boot, execution } => {
                self.nothing_to_kill(host, boot, execution);
            }
            Happening::Promoted { host, boot, execution } => self.promoted(host, boot, execution),
            Happening::Fetched { host, boot, from, execution, result } => {
                self.fetched(host, boot, from, execution, result);
            }
            Happening::Placed { host, boot, execution } => self.placed(host, boot, execution),
            Happening::ReplicaFetched { host, boot, from, execution } => {
                self.replica_fetched(host, boot, from, execution);
            }
            Happening::Resolved { host, boot, job, reference } => {
                self.resolved(host, boot, job, &reference);
            }
            Happening::Recalled { host, boot, lookup } => self.recalled(host, boot, &lookup),
            Happening::Submit { work, again } => self.submit(work, again),
            Happening::Cancel { work } => self.cancel(work),
            Happening::Crash { host, for_good } => self.crash_by_chance(host, for_good),
            Happening::Start { host } => self.start(host),
            Happening::Dial => self.dial(),
            Happening::LinkLost { a, b } => self.link_lost(a, b),
            Happening::Partition => self.partition(),
            Happening::Mend { a, b } => self.net.unblock(a, b),
            Happening::Jump { host } => self.jump(host),
            Happening::Resize { host } => self.resize(host),
            Happening::Pardon => self.pardon(),
            Happening::Checkpoint => self.checkpoint(),
            Happening::Heal => self.heal(),
            Happening::LookAround => self.look_around(),
            Happening::Finish => self.finish(),
        }
    }

    /// Shows something to every invariant.
    pub(crate) fn see(&mut self, seen: &Seen<'_>) {
        self.violation = self.violation.take().or_else(|| {
            self.invariants.iter_mut().find_map(|invariant| {
                let what = invariant.see(&self.truth, seen).err()?;
                Some(Violation { invariant: invariant.name(), what, at: self.truth.now })
            })
        });
    }

    /// Something must never be, and is.
    pub(crate) fn violate(&mut self, invariant: &'static str, what: String) {
        let at = self.truth.now;
        self.violation.get_or_insert(Violation { invariant, what, at });
    }

    /// What was violated first, if anything was.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Inputs that machines took in.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The hash of all that happened.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.trace.hash()
    }

    /// Which faults were met.
    #[must_use]
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }
}

impl CrashPoint {
    /// One of them.
    pub(crate) fn any(dice: &mut Dice) -> Self {
        dice.pick(&Self::ALL)
    }
}
