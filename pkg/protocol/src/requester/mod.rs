//! The requester: takes jobs, finds nodes for them, and sees them to their end.
//!
//! Every input is taken in by the file that is about it, and then [`Requester::advance`] looks at
//! the job as a whole and does whatever is due: one level-triggered function, so that nothing
//! depends on the order in which messages, timers and restarts came.

mod absent;
mod award;
mod bidding;
mod deadline;
mod directory;
mod holders;
mod judge;
mod keep;
mod lease;
mod log;
mod outcome;
mod place;
mod queue;
mod recall;
mod round;
mod sealed;
mod seats;
mod soft;
mod state;
mod stop;
mod submit;
mod trust;
mod wait;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gadus_model::event::{Event, JobEvent, RECORD_VERSION, Record, TrustEvent};
use gadus_model::message::{Envelope, MESSAGE_VERSION, Message};
use gadus_model::view::JobView;
use gadus_model::{Execution, Failure, Job, JobId, Limits, NodeId, OwnerId, Replay, Time};

use self::absent::Absent;
pub use self::directory::{Directory, Heard, NodeEntry};
pub use self::log::{JobLog, Seat, Seats, Try};
use self::queue::Queue;
use self::recall::Equals;
pub(crate) use self::round::spread;
pub use self::round::{ASK_ALL_MAX, ASK_SAMPLE};
use self::soft::Soft;
pub use self::state::Folder;
pub use self::submit::SubmitError;
use self::trust::Trust;
pub use self::trust::{Approved, TrustRow};
use crate::notary::Notary;
use crate::sabotage::Sabotage;
use crate::step::{Effect, Step};

/// What a requester is told once.
#[derive(Clone, Debug)]
pub struct RequesterConfig {
    /// The node it runs on.
    pub node: NodeId,
    /// The name its jobs go by.
    pub owner: OwnerId,
    /// Its term; it never goes down.
    pub term: u64,
    /// This start of its process; it grows with every start.
    pub boot: u64,
    /// Limits and intervals.
    pub limits: Limits,
    /// What it does with its key.
    pub notary: Arc<dyn Notary>,
    /// What the operator says of nodes.
    pub approved: Approved,
    /// For the simulator only.
    pub sabotage: Option<Sabotage>,
}

/// What happens to a requester.
#[derive(Clone, Debug)]
pub enum Input {
    /// A job that [`Requester::check`] let pass.
    Submit {
        /// The job.
        job: Box<Job>,
        /// Random.
        seed: u64,
    },
    /// Its owner wants a job stopped.
    Stop {
        /// Which.
        job: JobId,
        /// Why.
        reason: String,
    },
    /// A message came.
    Message {
        /// From whom, proven by the transport.
        from: NodeId,
        /// What. The shell has checked a receipt's signature.
        message: Box<Envelope>,
        /// For a proposal: all blocks of the result are here already, durably.
        kept: bool,
    },
    /// A peer can be reached.
    Up {
        /// Which.
        node: NodeId,
        /// The network that it is reached in, such as `203.0.113.0/24`; absent on loopback.
        prefix: Option<String>,
    },
    /// A peer can no longer be reached.
    Down(NodeId),
    /// The answer to [`Effect::ResolveImage`].
    ImageResolved {
        /// For this job.
        job: JobId,
        /// The digest.
        result: Result<String, Failure>,
    },
    /// The answer to [`Effect::Keep`].
    Kept {
        /// Whose result.
        execution: Execution,
        /// Whether every block is here.
        result: Result<(), Failure>,
    },
    /// The answer to [`Effect::Recall`].
    Recalled {
        /// For this job.
        job: JobId,
        /// What is known, with its result here, durably.
        found: Vec<(Execution, Replay)>,
    },
    /// The operator forgives a node that was banned, or bans it.
    Ban {
        /// Which.
        node: NodeId,
        /// Whether it is not to be used any more.
        is_banned: bool,
    },
    /// A deadline has come.
    Tick,
}

#[derive(Debug)]
struct Entry {
    log: JobLog,
    soft: Soft,
    deadline: Option<Time>,
}

