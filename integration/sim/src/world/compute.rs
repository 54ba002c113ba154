//! What a compute node asks of the world, and what its engine does.

use std::collections::BTreeMap;
use std::rc::Rc;

use gadus_model::message::{Announce, Award, Envelope, Message, RoundId};
use gadus_model::{Class, Code, Execution, FailureKind, Image, OwnerId, Place};
use gadus_protocol::Effect;
use gadus_protocol::compute::{Facts, Input};

use super::{Happening, World};
use crate::coverage::Situation;
use crate::dice::mix;
use crate::engine::{End, failure, within};
use crate::habit::Habit;
use crate::network::HostNo;
use crate::seen::Seen;

impl World {
    pub(crate) fn perform_for_compute(&mut self, at: HostNo, effect: Effect) {
        let boot = self.truth.hosts[at].boot;
        let content_us = self.truth.swarm.engine.content_max_us;
        match effect {
            Effect::Send { to, message } => self.say_in_its_way(at, to, message),
            Effect::Start { award, resumed } => self.start_run(at, Rc::from(award), resumed),
            Effect::Kill { execution } => self.kill(at, execution),
            Effect::Disclose { execution } => {
                self.see(&Seen::Shown { host: at, execution: &execution, to_all: false });
            }
            Effect::Promote { execution, .. } => {
                self.see(&Seen::Shown { host: at, execution: &execution, to_all: true });
                self.truth.hosts[at].content.show(&execution);
                let when = within(&mut self.dice, self.truth.now, content_us);
                self.agenda.at(when, Happening::Promoted { host: at, boot, execution });
            }
            Effect::Publish { execution, .. } => {
                let when = within(&mut self.dice, self.truth.now, content_us);
                self.agenda.at(when, Happening::Placed { host: at, boot, execution });
            }
            Effect::Forget { execution, keep_result } => {
                let keep = keep_result;
                self.see(&Seen::Forgetting { host: at, execution: &execution, keep });
                self.truth.hosts[at].content.forget(&execution, keep);
            }
            Effect::Keep { execution, from, .. } => {
                let Some(from) = self.truth.place(from) else { return };
                self.fetch_replica(at, from, execution);
            }
            Effect::Gossip(_)
            | Effect::GossipFilled(_)
            | Effect::ResolveImage { .. }
            | Effect::Recall(_)
            | Effect::Fold(_)
            | Effect::Changed(_) => {}
        }
    }

    pub(super) fn arrive_at_compute(&mut self, at: HostNo, from: HostNo, message: &Envelope) {
        let sender = self.truth.hosts[from].id;
        if let Message::Ask(announcement) = &message.body {
            let (owner, term) = (message.owner, message.term);
            return self.announced(at, from, (owner, term), announcement, true);
        }
        if self.truth.hosts[at].habit == Habit::Copier && self.repeat_another(at, from, message) {
            return;
        }
        let message = Box::new(message.clone());
        self.compute(at, Input::Message { from: sender, message });
    }

    pub(super) fn announced(
        &mut self,
        at: HostNo,
        from: HostNo,
        (owner, term): (OwnerId, u64),
        announcement: &Announce,
        asked: bool,
    ) {
        let (from, facts) = (self.truth.hosts[from].id, facts(at, announcement));
        let announcement = Box::new(announcement.clone());
        self.compute(at, Input::Announced { from, owner, term, announcement, asked, facts });
    }

    pub(super) fn heard_filled(
        &mut self,
        at: HostNo,
        from: HostNo,
        (owner, term): (OwnerId, u64),
        round: RoundId,
    ) {
        let offers = |world: &Self| {
            let core = world.truth.hosts[at].compute_core();
            core.map(|core| core.footprint().into_iter().find(|(what, _)| *what == "offers"))
        };
        let before = offers(self);
        let (from, rounds) = (self.truth.hosts[from].id, vec![round]);
        self.compute(at, Input::Filled { from, owner, term, rounds });
        if offers(self) < before {
            self.coverage.situation(Situation::FilledBeforeOffer);
        }
    }

