//! The memory of verified work: the index, and results that are still to be had.

use std::sync::Arc;

use gadus_model::view::JobView;
use gadus_model::{Cid, Replay};
use gadus_protocol::requester::Input;
use gadus_protocol::step::Lookup;

use super::World;
use crate::coverage::Situation;
use crate::network::HostNo;

impl World {
    /// Looks each task up, as the shell does; but whether what is found was checked hard enough is
    /// left to the machine.
    pub(super) fn recalled(&mut self, at: HostNo, boot: u64, lookup: &Lookup) {
        if !self.is_up(at, boot) {
            return;
        }
        let mut found = Vec::new();
        for (execution, task) in &lookup.wanted {
            let Some(replay) = self.known(at, lookup, task) else { continue };
            if self.fetch_known(at, replay.claim.manifest.result) {
                found.push((execution.clone(), replay));
            }
        }
        let had = found.len();
        self.requester(at, Input::Recalled { job: lookup.job, found });
        let log = self.truth.hosts[at].shadow().and_then(|core| core.log(lookup.job));
        if had > 0 && log.is_some_and(|log| log.view.executions.iter().all(|e| e.origin.is_none()))
        {
            self.coverage.situation(Situation::KnownRefused);
        }
    }

    fn known(&self, at: HostNo, lookup: &Lookup, task: &Cid) -> Option<Replay> {
        let folded = self.truth.hosts[at].index.values().map(|folded| &folded.view);
        let views = folded.chain(&lookup.known);
        let answers = views.flat_map(|view: &Arc<JobView>| view.replays());
        let of_task = answers.filter(|replay| replay.origin.task() == *task);
        of_task.max_by_key(|replay| (replay.origin.level.strength(), replay.origin.job))
    }

    /// Whether a result is here, or can be had from anywhere.
    fn fetch_known(&mut self, at: HostNo, result: Cid) -> bool {
        let has = |host: HostNo| self.truth.hosts[host].content.holds(&result);
        let reached = |from: HostNo| self.net.is_connected(at, from) && self.net.is_open(at, from);
        let mut all = 0..self.truth.hosts.len();
        let is_there = has(at) || all.any(|n| self.truth.hosts[n].up && has(n) && reached(n));
        let fails = !self.truth.healed && self.dice.chance(self.truth.swarm.engine.keep_fail);
        if is_there && !fails {
            self.truth.hosts[at].content.keep(result);
        }
        is_there && !fails
    }
}
