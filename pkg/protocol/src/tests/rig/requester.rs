//! A requester with a log and a clock.

use std::sync::Arc;

use gadus_model::event::Record;
use gadus_model::message::{
    Bid, Envelope, Held, MESSAGE_VERSION, Message, OpenProposal, Proposal, RoundId,
};
use gadus_model::{Claim, Execution, ExecutionState, Job, JobId, JobState, Limits, NodeId, Time};
use gadus_model::{NodeInfo, OwnerId};

use super::{OWNER, Outcome, REQUESTER, award, claim, info, limits};
use crate::notary::Fake;
use crate::requester::{Approved, Input};
use crate::step::{Effect, Step};
use crate::{Requester, RequesterConfig};

/// After every step its log is replayed, and must give what lives.
pub(in crate::tests) struct TestRequester {
    pub(in crate::tests) machine: Requester,
    pub(in crate::tests) now: Time,
    pub(in crate::tests) owner: OwnerId,
    pub(in crate::tests) version: u8,
    /// Nothing is known of any work, which it is told at once.
    pub(in crate::tests) forgets: bool,
    config: RequesterConfig,
    log: Vec<Record>,
    /// Numbers the messages of all nodes.
    seq: u64,
}

impl TestRequester {
    /// One that knows nobody.
    pub(in crate::tests) fn new(limits: Limits) -> Self {
        let config = RequesterConfig {
            node: REQUESTER,
            owner: OWNER,
            term: 1,
            boot: 1,
            limits,
            notary: Arc::new(Fake(REQUESTER)),
            approved: Approved::default(),
            sabotage: None,
        };
        Self::of(config)
    }

    pub(in crate::tests) fn of(config: RequesterConfig) -> Self {
        Self {
            machine: Requester::replay(config.clone(), []),
            now: Time(1_000_000_000),
            owner: OWNER,
            version: MESSAGE_VERSION,
            forgets: true,
            config,
            log: Vec::new(),
            seq: 0,
        }
    }

    /// One that knows these nodes.
    pub(in crate::tests) fn with_nodes(nodes: impl IntoIterator<Item = NodeId>) -> Self {
        let mut requester = Self::new(limits());
        nodes.into_iter().for_each(|node| _ = requester.meets(info(node)));
        requester
    }

    pub(in crate::tests) fn config(&self) -> RequesterConfig {
        self.config.clone()
    }

    pub(in crate::tests) fn input(&mut self, input: Input) -> Outcome {
        let mut outcome = Outcome::new(self.now);
        let step = self.machine.handle(self.now, input);
        self.took(&mut outcome, step);
        self.assert_replays();
        outcome
    }

    /// Takes a step in, and what follows at once from what is known.
    fn took(&mut self, outcome: &mut Outcome, mut step: Step) {
        let is_asked = |effect: &mut Effect| self.forgets && matches!(effect, Effect::Recall(_));
        let asked: Vec<Effect> = step.effects.extract_if(.., is_asked).collect();
        self.log.extend(step.events.iter().cloned());
        outcome.add(self.now, step);
        for effect in asked {
            let Effect::Recall(lookup) = effect else { continue };
            let nothing = Input::Recalled { job: lookup.job, found: Vec::new() };
            let step = self.machine.handle(self.now, nothing);
            self.took(outcome, step);
        }
    }