    fn start_run(&mut self, at: HostNo, award: Rc<Award>, resumed: bool) {
        let (now, boot) = (self.truth.now, self.truth.hosts[at].boot);
        let execution = award.execution.clone();
        let soon = now + 1_000;
        if let Some(run) = self.truth.hosts[at].engine.run(&execution).filter(|_| resumed) {
            // Attached again; what it has come to meanwhile is told.
            if run.over {
                let run = run.id;
                self.agenda.at(soon, Happening::RunReports { host: at, boot, execution, run });
            }
            return;
        }
        if resumed && award.context.class != Class::Pure {
            // It must not be started anew, and no longer runs.
            let run = 0;
            let gone = Happening::RunReports { host: at, boot, execution, run };
            return self.agenda.at(soon, gone);
        }
        self.see(&Seen::Started { host: at, award: &award, anew: resumed });
        self.trace.note(now, at, "run begins", 0, || format!("{execution:?}"));
        let calm = self.truth.healed;
        let mut run_us = self.truth.work(execution.slot.job).map_or(1_000, |work| work.run_us);
        let mut faults = self.truth.swarm.engine;
        if calm {
            run_us = run_us.min(100_000);
            (faults.fail, faults.hang, faults.slow, faults.wrong) = (0, 0, 0, 0);
        }
        let engine = &mut self.truth.hosts[at].engine;
        let (run, takes) = engine.start(&mut self.dice, &faults, award, run_us);
        if let Some(us) = takes {
            self.agenda.at(now + us, Happening::RunEnds { host: at, execution, run });
        }
    }

    /// A run ends, whether or not anybody listens.
    pub(super) fn run_ends(&mut self, at: HostNo, execution: &Execution, run: u64) {
        let host = &mut self.truth.hosts[at];
        let (up, boot) = (host.up, host.boot);
        let Some(running) = host.engine.run_mut(execution).filter(|r| r.id == run) else { return };
        running.over = true;
        if up {
            self.run_reports(at, boot, execution, run);
        }
    }

    /// The node's process hears how a run ended.
    pub(super) fn run_reports(&mut self, at: HostNo, boot: u64, execution: &Execution, run: u64) {
        if !self.is_up(at, boot) {
            return;
        }
        let host = &mut self.truth.hosts[at];
        let execution = execution.clone();
        if run == 0 {
            let failure = failure(FailureKind::Interrupted);
            return self.compute(at, Input::Failed { execution, failure });
        }
        if host.engine.run(&execution).is_none_or(|r| r.id != run) {
            return;
        }
        let Some(run) = host.engine.remove(&execution) else { return };
        let input = match (run.killed, run.end) {
            (true, _) | (false, End::Never) => {
                let failure = failure(FailureKind::Interrupted);
                Input::Failed { execution, failure }
            }
            (false, End::Failure(kind)) => Input::Failed { execution, failure: failure(kind) },
            (false, End::Answer { wrong }) => self.answered(at, &run.award, wrong),
        };
        self.compute(at, input);
    }

    fn kill(&mut self, at: HostNo, execution: Execution) {
        let most_us = self.truth.swarm.engine.kill_max_us;
        let when = within(&mut self.dice, self.truth.now, most_us);
        let host = &mut self.truth.hosts[at];
        let boot = host.boot;
        match host.engine.run_mut(&execution) {
            Some(run) => {
                run.killed = true;
                let run = run.id;
                self.agenda.at(when, Happening::RunEnds { host: at, execution, run });
            }
            None => {
                let nothing = Happening::NothingToKill { host: at, boot, execution };
                self.agenda.at(self.truth.now, nothing);
            }
        }
    }

    pub(super) fn nothing_to_kill(&mut self, at: HostNo, boot: u64, execution: Execution) {
        if self.is_up(at, boot) {
            self.compute(at, Input::Killed { execution });
        }
    }

    /// A result is where its job wants it besides, or cannot be brought there.
    pub(super) fn placed(&mut self, at: HostNo, boot: u64, execution: Execution) {
        if !self.is_up(at, boot) {
            return;
        }
        let fails = !self.truth.healed && self.dice.chance(self.truth.swarm.engine.place_fail);
        let place = if fails {
            Err(failure(FailureKind::PublishFailed))
        } else {
            self.truth.hosts[at].content.place(&execution);
            Ok(Place { kind: "urlDownload".to_owned(), params: BTreeMap::new() })
        };
        self.compute(at, Input::Placed { execution, place });
    }

    pub(super) fn promoted(&mut self, at: HostNo, boot: u64, execution: Execution) {
        if self.is_up(at, boot) && self.truth.hosts[at].content.promote(&execution) {
            self.compute(at, Input::Promoted { execution });
        }
    }
}

/// What a node has of the code: some nodes have some images, under digests of their own.
fn facts(at: HostNo, announcement: &Announce) -> Facts {
    let Code::Docker { image, .. } = &announcement.code else {
        return Facts { module_warm: at.is_multiple_of(2), ..Facts::default() };
    };
    let image_digest = match image {
        Image::Reference(name) => {
            let length = name.bytes().map(u64::from).sum::<u64>();
            let has = mix(length ^ at as u64).is_multiple_of(3);
            has.then(|| format!("sha256:{name}-{}", at % 2))
        }
        Image::Digest(digest) => digest.ends_with(&format!("-{}", at % 2)).then(|| digest.clone()),
    };
    Facts { bytes_missing: 0, module_warm: false, image_digest }
}
