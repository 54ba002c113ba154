//! The compute node: bids, reserves, runs, and keeps what it made until its requester has it.
//!
//! ```text
//!   award ─► Running ─► Finished ─► Accepted ─► released, result kept
//!               │   └ Sealed ──┴ rejected ─► released
//!               └ Failed ─► released             Stop, lease ended ─► killed, released
//! ```
//!
//! State is keyed by owner and execution. The outbox (`Finished`, `Failed`, `Accepted`) holds
//! until the requester says `Release`, whatever happens to either side.

mod bidding;
mod fence;
mod grant;
mod held;
mod keep;
mod outbox;
mod sealed;
mod sync;

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::event::{ComputeEvent, Event, RECORD_VERSION, Record, Seal};
use gadus_model::message::{Announce, Envelope, InlineBlock, MESSAGE_VERSION, Message, RoundId};
use gadus_model::{
    Claim, Execution, Failure, Limits, NodeId, NodeInfo, OwnerId, Place, Resources, Time,
};

pub use self::fence::BIDS_OUT_MAX;
use self::fence::Bids;
pub(crate) use self::grant::runs_once;
pub use self::held::{HeldLog, HeldState};
use self::held::{HeldSoft, Stopping};
use self::keep::Keeps;
use self::sync::Peers;
use crate::sabotage::Sabotage;
use crate::step::{Effect, Step};

/// What a compute node is told once.
#[derive(Clone, Debug)]
pub struct ComputeConfig {
    /// Who it is.
    pub node: NodeId,
    /// This start of its process; it grows with every start.
    pub boot: u64,
    /// Limits and intervals.
    pub limits: Limits,
    /// What it says of itself; `available` and `running` are filled in here.
    pub info: NodeInfo,
    /// The requesters it works for; absent means all.
    pub owners: Option<Vec<OwnerId>>,
    /// What a job costs here.
    pub price: u64,
    /// For the simulator only.
    pub sabotage: Option<Sabotage>,
}

/// Local facts about an announced job: from memory, never from the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Bytes of the inputs that are not here.
    pub bytes_missing: u64,
    /// The compiled module is at hand.
    pub module_warm: bool,
    /// The digest of the image at hand.
    pub image_digest: Option<String>,
}

/// What happens to a compute node.
#[derive(Clone, Debug)]
pub enum Input {
    /// Somebody wants a job done, by gossip or asked directly (see `asked`).
    Announced {
        /// Who can be answered.
        from: NodeId,
        /// Whose job.
        owner: OwnerId,
        /// The owner's term.
        term: u64,
        /// What.
        announcement: Box<Announce>,
        /// Asked directly: an answer is due either way.
        asked: bool,
        /// What is here of it.
        facts: Facts,
    },
    /// Rounds that need no more bids, by gossip.
    Filled {
        /// Who signed it.
        from: NodeId,
        /// Whose jobs.
        owner: OwnerId,
        /// The owner's term.
        term: u64,
        /// Which.
        rounds: Vec<RoundId>,
    },
    /// Any other message.
    Message {
        /// From whom, proven by the transport.
        from: NodeId,
        /// What.
        message: Box<Envelope>,
    },
    /// A peer can be reached; so can this node itself, when it is a requester too.
    Up(NodeId),
    /// A peer can no longer be reached.
    Down(NodeId),
    /// Engines or capacity changed.
    Info(Box<NodeInfo>),
    /// An execution ended; its outputs are stored, durably, in its quarantine.
    Finished {
        /// Which.
        execution: Execution,
        /// The answer.
        claim: Box<Claim>,
        /// All blocks of a small result.
        blocks: Vec<InlineBlock>,
        /// What hides the answer, of sealed work.
        seal: Option<Box<Seal>>,
    },
    /// An execution failed.
    Failed {
        /// Which.
        execution: Execution,
        /// Why.
        failure: Failure,
    },
    /// Nothing of an execution runs any more: the answer to [`Effect::Kill`].
    Killed {
        /// Which.
        execution: Execution,
    },
    /// The answer to [`Effect::Promote`].
    Promoted {
        /// Whose result.
        execution: Execution,
    },
    /// The answer to [`Effect::Publish`].
    Placed {
        /// Whose result.
        execution: Execution,
        /// Where it is.
        place: Result<Place, Failure>,
    },
    /// The answer to [`Effect::Keep`].
    Kept {
        /// Whose result.
        execution: Execution,
        /// Whether every block is here, durably.
        result: Result<(), Failure>,
    },
    /// A deadline has come.
    Tick,
}