    fn assert_replays(&self) {
        let replayed = Requester::replay(self.config.clone(), self.log.iter().cloned());
        assert_eq!(replayed.durable(), self.machine.durable(), "replay(log) == live");
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

    /// The process ends and starts again, on the same log, in the next term.
    pub(in crate::tests) fn restart(&mut self) -> Outcome {
        self.config.term += 1;
        self.config.boot += 1;
        self.machine = Requester::replay(self.config.clone(), self.log.iter().cloned());
        let mut outcome = Outcome::new(self.now);
        let step = self.machine.resume(self.now);
        self.took(&mut outcome, step);
        outcome
    }

    pub(in crate::tests) fn submit(&mut self, job: Job) -> Outcome {
        assert_eq!(self.machine.check(&job), Ok(()));
        self.input(Input::Submit { job: Box::new(job), seed: 7 })
    }

    /// A message of a node whose messages come in order.
    pub(in crate::tests) fn hears(&mut self, from: NodeId, body: Message) -> Outcome {
        self.seq += 1;
        self.hears_as(from, (1, self.seq), body)
    }

    /// A message of this boot and number.
    pub(in crate::tests) fn hears_as(
        &mut self,
        from: NodeId,
        (boot, seq): (u64, u64),
        body: Message,
    ) -> Outcome {
        let term = self.config.term;
        let (v, owner) = (self.version, self.owner);
        let message = Box::new(Envelope { v, owner, term, boot, seq, body });
        self.input(Input::Message { from, message, kept: false })
    }

    /// A proposal whose result is here already.
    pub(in crate::tests) fn hears_kept(&mut self, from: NodeId, body: Message) -> Outcome {
        self.seq += 1;
        let (v, owner, term, seq) = (self.version, self.owner, self.config.term, self.seq);
        let message = Box::new(Envelope { v, owner, term, boot: 1, seq, body });
        self.input(Input::Message { from, message, kept: true })
    }

    /// A node says that it is there and holds nothing.
    pub(in crate::tests) fn meets(&mut self, info: NodeInfo) -> Outcome {
        self.syncs(info, &[])
    }

    pub(in crate::tests) fn syncs(
        &mut self,
        info: NodeInfo,
        held: &[(&Execution, Held)],
    ) -> Outcome {
        let executions = held.iter().map(|(execution, held)| ((*execution).clone(), *held));
        let executions = executions.collect();
        self.hears(info.id, Message::Sync { info: Box::new(info), executions })
    }

    /// The round that a job gathers bids in.
    pub(in crate::tests) fn round(&self, job: JobId) -> RoundId {
        let log = self.machine.log(job).unwrap();
        RoundId { job, version: log.view.job.version, round: log.round }
    }

    /// A plain bid for a job's present round, of a node that lacks a little of its inputs.
    pub(in crate::tests) fn bid(&self, job: JobId) -> Bid {
        Bid {
            round: self.round(job),
            fit_permille: 500,
            seats: 1,
            bytes_missing: 1 << 20,
            module_warm: false,
            image_digest: None,
            price: 0,
        }
    }

    pub(in crate::tests) fn hears_bid(&mut self, from: NodeId, job: JobId) -> Outcome {
        let bid = self.bid(job);
        self.hears(from, Message::Bid(bid))
    }

    /// Has a job awarded to a node that is known and alone answers, and granted.
    pub(in crate::tests) fn runs(&mut self, job: JobId, on: NodeId) -> Execution {
        let mut awards = self.hears_bid(on, job).awards();
        if awards.is_empty() {
            awards = self.wait_ms(self.config.limits.window_ms).awards();
        }
        let (to, award) = awards.remove(0);
        assert_eq!(to, on);
        self.hears(on, Message::Granted { execution: award.execution.clone() });
        assert_eq!(self.state_of(&award.execution), Some(ExecutionState::Granted));
        award.execution
    }

    /// What a node claims of an execution of a Wasm job.
    pub(in crate::tests) fn claim(&self, execution: &Execution, node: NodeId) -> Claim {
        let log = self.machine.log(execution.slot.job).unwrap();
        let seat = (execution.slot.partition, execution.slot.replica);
        let mut award = award(&log.view.job, 1);
        award.task = log.task_of(seat).unwrap();
        claim(&award, node)
    }

    /// The proposal of a right answer.
    pub(in crate::tests) fn proposal(&self, execution: &Execution, node: NodeId) -> Message {
        let claim = self.claim(execution, node);
        let open = OpenProposal { claim, blocks: Vec::new() };
        let proposal = Box::new(Proposal::Open(Box::new(open)));
        Message::Propose { execution: execution.clone(), proposal }
    }

    pub(in crate::tests) fn stop(&mut self, job: JobId) -> Outcome {
        self.input(Input::Stop { job, reason: "enough".to_owned() })
    }

    /// Where a job stands; none when it has left the machine.
    pub(in crate::tests) fn state(&self, job: JobId) -> Option<JobState> {
        self.machine.job(job).map(|view| view.state)
    }

    pub(in crate::tests) fn state_of(&self, execution: &Execution) -> Option<ExecutionState> {
        let log = self.machine.log(execution.slot.job)?;
        log.execution(execution).map(|e| e.state)
    }
}
