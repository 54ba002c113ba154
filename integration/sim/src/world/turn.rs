//! One machine's turn: an input in, events to its log, effects out when they may.

use gadus_model::event::{Event, Record};
use gadus_model::{Execution, Time};
use gadus_protocol::{Compute, Effect, Requester, Sabotage, Step, compute, requester};

use super::{Doom, Happening, World};
use crate::disk::Ticket;
use crate::host::{Host, Part};
use crate::names;
use crate::network::HostNo;
use crate::seen::{Seen, Stand};
use crate::shell::{Core, Reply, Shell};
use crate::swarm::CrashPoint;

/// A machine with its place in a node.
pub(crate) trait Machine: Core {
    const PART: Part;
    fn shell(host: &mut Host) -> &mut Shell<Self>;
    fn tick() -> Self::Input;
    fn name(input: &Self::Input) -> &'static str;
    fn config(host: &Host) -> Self::Config;
    fn perform(world: &mut World, host: HostNo, effect: Effect);
    fn stand(&self, record: &Record) -> Stand;
}

impl Machine for Requester {
    const PART: Part = Part::Requester;

    fn shell(host: &mut Host) -> &mut Shell<Self> {
        &mut host.requester
    }

    fn tick() -> requester::Input {
        requester::Input::Tick
    }

    fn name(input: &requester::Input) -> &'static str {
        names::requester_input(input)
    }

    fn config(host: &Host) -> Self::Config {
        host.requester_config()
    }

    fn perform(world: &mut World, host: HostNo, effect: Effect) {
        world.perform_for_requester(host, effect);
    }

    fn stand(&self, record: &Record) -> Stand {
        let log = self.log(record.job);
        let execution: Option<&Execution> = names::execution_of(record);
        Stand {
            job: log.map(|log| log.view.state),
            execution: log.and_then(|log| Some(log.execution(execution?)?.state)),
        }
    }
}

impl Machine for Compute {
    const PART: Part = Part::Compute;

    fn shell(host: &mut Host) -> &mut Shell<Self> {
        &mut host.compute
    }

    fn tick() -> compute::Input {
        compute::Input::Tick
    }

    fn name(input: &compute::Input) -> &'static str {
        names::compute_input(input)
    }

    fn config(host: &Host) -> Self::Config {
        host.compute_config()
    }

    fn perform(world: &mut World, host: HostNo, effect: Effect) {
        world.perform_for_compute(host, effect);
    }

    fn stand(&self, _: &Record) -> Stand {
        Stand { job: None, execution: None }
    }
}

impl World {
    pub(crate) fn requester(&mut self, host: HostNo, input: requester::Input) {
        self.turn::<Requester>(host, input, Vec::new());
    }

    pub(crate) fn compute(&mut self, host: HostNo, input: compute::Input) {
        self.turn::<Compute>(host, input, Vec::new());
    }

    /// A machine takes one input in, if it is up.
    pub(crate) fn turn<M: Machine>(&mut self, at: HostNo, input: M::Input, replies: Vec<Reply>) {
        let now = self.truth.local(at);
        let name = M::name(&input);
        let Some(alive) = &mut M::shell(&mut self.truth.hosts[at]).alive else { return };
        let step = alive.core.handle(now, input);
        self.steps += 1;
        self.took::<M>(at, name, step, replies);
    }

    /// Takes a step in, as the shell does.
    pub(crate) fn took<M: Machine>(
        &mut self,
        at: HostNo,
        name: &'static str,
        step: Step,
        replies: Vec<Reply>,
    ) {
        let (events, effects) = (step.events.len() as u64, step.effects.len() as u64);
        let in_vain = name == "tick" && events + effects == 0;
        self.trace.note(self.truth.now, at, name, events << 32 | effects, || worded(&step));
        let mut step = step;
        self.fold(at, &mut step.effects);
        let speak_first = self.sabotage == Some(Sabotage::SpeakFirst);
        let host = &mut self.truth.hosts[at];
        let (records, now) = M::shell(host).take(step, replies, speak_first);
        for record in records.iter() {
            self.follow::<M>(at, record);
        }
        self.see(&Seen::Step { host: at, part: M::PART, records: &records, in_vain });
        for effect in now {
            M::perform(self, at, effect);
        }
        if self.doom::<M>(at, &records) {
            return;
        }
        self.sync::<M>(at);
        self.release::<M>(at);
        self.plan_tick::<M>(at);
    }

    fn follow<M: Machine>(&mut self, at: HostNo, record: &Record) {
        self.coverage.event(names::event_kind(&record.body));
        let number = names::execution_of(record).map_or(0, names::execution_number);
        let kind = names::event_kind(&record.body);
        self.trace.note(self.truth.now, at, kind, number ^ record.seq << 48, || {
            format!("  {:?}", brief(record))
        });
        let Some(alive) = &mut M::shell(&mut self.truth.hosts[at]).alive else { return };
        let before = alive.shadow.stand(record);
        alive.shadow.follow(record);
        let after = alive.shadow.stand(record);
        if M::PART == Part::Requester {
            self.note_event(at, record);
            self.see(&Seen::Decided { host: at, record, before, after });
        }
    }

    /// Jobs that are over go into the index at once, as the store wants it.
    fn fold(&mut self, at: HostNo, effects: &mut Vec<Effect>) {
        for effect in effects.extract_if(.., |e| matches!(e, Effect::Fold(_))) {
            if let Effect::Fold(view) = effect {
                self.truth.hosts[at].fold(view);
            }
        }
    }