#[derive(Debug)]
struct Entry {
    owner: OwnerId,
    log: HeldLog,
    soft: HeldSoft,
    /// When it is due, as the agenda has it.
    due: Option<Time>,
}

/// The compute machine. See the crate's documentation for its contract.
#[derive(Debug)]
pub struct Compute {
    config: ComputeConfig,
    started_at: Time,
    sent: u64,
    records: u64,
    held: BTreeMap<Execution, Entry>,
    /// When what is held is due.
    agenda: BTreeSet<(Time, Execution)>,
    /// Told to stop, and still running.
    stopping: BTreeMap<Execution, Stopping>,
    /// What executions take up, those that are being stopped included.
    reserved: Resources,
    /// How many of `held` run.
    running: usize,
    terms: BTreeMap<OwnerId, u64>,
    bids: Bids,
    keeps: Keeps,
    peers: Peers,
    step: Step,
}

/// A wake-up that is later than this was slept through.
const SLEPT_MS: u64 = 5_000;

/// Owners whose term is remembered although nothing of theirs is held.
const OWNERS_MAX: usize = 4_096;

impl Compute {
    /// The state that the log alone gives.
    pub fn replay(config: ComputeConfig, records: impl IntoIterator<Item = Record>) -> Self {
        let mut machine = Self {
            config,
            started_at: Time(0),
            sent: 0,
            records: 0,
            held: BTreeMap::new(),
            agenda: BTreeSet::new(),
            stopping: BTreeMap::new(),
            reserved: Resources::default(),
            running: 0,
            terms: BTreeMap::new(),
            bids: Bids::default(),
            keeps: Keeps::default(),
            peers: Peers::default(),
            step: Step::default(),
        };
        for record in records {
            machine.apply(&record);
        }
        machine
    }

    /// Takes one more record of another's log in, as a standby does.
    pub fn follow(&mut self, record: &Record) {
        self.apply(record);
    }

    /// After a replay: every effect that is still owed. What ran is started again, and ends when
    /// no Sync is answered `Run` for it within the grace.
    pub fn resume(&mut self, now: Time) -> Step {
        self.started_at = now;
        let grace_ms = self.config.limits.lease_grace_ms + self.config.limits.sync_ms;
        for execution in self.held.keys().cloned().collect::<Vec<_>>() {
            let Some(entry) = self.held.get_mut(&execution) else { continue };
            match &entry.log.state {
                HeldState::Running => {
                    entry.soft.lease_until = now.plus_ms(grace_ms);
                    let award = Box::new(entry.log.award.clone());
                    self.step.effects.push(Effect::Start { award, resumed: true });
                }
                HeldState::Accepted { manifest } => {
                    let retention_ms = entry.log.award.context.retention_ms;
                    let (execution, result) = (execution.clone(), manifest.result);
                    self.step.effects.push(Effect::Promote { execution, result, retention_ms });
                }
                HeldState::Finished { .. } | HeldState::Sealed { .. } | HeldState::Failed(_) => {}
            }
            self.set_due(&execution);
        }
        self.tend(now);
        std::mem::take(&mut self.step)
    }