/// The requester machine. See the crate's documentation for its contract.
#[derive(Debug)]
pub struct Requester {
    config: RequesterConfig,
    sent: u64,
    started_at: Time,
    jobs: BTreeMap<JobId, Entry>,
    names: BTreeMap<(String, String), JobId>,
    keys: BTreeMap<(String, String), JobId>,
    clients: BTreeMap<String, u32>,
    directory: Directory,
    trust: Trust,
    absent: Absent,
    queue: Queue,
    equals: Equals,
    deadlines: BTreeSet<(Time, JobId)>,
    /// Jobs to be looked at in this very turn.
    ready: BTreeSet<JobId>,
    /// There may be room that was not there before: the heads of the lines try in this very turn.
    freed: bool,
    /// Jobs that ended in a replay and are not known to be in the index.
    folded: Vec<Arc<JobView>>,
    step: Step,
}

impl Requester {
    /// The state that the log alone gives.
    pub fn replay(config: RequesterConfig, records: impl IntoIterator<Item = Record>) -> Self {
        let mut machine = Self {
            config,
            sent: 0,
            started_at: Time(0),
            jobs: BTreeMap::new(),
            names: BTreeMap::new(),
            keys: BTreeMap::new(),
            clients: BTreeMap::new(),
            directory: Directory::default(),
            trust: Trust::default(),
            absent: Absent::default(),
            queue: Queue::default(),
            equals: Equals::default(),
            deadlines: BTreeSet::new(),
            ready: BTreeSet::new(),
            freed: false,
            folded: Vec::new(),
            step: Step::default(),
        };
        for record in records {
            let folded = machine.apply(&record);
            machine.folded.extend(folded);
        }
        machine
    }

    /// Takes one more record of another's log in, as a standby does. Gives the job that it
    /// settled.
    pub fn follow(&mut self, record: &Record) -> Option<Arc<JobView>> {
        self.apply(record)
    }

    /// After a replay: every effect that is still owed.
    pub fn resume(&mut self, now: Time) -> Step {
        self.started_at = now;
        for view in std::mem::take(&mut self.folded) {
            self.step.effects.push(Effect::Fold(view));
        }
        self.recount();
        self.note_absent(now);
        for id in self.jobs.keys().copied().collect::<Vec<_>>() {
            self.advance(now, id);
        }
        self.tend(now);
        std::mem::take(&mut self.step)
    }

    /// Takes one input in. Never fails, never blocks.
    pub fn handle(&mut self, now: Time, input: Input) -> Step {
        match input {
            Input::Submit { job, seed } => self.submit(now, *job, seed),
            Input::Stop { job, reason } => self.stop(now, job, reason),
            Input::Message { from, message, kept } => self.message(now, from, *message, kept),
            Input::ImageResolved { job, result } => self.image_resolved(now, job, result),
            Input::Kept { execution, result } => self.kept(now, &execution, result),
            Input::Recalled { job, found } => self.recalled(now, job, found),
            Input::Up { node, prefix } => {
                self.reached_in(node, prefix);
                self.returned(now, node);
            }
            Input::Ban { node, is_banned } => {
                self.count(now, TrustEvent::Set { node, is_banned });
            }
            Input::Down(_) | Input::Tick => {}
        }
        self.tend(now);
        self.forget_absent(now);
        std::mem::take(&mut self.step)
    }

    /// Looks at every job that is due.
    fn tend(&mut self, now: Time) {
        loop {
            if let Some(id) = self.ready.pop_first() {
                self.advance(now, id);
            } else if let Some((_, id)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
                self.advance(now, *id);
            } else if std::mem::take(&mut self.freed) {
                self.wake_heads(now);
            } else {
                return;
            }
        }
    }

