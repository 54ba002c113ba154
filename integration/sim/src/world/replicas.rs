//! Further holders: nodes that a requester asks to hold the result of another.

use gadus_model::{Execution, FailureKind};
use gadus_protocol::compute::Input;

use super::{Happening, World};
use crate::engine::{failure, within};
use crate::network::HostNo;

impl World {
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
        let result = self.truth.result_of(&execution);
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