    /// Takes one input in. Never fails, never blocks.
    pub fn handle(&mut self, now: Time, input: Input) -> Step {
        self.note_sleep(now);
        match input {
            Input::Announced { from, owner, term, announcement, asked, facts } => {
                if from == owner.0 && self.knows_term(owner, term) {
                    self.announced(now, (from, owner, term), *announcement, asked, facts);
                }
            }
            Input::Filled { from, owner, term, rounds } => {
                if from == owner.0 && self.knows_term(owner, term) {
                    self.filled(owner, &rounds);
                }
            }
            Input::Message { from, message } => self.message(now, from, *message),
            Input::Up(node) => self.up(now, node),
            Input::Down(node) => self.down(node),
            Input::Info(info) => {
                self.config.info = *info;
                self.sync_soon(now);
            }
            Input::Finished { execution, claim, blocks, seal } => {
                self.finished(now, &execution, (claim, seal), blocks);
            }
            Input::Failed { execution, failure } => self.run_failed(now, &execution, failure),
            Input::Killed { execution } => self.killed(now, &execution),
            Input::Promoted { execution } => self.promoted(now, &execution),
            Input::Placed { execution, place } => self.placed(now, &execution, place),
            Input::Kept { execution, result } => self.kept(&execution, &result),
            Input::Tick => {}
        }
        self.tend(now);
        std::mem::take(&mut self.step)
    }

    fn message(&mut self, now: Time, from: NodeId, message: Envelope) {
        let Envelope { v, owner, term, boot: _, seq: _, body } = message;
        // Today a requester's name is the key of its only node.
        if v != MESSAGE_VERSION || from != owner.0 || !self.knows_term(owner, term) {
            return;
        }
        match body {
            Message::Award(award) => self.awarded(now, from, owner, term, *award),
            Message::Accept { execution } => self.accepted(now, owner, &execution),
            Message::Reject { execution, why: _ } => {
                if self.is_held_for(owner, &execution) {
                    self.drop_held(now, &execution, None);
                }
            }
            Message::Release { execution } => self.released(now, owner, &execution),
            Message::Stop { execution } => self.stop(now, owner, &execution, Some(from)),
            Message::SyncReply { of_seq, answers } => {
                self.sync_reply(now, from, owner, of_seq, answers);
            }
            Message::Filled { round } => self.bids.forget(owner, round),
            Message::Keep { execution, result, from: source, retention_ms } => {
                self.keep((from, owner), execution, (result, source, retention_ms));
            }
            Message::Close { execution, close } => {
                self.close((now, from, owner), execution, *close);
            }
            Message::Ask(_)
            | Message::Bid(_)
            | Message::Decline { .. }
            | Message::Granted { .. }
            | Message::Refused { .. }
            | Message::Propose { .. }
            | Message::Reveal { .. }
            | Message::Failed { .. }
            | Message::Stopped { .. }
            | Message::Sync { .. }
            | Message::Kept { .. }
            | Message::Published { .. } => {}
        }
    }

    fn works_for(&self, owner: OwnerId) -> bool {
        self.config.owners.as_ref().is_none_or(|allowed| allowed.contains(&owner))
    }

    /// Lower terms are refused: somebody else owns those jobs now.
    fn knows_term(&mut self, owner: OwnerId, term: u64) -> bool {
        if self.terms.len() >= OWNERS_MAX && !self.terms.contains_key(&owner) {
            let (held, peers) = (&self.held, &self.peers);
            let needed = |owner: &OwnerId| {
                peers.is_up(owner.0) || held.values().any(|entry| entry.owner == *owner)
            };
            self.terms.retain(|owner, _| needed(owner));
        }
        let highest = self.terms.entry(owner).or_insert(term);
        *highest = (*highest).max(term);
        term == *highest
    }

