//! What stands between a machine and the world, by the contract of the real shell: a step's events
//! are appended at once, and its effects wait behind the ticket, in order.

use std::collections::VecDeque;
use std::rc::Rc;

use gadus_model::event::{Event, Record};
use gadus_model::{JobId, Time};
use gadus_protocol::requester::RequesterConfig;
use gadus_protocol::{Compute, ComputeConfig, Effect, Requester, Step, compute, requester};

use crate::disk::{Disk, Ticket};

/// A machine as the simulator drives it; both have this surface.
pub trait Core: Sized {
    /// What it is told once.
    type Config: Clone;
    /// What happens to it.
    type Input;
    /// The state that a log alone gives.
    fn replay(config: Self::Config, records: Vec<Record>) -> Self;
    /// Takes one more record in.
    fn follow(&mut self, record: &Record);
    /// Every effect still owed.
    fn resume(&mut self, now: Time) -> Step;
    /// One input.
    fn handle(&mut self, now: Time, input: Self::Input) -> Step;
    /// When a tick is due.
    fn next_deadline(&self) -> Option<Time>;
    /// Everything that lives.
    fn snapshot(&self, now: Time) -> Vec<Record>;
    /// Whether what records are about is the same in both.
    fn agrees_on(&self, other: &Self, records: &[Record]) -> Result<(), String>;
    /// Whether all durable state is the same in both.
    fn agrees(&self, other: &Self) -> Result<(), String>;
}

impl Core for Requester {
    type Config = RequesterConfig;
    type Input = requester::Input;

    fn replay(config: RequesterConfig, records: Vec<Record>) -> Self {
        Self::replay(config, records)
    }

    fn follow(&mut self, record: &Record) {
        Self::follow(self, record);
    }

    fn resume(&mut self, now: Time) -> Step {
        Self::resume(self, now)
    }

    fn handle(&mut self, now: Time, input: requester::Input) -> Step {
        Self::handle(self, now, input)
    }

    fn next_deadline(&self) -> Option<Time> {
        Self::next_deadline(self)
    }

    fn snapshot(&self, now: Time) -> Vec<Record> {
        Self::snapshot(self, now)
    }

    fn agrees_on(&self, other: &Self, records: &[Record]) -> Result<(), String> {
        match records.iter().find(|r| self.log(r.job) != other.log(r.job)) {
            None if records.iter().any(|r| matches!(r.body, Event::Trust(_))) => {
                trust_alike(self, other)
            }
            None => Ok(()),
            Some(r) => Err(differ(r.job, &self.log(r.job), &other.log(r.job))),
        }
    }

    fn agrees(&self, other: &Self) -> Result<(), String> {
        let (mine, theirs) = (self.durable(), other.durable());
        let jobs = mine.keys().chain(theirs.keys());
        match jobs.into_iter().find(|id| mine.get(id) != theirs.get(id)) {
            None => trust_alike(self, other),
            Some(id) => Err(differ(id, &mine.get(id), &theirs.get(id))),
        }
    }
}

impl Core for Compute {
    type Config = ComputeConfig;
    type Input = compute::Input;

    fn replay(config: ComputeConfig, records: Vec<Record>) -> Self {
        Self::replay(config, records)
    }

    fn follow(&mut self, record: &Record) {
        Self::follow(self, record);
    }

    fn resume(&mut self, now: Time) -> Step {
        Self::resume(self, now)
    }

    fn handle(&mut self, now: Time, input: compute::Input) -> Step {
        Self::handle(self, now, input)
    }

    fn next_deadline(&self) -> Option<Time> {
        Self::next_deadline(self)
    }

    fn snapshot(&self, now: Time) -> Vec<Record> {
        Self::snapshot(self, now)
    }

    fn agrees_on(&self, other: &Self, records: &[Record]) -> Result<(), String> {
        let executions = records.iter().filter_map(crate::names::execution_of);
        match executions.into_iter().find(|x| self.held(x) != other.held(x)) {
            None => Ok(()),
            Some(x) => Err(differ(x, &self.held(x), &other.held(x))),
        }
    }