    /// Whether the process ends here and now; if it is to end a little later, that is noted.
    fn doom<M: Machine>(&mut self, at: HostNo, records: &[Record]) -> bool {
        let faults = self.truth.swarm.process;
        if records.is_empty() || self.truth.healed {
            return false;
        }
        let kinds = || records.iter().map(|r| names::event_kind(&r.body));
        let aimed = faults.aimed.filter(|(kind, _, _)| kinds().any(|k| k == *kind));
        let doomed = match aimed {
            Some((kind, point, often)) => self.dice.chance(often).then_some((kind, point)),
            None => {
                let random = self.dice.chance(faults.random);
                random.then(|| (kinds().next().unwrap_or(""), CrashPoint::any(&mut self.dice)))
            }
        };
        let Some((kind, point)) = doomed else { return false };
        let ticket = M::shell(&mut self.truth.hosts[at]).disk.last();
        match point {
            CrashPoint::BeforePersist => {
                self.coverage.crash(kind, point);
                self.crash(at, false);
                return true;
            }
            CrashPoint::AfterPersist => {
                self.dooms.push(Doom { host: at, part: M::PART, ticket, kind });
            }
            CrashPoint::AfterSend => {
                if M::shell(&mut self.truth.hosts[at]).crash_after_newest() {
                    self.coverage.crash(kind, point);
                }
            }
        }
        false
    }

    fn sync<M: Machine>(&mut self, at: HostNo) {
        let host = &mut self.truth.hosts[at];
        let boot = host.boot;
        if let Some(upto) = M::shell(host).disk.begin_sync() {
            let us = self.dice.between(20, self.truth.swarm.fsync_us);
            self.agenda.after(us, Happening::Synced { host: at, part: M::PART, boot, upto });
        }
    }

    pub(crate) fn synced(&mut self, at: HostNo, part: Part, boot: u64, upto: Ticket) {
        match part {
            Part::Requester => self.machine_synced::<Requester>(at, boot, upto),
            Part::Compute => self.machine_synced::<Compute>(at, boot, upto),
        }
    }

    fn machine_synced<M: Machine>(&mut self, at: HostNo, boot: u64, upto: Ticket) {
        let host = &mut self.truth.hosts[at];
        if !host.up || host.boot != boot {
            return;
        }
        for records in M::shell(host).disk.synced(upto) {
            self.see(&Seen::Durable { host: at, records: &records });
        }
        let doomed = |d: &Doom| d.host == at && d.part == M::PART && d.ticket <= upto;
        if let Some(doom) = self.dooms.iter().find(|d| doomed(d)) {
            self.coverage.crash(doom.kind, CrashPoint::AfterPersist);
            return self.crash(at, true);
        }
        self.release::<M>(at);
        self.sync::<M>(at);
    }

    /// Says what may be said.
    fn release<M: Machine>(&mut self, at: HostNo) {
        while let Some(pending) = M::shell(&mut self.truth.hosts[at]).released() {
            for effect in pending.effects {
                if let Effect::Send { to, message } = &effect {
                    let (to, after) = (*to, pending.after);
                    let part = M::PART;
                    self.see(&Seen::Said { host: at, part, to, message, after });
                }
                M::perform(self, at, effect);
            }
            for reply in pending.replies {
                self.replied(reply);
            }
            if pending.then_crash {
                return self.crash(at, true);
            }
        }
    }

    /// Plans the next tick, unless it is planned.
    pub(crate) fn plan_tick<M: Machine>(&mut self, at: HostNo) {
        let host = &mut self.truth.hosts[at];
        let (clock, boot) = (host.clock.clone(), host.boot);
        let Some(alive) = &mut M::shell(host).alive else { return };
        let due = alive.core.next_deadline();
        if alive.due == due {
            return;
        }
        alive.due = due;
        alive.tick += 1;
        let (tick, part) = (alive.tick, M::PART);
        if let Some(due) = due {
            self.agenda.at(clock.when(due), Happening::Tick { host: at, part, boot, tick });
        }
    }

    pub(crate) fn tick(&mut self, at: HostNo, part: Part, boot: u64, tick: u64) {
        match part {
            Part::Requester => self.machine_tick::<Requester>(at, boot, tick),
            Part::Compute => self.machine_tick::<Compute>(at, boot, tick),
        }
    }

    fn machine_tick<M: Machine>(&mut self, at: HostNo, boot: u64, tick: u64) {
        let host = &mut self.truth.hosts[at];
        let current = host.boot == boot;
        let Some(alive) = M::shell(host).alive.as_mut().filter(|_| current) else { return };
        if alive.tick == tick {
            alive.due = None;
            self.turn::<M>(at, M::tick(), Vec::new());
        }
    }
}

/// A step in words.
fn worded(step: &Step) -> String {
    let effects = step.effects.iter().map(|effect| match effect {
        Effect::Send { to, message } => format!("{}→{to:?}", message.body.kind()),
        Effect::Gossip(_)
        | Effect::GossipFilled(_)
        | Effect::ResolveImage { .. }
        | Effect::Recall(_)
        | Effect::Keep { .. }
        | Effect::Fold(_)
        | Effect::Changed(_)
        | Effect::Start { .. }
        | Effect::Kill { .. }
        | Effect::Promote { .. }
        | Effect::Publish { .. }
        | Effect::Disclose { .. }
        | Effect::Forget { .. } => names::effect(effect).to_owned(),
    });
    effects.collect::<Vec<_>>().join(" ")
}

/// What a record is about, without its bulk.
fn brief(record: &Record) -> (u64, Time, Option<String>) {
    let about = names::execution_of(record).map(|x| format!("{x:?}"));
    let about = about.or_else(|| match &record.body {
        Event::Job(_) => Some(record.job.short()),
        Event::Compute(_) | Event::Trust(_) => None,
    });
    (record.seq, record.at, about)
}
