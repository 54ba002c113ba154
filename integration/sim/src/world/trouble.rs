//! Trouble that nobody asked for, and its end.

use gadus_model::Resources;
use gadus_protocol::{Compute, Requester, compute};

use super::{Happening, World};
use crate::engine::End;
use crate::liveness;
use crate::network::HostNo;
use crate::seen::Seen;
use crate::workload::{self, SMALL_NODE_MILLIS};

/// Between two looks whether everything is over.
const LOOK_US: u64 = 1_000_000;
/// Once everything is over: how long until nothing of it is remembered.
const FORGET_US: u64 = 90_000_000;
/// Then all nodes have found one another again.
const PROBES_US: u64 = 10_000_000;
/// Jobs submitted to each requester when the trouble is over.
const PROBES: usize = 2;

impl World {
    /// Some links are cut, one way or both.
    pub(super) fn partition(&mut self) {
        if self.truth.healed {
            return;
        }
        let hosts = self.truth.hosts.len();
        let one_way = self.dice.chance(self.truth.swarm.net.one_way);
        let side: Vec<bool> = (0..hosts).map(|_| self.dice.chance(500)).collect();
        let lasts = self.dice.skewed(100_000, 90_000_000);
        for a in 0..hosts {
            for b in 0..hosts {
                if side[a] && !side[b] {
                    self.net.block(a, b);
                    if !one_way {
                        self.net.block(b, a);
                    }
                    let noticed = self.dice.between(500_000, 10_000_000);
                    self.agenda.after(noticed, Happening::LinkLost { a, b });
                    self.agenda.after(lasts, Happening::Mend { a, b });
                }
            }
        }
        self.trace.note(self.truth.now, 0, "partition", lasts, || format!("{side:?}"));
    }

    /// A clock jumps ahead.
    pub(super) fn jump(&mut self, at: HostNo) {
        if self.truth.healed {
            return;
        }
        let by_us = self.dice.skewed(1_000, 200_000_000);
        self.truth.hosts[at].clock.jump(self.truth.now, by_us);
        self.trace.note(self.truth.now, at, "clock jumps", by_us, String::new);
        self.plan_ticks_anew(at);
    }

    fn plan_ticks_anew(&mut self, at: HostNo) {
        let host = &mut self.truth.hosts[at];
        if let Some(alive) = &mut host.requester.alive {
            alive.due = None;
        }
        if let Some(alive) = &mut host.compute.alive {
            alive.due = None;
        }
        self.plan_tick::<Requester>(at);
        self.plan_tick::<Compute>(at);
    }

    /// A node gets more room, or less.
    pub(super) fn resize(&mut self, at: HostNo) {
        if !self.truth.healed {
            let cpu_millis = SMALL_NODE_MILLIS / 2 * self.dice.between(1, 6);
            self.set_capacity(at, cpu_millis);
        }
    }

    fn set_capacity(&mut self, at: HostNo, cpu_millis: u64) {
        let info = &mut self.truth.hosts[at].info;
        info.capacity = Resources { cpu_millis, ..info.capacity };
        info.job_max = info.capacity;
        let info = Box::new(info.clone());
        self.trace.note(self.truth.now, at, "capacity", cpu_millis, String::new);
        self.compute(at, compute::Input::Info(info));
    }

    /// The trouble is over: from here on everything must come to its end.
    pub(super) fn heal(&mut self) {
        self.truth.healed = true;
        self.net.heal();
        self.dooms.clear();
        self.trace.note(self.truth.now, 0, "heal", 0, String::new);
        for at in 0..self.truth.hosts.len() {
            self.agenda.after(1_000, Happening::Start { host: at });
            let most = self.truth.hosts[at].info.capacity.cpu_millis.max(SMALL_NODE_MILLIS);
            self.set_capacity(at, most);
            self.end_runs(at);
        }
        for requester in 0..self.truth.swarm.requesters {
            for _ in 0..PROBES {
                let n = self.truth.works.len();
                let probe = workload::probe(&mut self.dice, n, requester);
                self.truth.works.push(probe);
                let us = PROBES_US + self.dice.below(5_000_000);
                self.agenda.after(us, Happening::Submit { work: n, again: false });
            }
        }
        self.agenda.after(LOOK_US, Happening::LookAround);
    }

    /// What runs for long, or for ever, ends soon.
    fn end_runs(&mut self, at: HostNo) {
        let runs: Vec<_> =
            self.truth.hosts[at].engine.runs().map(|(x, run)| (x.clone(), run.id)).collect();
        for (execution, run) in runs {
            if let Some(run) = self.truth.hosts[at].engine.run_mut(&execution)
                && run.end == End::Never
            {
                run.end = End::Answer { wrong: false };
            }
            let us = self.dice.below(2_000_000);
            self.agenda.after(us, Happening::RunEnds { host: at, execution, run });
        }
    }

    /// Looks whether everything is over; if it never is, that is a violation.
    pub(super) fn look_around(&mut self) {
        let acked = self.truth.works.iter().filter(|w| self.truth.acked.contains(&w.job.id));
        let all_asked =
            self.truth.works.iter().all(|w| !w.probe || self.truth.acked.contains(&w.job.id));
        let over = all_asked && acked.clone().all(|w| self.is_settled(w.job.id));
        if over && liveness::unsettled(&self.truth).is_none() {
            return self.agenda.after(FORGET_US, Happening::Finish);
        }
        if self.truth.now > self.deadline {
            let what = liveness::describe(&self.truth);
            return self.violate("liveness", what);
        }
        self.agenda.after(LOOK_US, Happening::LookAround);
    }

    /// The very end.
    pub(super) fn finish(&mut self) {
        self.see(&Seen::Idle);
        if let Some(what) = liveness::unsettled(&self.truth) {
            self.violate("liveness", what);
        }
        if let Some(what) = liveness::unfinished_probe(&self.truth) {
            self.violate("liveness", what);
        }
        for folded in self.truth.hosts.iter().flat_map(|host| host.index.values()) {
            *self.coverage.ends.entry(folded.view.state.as_str()).or_default() += 1;
        }
        self.done = true;
    }
}