    fn message(&mut self, now: Time, from: NodeId, message: Envelope, kept: bool) {
        if message.v != MESSAGE_VERSION || message.owner != self.config.owner {
            return;
        }
        self.directory.seen(now, from);
        self.returned(now, from);
        let stamp = (message.boot, message.seq);
        match message.body {
            Message::Bid(bid) => self.bid(now, from, bid),
            Message::Decline { round, reasons } => self.declined(now, from, round, reasons),
            Message::Granted { execution } => self.granted(now, from, &execution, stamp),
            Message::Refused { execution, reason } => self.refused(now, from, &execution, reason),
            Message::Propose { execution, proposal } => {
                self.proposed(now, from, &execution, *proposal, kept);
            }
            Message::Failed { execution, failure } => self.failed(now, from, &execution, failure),
            Message::Reveal { execution, salt, claim } => {
                self.revealed(now, from, &execution, (salt, *claim));
            }
            Message::Stopped { execution } => self.stopped(now, from, &execution),
            Message::Sync { info, executions } => self.sync(now, from, *info, executions, stamp),
            Message::Published { execution, holders: _, place } => {
                self.published(now, from, &execution, place);
            }
            Message::Kept { execution } => self.kept_by(now, from, &execution),
            Message::Ask(_)
            | Message::Filled { .. }
            | Message::Award(_)
            | Message::Accept { .. }
            | Message::Reject { .. }
            | Message::Close { .. }
            | Message::Release { .. }
            | Message::Stop { .. }
            | Message::SyncReply { .. }
            | Message::Keep { .. } => {}
        }
    }

    /// When [`Input::Tick`] is next due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Looks at a job as a whole and does whatever is due.
    fn advance(&mut self, now: Time, id: JobId) {
        self.ready.remove(&id);
        if self.is_live(id) {
            self.time_limits(now, id);
        }
        if self.is_live(id) {
            self.tend_awards(now, id);
            self.tend_leases(now, id);
            self.tend_sealed(now, id);
        }
        if self.is_live(id) {
            self.tend_keeps(now, id);
            self.judge(now, id);
        }
        if self.is_live(id) && self.is_recalled(now, id) && self.is_checkable(now, id) {
            self.fill(now, id);
        }
        if !self.is_live(id) {
            self.tend_stops(now, id);
        }
        self.fold_if_settled(id);
        self.note_seats_sought(id);
        self.set_deadline(now, id);
    }

    fn is_live(&self, id: JobId) -> bool {
        self.jobs.get(&id).is_some_and(|e| !e.log.view.state.is_terminal())
    }

    /// Decides one event of a job: it goes into the log and is applied at once.
    fn emit(&mut self, now: Time, id: JobId, event: JobEvent) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let before = event.execution().and_then(|x| entry.log.occupied(x));
        let seq = entry.log.seq + 1;
        entry.log.apply(seq, now, &event, self.config.limits.history_max);
        if let Some(execution) = event.execution() {
            let after = entry.log.occupied(execution);
            let need = &entry.soft.requirements.resources;
            match (before, after) {
                (None, Some(node)) => self.directory.commit(node, execution, need),
                (Some(node), None) => {
                    self.directory.release(node, execution, need);
                    self.freed = true;
                }
                (None, None) | (Some(_), Some(_)) => {}
            }
        }
        if matches!(event, JobEvent::Queued { .. } | JobEvent::Ended { .. }) {
            self.wake_equals(id);
        }
        self.record(now, id, seq, event);
        if !self.step.effects.iter().any(|e| matches!(e, Effect::Changed(job) if *job == id)) {
            self.step.effects.push(Effect::Changed(id));
        }
    }

    fn record(&mut self, now: Time, job: JobId, seq: u64, event: JobEvent) {
        let RequesterConfig { owner, term, .. } = self.config;
        let body = Event::Job(event);
        self.step.events.push(Record { v: RECORD_VERSION, owner, job, seq, term, at: now, body });
    }

    fn say(&mut self, to: NodeId, body: Message) {
        self.sent += 1;
        let RequesterConfig { owner, term, boot, .. } = self.config;
        let message = Envelope { v: MESSAGE_VERSION, owner, term, boot, seq: self.sent, body };
        self.step.effects.push(Effect::Send { to, message: Box::new(message) });
    }
}