    fn agrees(&self, other: &Self) -> Result<(), String> {
        let (mine, theirs) = (self.durable(), other.durable());
        let held = mine.keys().chain(theirs.keys());
        match held.into_iter().find(|key| mine.get(key) != theirs.get(key)) {
            None => Ok(()),
            Some(key) => Err(differ(key, &mine.get(key), &theirs.get(key))),
        }
    }
}

/// Whether both think the same of nodes.
fn trust_alike(one: &Requester, other: &Requester) -> Result<(), String> {
    if one.trust().eq(other.trust()) && one.banned().eq(other.banned()) {
        return Ok(());
    }
    let rows = |of: &Requester| of.trust().collect::<Vec<_>>();
    let (banned, theirs): (Vec<_>, Vec<_>) = (one.banned().collect(), other.banned().collect());
    Err(differ("trust", &(rows(one), banned), &(rows(other), theirs)))
}

fn differ<A: std::fmt::Debug, B: std::fmt::Debug>(what: A, live: &B, replayed: &B) -> String {
    format!("{what:?}: live {live:?}, replayed {replayed:?}")
}

/// Something that is said to a client once all before it is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The job is taken.
    Submitted(JobId),
    /// The job is stopped.
    Stopped(JobId),
}

/// What waits for a ticket.
#[derive(Debug)]
pub struct Pending {
    ticket: Option<Ticket>,
    /// Everything up to here was appended when it was decided.
    pub after: Ticket,
    /// What is to be done.
    pub effects: Vec<Effect>,
    /// What clients are told.
    pub replies: Vec<Reply>,
    /// The process ends when this has been said.
    pub then_crash: bool,
}

/// A machine that lives, with what waits to be said.
#[derive(Debug)]
pub struct Alive<C> {
    /// The machine.
    pub core: C,
    /// Another, made from the records alone.
    pub shadow: C,
    pump: VecDeque<Pending>,
    /// Distinguishes the tick that is planned from older ones.
    pub tick: u64,
    /// When that tick is due, by the local clock.
    pub due: Option<Time>,
}

/// A machine's process, and its log that outlives it.
#[derive(Debug)]
pub struct Shell<C> {
    /// The log.
    pub disk: Disk,
    /// The machine, while its process is up.
    pub alive: Option<Alive<C>>,
}

impl<C> Default for Shell<C> {
    fn default() -> Self {
        Self { disk: Disk::default(), alive: None }
    }
}

impl<C: Core> Shell<C> {
    /// Starts the process.
    pub fn start(&mut self, config: &C::Config) {
        let replay = || C::replay(config.clone(), self.disk.records().cloned().collect());
        let (core, shadow) = (replay(), replay());
        self.alive = Some(Alive { core, shadow, pump: VecDeque::new(), tick: 0, due: None });
    }

    /// Takes a step in: events to the log, what need not wait out, the rest behind the ticket.
    pub fn take(
        &mut self,
        step: Step,
        replies: Vec<Reply>,
        speak_first: bool,
    ) -> (Rc<Vec<Record>>, Vec<Effect>) {
        let records = Rc::new(step.events);
        let ticket = (!records.is_empty()).then(|| self.disk.append(records.clone()));
        let (later, now): (Vec<_>, Vec<_>) = step.effects.into_iter().partition(Effect::speaks);
        let ticket = ticket.filter(|_| !speak_first);
        if let Some(alive) = &mut self.alive
            && !(later.is_empty() && replies.is_empty() && ticket.is_none())
        {
            let after = self.disk.last();
            let pending = Pending { ticket, after, effects: later, replies, then_crash: false };
            alive.pump.push_back(pending);
        }
        (records, now)
    }

    /// The next that may be said.
    pub fn released(&mut self) -> Option<Pending> {
        let pump = &mut self.alive.as_mut()?.pump;
        let durable = self.disk.durable();
        pump.pop_front_if(|pending| pending.ticket.is_none_or(|ticket| ticket <= durable))
    }

    /// The process ends once the newest step has been said.
    pub fn crash_after_newest(&mut self) -> bool {
        let newest = self.alive.as_mut().and_then(|alive| alive.pump.back_mut());
        newest.map(|pending| pending.then_crash = true).is_some()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.alive.as_ref().is_none_or(|alive| alive.pump.is_empty())
    }
}