    /// When [`Input::Tick`] is next due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        let held = self.agenda.first().map(|(at, _)| *at);
        held.into_iter().chain(self.bids.next_deadline()).chain(self.peers.next_deadline()).min()
    }

    /// A machine whose deadline has long passed was not awake meanwhile.
    fn note_sleep(&mut self, now: Time) {
        let due = self.next_deadline().filter(|due| now > due.plus_ms(SLEPT_MS));
        self.bids.slept(due.map_or(0, |due| now.us_since(due)));
    }

    /// Does whatever is due.
    fn tend(&mut self, now: Time) {
        self.tend_bids(now);
        while self.agenda.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, execution)) = self.agenda.pop_first() else { break };
            self.tend_held(now, &execution);
        }
        self.tend_syncs(now);
    }

    /// Notes when something held is due next.
    fn set_due(&mut self, execution: &Execution) {
        let limits = &self.config.limits;
        let Some(entry) = self.held.get_mut(execution) else { return };
        let next = entry.next_due(limits, self.config.sabotage);
        if entry.due == next {
            return;
        }
        if let Some(at) = std::mem::replace(&mut entry.due, next) {
            self.agenda.remove(&(at, execution.clone()));
        }
        if let Some(at) = next {
            self.agenda.insert((at, execution.clone()));
        }
    }

    /// What executions here take up, those that are being stopped included.
    #[must_use]
    pub fn reserved(&self) -> Resources {
        self.reserved
    }

    /// How many executions run, those that are being stopped included.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running + self.stopping.len()
    }

    fn free(&self) -> Resources {
        self.config.info.capacity.less(&self.reserved)
    }

    /// What it says of itself now.
    #[must_use]
    pub fn info(&self) -> NodeInfo {
        let mut info = self.config.info.clone();
        info.available = self.free();
        info.running = u32::try_from(self.running()).unwrap_or(u32::MAX);
        info
    }

    /// Executions of which something runs or lies about: what a reaper must leave alone.
    pub fn executions(&self) -> impl Iterator<Item = &Execution> {
        self.held.keys().chain(self.stopping.keys())
    }

    /// What is held, for comparing a replay with what lives.
    #[must_use]
    pub fn durable(&self) -> BTreeMap<(OwnerId, Execution), &HeldLog> {
        let key = |(x, entry): (&Execution, &Entry)| (entry.owner, x.clone());
        self.held.iter().map(|held| (key(held), &held.1.log)).collect()
    }

    /// The durable state of one execution.
    #[must_use]
    pub fn held(&self, execution: &Execution) -> Option<&HeldLog> {
        self.held.get(execution).map(|entry| &entry.log)
    }

    /// How much it remembers beside its log, by name: for tests that nothing grows for ever.
    #[must_use]
    pub fn footprint(&self) -> Vec<(&'static str, usize)> {
        let [offers, fences, due] = self.bids.sizes();
        vec![
            ("offers", offers),
            ("fences", fences),
            ("bids due", due),
            ("agenda", self.agenda.len()),
            ("stopping", self.stopping.len()),
            ("keeps", self.keeps.len()),
        ]
    }

    /// The owner of an execution that is held here, and the node that hears of it.
    #[must_use]
    pub fn owner_of(&self, execution: &Execution) -> Option<(OwnerId, NodeId)> {
        self.held.get(execution).map(|entry| (entry.owner, entry.log.requester))
    }

    fn is_held_for(&self, owner: OwnerId, execution: &Execution) -> bool {
        self.held.get(execution).is_some_and(|entry| entry.owner == owner)
    }

    /// Decides one event: it goes into the log and is applied at once.
    fn emit(&mut self, now: Time, owner: OwnerId, execution: &Execution, event: ComputeEvent) {
        let record = Record {
            v: RECORD_VERSION,
            owner,
            job: execution.slot.job,
            seq: self.records + 1,
            term: self.terms.get(&owner).copied().unwrap_or(0),
            at: now,
            body: Event::Compute(event),
        };
        self.apply(&record);
        self.step.events.push(record);
    }

    fn say(&mut self, to: NodeId, owner: OwnerId, body: Message) -> u64 {
        self.sent += 1;
        let (term, boot) = (self.terms.get(&owner).copied().unwrap_or(0), self.config.boot);
        let message = Envelope { v: MESSAGE_VERSION, owner, term, boot, seq: self.sent, body };
        self.step.effects.push(Effect::Send { to, message: Box::new(message) });
        self.sent
    }
}
