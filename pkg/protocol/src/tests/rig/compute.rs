//! A compute node with a log and a clock.

use gadus_model::event::Record;
use gadus_model::message::{Announce, Answer, Award, Envelope, MESSAGE_VERSION, Message};
use gadus_model::{Execution, Job, Limits, NodeId, OwnerId, Time};

use super::{OWNER, Outcome, REQUESTER, announce, award, info, limits, node};
use crate::compute::{Facts, Input};
use crate::{Compute, ComputeConfig};

/// After every step its log is replayed, and must give what lives.
pub(in crate::tests) struct TestCompute {
    pub(in crate::tests) machine: Compute,
    pub(in crate::tests) now: Time,
    /// Whom its messages come from, and in which term and version.
    pub(in crate::tests) from: NodeId,
    pub(in crate::tests) owner: OwnerId,
    pub(in crate::tests) term: u64,
    pub(in crate::tests) version: u8,
    config: ComputeConfig,
    log: Vec<Record>,
}

impl TestCompute {
    pub(in crate::tests) fn new() -> Self {
        Self::with_limits(limits())
    }

    pub(in crate::tests) fn with_limits(limits: Limits) -> Self {
        let config = ComputeConfig {
            node: node(1),
            boot: 1,
            limits,
            info: info(node(1)),
            owners: None,
            price: 0,
            sabotage: None,
        };
        Self::of(config)
    }

    pub(in crate::tests) fn of(config: ComputeConfig) -> Self {
        Self {
            machine: Compute::replay(config.clone(), []),
            now: Time(1_000_000_000),
            from: REQUESTER,
            owner: OWNER,
            term: 1,
            version: MESSAGE_VERSION,
            config,
            log: Vec::new(),
        }
    }

    /// Its configuration, to be changed before it starts.
    pub(in crate::tests) fn config() -> ComputeConfig {
        Self::new().config
    }

    pub(in crate::tests) fn input(&mut self, input: Input) -> Outcome {
        let mut outcome = Outcome::new(self.now);
        let step = self.machine.handle(self.now, input);
        self.log.extend(step.events.iter().cloned());
        outcome.add(self.now, step);
        let replayed = Compute::replay(self.config.clone(), self.log.iter().cloned());
        assert_eq!(replayed.durable(), self.machine.durable(), "replay(log) == live");
        outcome
    }

    /// Lets time pass, each deadline in its turn.
    pub(in crate::tests) fn wait_ms(&mut self, ms: u64) -> Outcome {
        let mut outcome = Outcome::new(self.now);
        let end = self.now.plus_ms(ms);
        while let Some(at) = self.machine.next_deadline().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            let tick = self.input(Input::Tick);
            outcome.events.extend(tick.events);
            outcome.effects.extend(tick.effects);
        }
        self.now = end;
        outcome
    }

    /// The process ends and starts again, on the same log.
    pub(in crate::tests) fn restart(&mut self) -> Outcome {
        self.config.boot += 1;
        self.machine = Compute::replay(self.config.clone(), self.log.iter().cloned());
        let mut outcome = Outcome::new(self.now);
        let step = self.machine.resume(self.now);
        self.log.extend(step.events.iter().cloned());
        outcome.add(self.now, step);
        outcome
    }

    pub(in crate::tests) fn hears(&mut self, body: Message) -> Outcome {
        let Self { version: v, owner, term, from, .. } = *self;
        let message = Box::new(Envelope { v, owner, term, boot: 1, seq: 1, body });
        self.input(Input::Message { from, message })
    }

    /// Hears of a job, asked directly or not.
    pub(in crate::tests) fn announced(
        &mut self,
        announcement: Announce,
        asked: bool,
        facts: Facts,
    ) -> Outcome {
        let Self { from, owner, term, .. } = *self;
        let announcement = Box::new(announcement);
        self.input(Input::Announced { from, owner, term, announcement, asked, facts })
    }

    pub(in crate::tests) fn asked(&mut self, job: &Job) -> Outcome {
        self.announced(announce(job), true, Facts::default())
    }

    pub(in crate::tests) fn awarded(&mut self, award: Award) -> Outcome {
        self.hears(Message::Award(Box::new(award)))
    }

    /// Bids for a job and is awarded its first try.
    pub(in crate::tests) fn runs(&mut self, job: &Job) -> Execution {
        self.asked(job);
        let outcome = self.awarded(award(job, 1));
        assert_eq!(outcome.events(), ["Granted"]);
        assert_eq!(outcome.effects(), ["Start", "Granted to 99"]);
        award(job, 1).execution
    }

    /// The answer to a Sync.
    pub(in crate::tests) fn answered(
        &mut self,
        of_seq: u64,
        execution: &Execution,
        answer: Answer,
    ) -> Outcome {
        let answers = vec![(execution.clone(), answer)];
        self.hears(Message::SyncReply { of_seq, answers })
    }
}
