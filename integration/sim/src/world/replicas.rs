//! Further holders: who wants a published result to be held by one more node asks that node until
//! it is answered.

use std::rc::Rc;

use gadus_model::event::{Event, JobEvent, Record};
use gadus_model::message::{Envelope, MESSAGE_VERSION, Message};
use gadus_model::{Execution, FailureKind, OwnerId};
use gadus_protocol::compute::Input;

use super::{Happening, World};
use crate::engine::{failure, result_of_execution, within};
use crate::network::HostNo;

/// Between two times of asking.
const AGAIN_US: u64 = 700_000;
/// Then it is given up.
const TIMES_MAX: u32 = 20;

impl World {
    /// Results that were published for good; some are to have one more holder.
    pub(super) fn want_replicas(&mut self, at: HostNo, records: &[Record]) {
        for record in records {
            let Event::Job(JobEvent::Published { execution, holders }) = &record.body else {
                continue;
            };
            let Some(from) = holders.first().and_then(|node| self.truth.place(*node)) else {
                continue;
            };
            if self.dice.chance(self.truth.swarm.mix.replicas) {
                let holder = self.dice.index(self.truth.hosts.len());
                let (execution, times) = (execution.clone(), TIMES_MAX);
                let ask = Happening::AskToKeep { at, holder, from, execution, times };
                self.agenda.after(AGAIN_US, ask);
            }
        }
    }

    pub(super) fn ask_to_keep(
        &mut self,
        at: HostNo,
        holder: HostNo,
        from: HostNo,
        execution: Execution,
        times: u32,
    ) {
        if times == 0 || self.replicas.contains(&(holder, execution.clone())) {
            return;
        }
        if self.truth.hosts[at].up && self.truth.hosts[holder].is_compute {
            let (me, boot) = (self.truth.hosts[at].id, self.truth.hosts[at].boot);
            let (to, result) = (self.truth.hosts[holder].id, result_of_execution(&execution));
            let from = self.truth.hosts[from].id;
            let body = Message::Keep { execution: execution.clone(), result, from };
            let owner = OwnerId(me);
            let keep = Envelope { v: MESSAGE_VERSION, owner, term: 1, boot, seq: 0, body };
            self.send(at, to, Rc::new(keep));
        }
        let ask = Happening::AskToKeep { at, holder, from, execution, times: times - 1 };
        self.agenda.after(AGAIN_US, ask);
    }

    /// A node that was asked to hold a result has it, or not.
    pub(super) fn replica_fetched(
        &mut self,
        at: HostNo,
        boot: u64,
        from: HostNo,
        execution: Execution,
    ) {
        if !self.is_up(at, boot) {
            return;
        }
        let result = result_of_execution(&execution);
        let fails = !self.truth.healed && self.dice.chance(self.truth.swarm.engine.keep_fail);
        let holder = &self.truth.hosts[from];
        let there = holder.up && holder.content.holds(&result);
        let kept = there && self.net.is_open(at, from) && !fails;
        if kept {
            self.truth.hosts[at].content.keep(result);
        }
        let missing = || failure(FailureKind::MissingBlock(Box::new(result)));
        let result = kept.then_some(()).ok_or_else(missing);
        self.compute(at, Input::Kept { execution, result });
    }

    pub(super) fn fetch_replica(&mut self, at: HostNo, from: HostNo, execution: Execution) {
        let boot = self.truth.hosts[at].boot;
        let most_us = self.truth.swarm.engine.content_max_us;
        let when = within(&mut self.dice, self.truth.now, most_us);
        self.agenda.at(when, Happening::ReplicaFetched { host: at, boot, from, execution });
    }
}
