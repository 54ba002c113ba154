//! Processes that end and start, and their checkpoints.

use std::collections::BTreeSet;

use gadus_model::Execution;
use gadus_protocol::{Compute, Requester};

use super::turn::Machine;
use super::{Happening, World};
use crate::host::Part;
use crate::network::HostNo;
use crate::seen::Seen;

/// Microseconds within which peers notice that a process has ended.
const NOTICED_US: u64 = 3_000_000;

impl World {
    /// A process ends. What was not durable is lost; with `may_tear`, perhaps not all of it.
    pub(super) fn crash(&mut self, at: HostNo, may_tear: bool) {
        if !self.truth.hosts[at].up {
            return;
        }
        self.see(&Seen::Crashing { host: at });
        self.trace.note(self.truth.now, at, "crash", 0, String::new);
        let torn = may_tear && self.truth.swarm.process.torn;
        let survive = self.truth.swarm.engine.survive;
        let dice = &mut self.dice;
        let host = &mut self.truth.hosts[at];
        host.requester.disk.crash(torn.then_some(&mut *dice));
        host.compute.disk.crash(torn.then_some(&mut *dice));
        let sealed = host.requester.disk.sealed();
        host.crash_index(sealed);
        host.engine.crash(survive);
        (host.requester.alive, host.compute.alive) = (None, None);
        host.up = false;
        host.ups.clear();
        host.met.clear();
        self.dooms.retain(|d| d.host != at);
        for other in 0..self.truth.hosts.len() {
            self.net.disconnect(at, other);
            if other != at {
                let us = self.dice.below(NOTICED_US);
                self.agenda.after(us, Happening::LinkLost { a: at, b: other });
            }
        }
        if !self.truth.hosts[at].left {
            let faults = self.truth.swarm.process;
            let us = self.dice.between(faults.down_min_us, faults.down_max_us);
            self.agenda.after(us, Happening::Start { host: at });
        }
    }

    pub(super) fn crash_by_chance(&mut self, at: HostNo, for_good: bool) {
        if self.truth.healed {
            return;
        }
        self.truth.hosts[at].left |= for_good;
        self.crash(at, true);
    }

    /// A process starts: replay, reap, resume.
    pub(super) fn start(&mut self, at: HostNo) {
        let host = &mut self.truth.hosts[at];
        if host.up || host.left {
            return;
        }
        (host.up, host.boot) = (true, host.boot + 1);
        let boot = host.boot;
        self.truth.hosts[at].started = self.truth.local(at);
        self.back_off(at);
        self.trace.note(self.truth.now, at, "start", boot, String::new);
        self.see(&Seen::Starting { host: at });
        if self.truth.hosts[at].is_requester {
            self.start_machine::<Requester>(at);
        }
        if self.truth.hosts[at].is_compute && self.is_up(at, boot) {
            self.start_machine::<Compute>(at);
        }
        if self.is_up(at, boot) {
            self.see(&Seen::Booted { host: at });
        }
    }

    /// Nodes that found a requester gone wait before they dial it again.
    fn back_off(&mut self, at: HostNo) {
        let most_us = self.truth.swarm.process.redial_max_us;
        if most_us == 0 || self.truth.healed || !self.truth.hosts[at].is_requester {
            return;
        }
        for other in (0..self.truth.hosts.len()).filter(|other| *other != at) {
            let until = self.truth.now + self.dice.below(most_us);
            self.net.back_off(at, other, until);
        }
    }

    fn start_machine<M: Machine>(&mut self, at: HostNo) {
        let now = self.truth.local(at);
        let host = &mut self.truth.hosts[at];
        let config = M::config(host);
        M::shell(host).start(&config);
        if M::PART == Part::Compute {
            let known = host.compute_core().map(|core| core.executions().cloned());
            let known: BTreeSet<Execution> = known.into_iter().flatten().collect();
            host.engine.reap(&known);
            host.content.reap(&known);
        }
        let Some(alive) = &mut M::shell(host).alive else { return };
        let step = alive.core.resume(now);
        self.took::<M>(at, "resume", step, Vec::new());
    }

    /// One machine begins a checkpoint.
    pub(super) fn checkpoint(&mut self) {
        let at = self.dice.index(self.truth.hosts.len());
        if self.dice.chance(500) {
            self.checkpoint_machine::<Requester>(at);
        } else {
            self.checkpoint_machine::<Compute>(at);
        }
    }

    fn checkpoint_machine<M: Machine>(&mut self, at: HostNo) {
        let now = self.truth.local(at);
        let host = &mut self.truth.hosts[at];
        let (boot, shell) = (host.boot, M::shell(host));
        let Some(alive) = shell.alive.as_ref().filter(|_| !shell.disk.is_checkpointing()) else {
            return;
        };
        let snapshots = alive.core.snapshot(now);
        shell.disk.begin_checkpoint(snapshots.clone());
        self.see(&Seen::Checkpoint { host: at, part: M::PART, snapshots: &snapshots });
        self.trace.note(self.truth.now, at, "checkpoint", 0, String::new);
        let us = self.dice.between(1_000, 2_000_000);
        self.agenda.after(us, Happening::Checkpointed { host: at, part: M::PART, boot });
    }

    pub(super) fn checkpointed(&mut self, at: HostNo, part: Part, boot: u64) {
        if !self.is_up(at, boot) {
            return;
        }
        let host = &mut self.truth.hosts[at];
        let disk = match part {
            Part::Requester => &mut host.requester.disk,
            Part::Compute => &mut host.compute.disk,
        };
        if disk.is_checkpointing() && !disk.end_checkpoint() {
            self.agenda.after(100_000, Happening::Checkpointed { host: at, part, boot });
        }
    }
}
