//! What a requester asks of the world.

use std::rc::Rc;

use gadus_model::message::{Envelope, Message, Proposal};
use gadus_model::{Cid, Execution, FailureKind, JobId};
use gadus_protocol::Effect;
use gadus_protocol::requester::Input;

use super::{Happening, World};
use crate::engine::{failure, within};
use crate::network::HostNo;

/// Microseconds in which inline blocks are stored, at most.
const STORE_US: u64 = 3_000;

impl World {
    pub(crate) fn perform_for_requester(&mut self, at: HostNo, effect: Effect) {
        let boot = self.truth.hosts[at].boot;
        match effect {
            Effect::Send { to, message } => self.send(at, to, Rc::from(message)),
            Effect::Gossip(announcement) => self.gossip(at, Rc::from(announcement)),
            Effect::GossipFilled(round) => self.gossip_filled(at, round),
            Effect::ResolveImage { job, reference } => {
                let when = within(&mut self.dice, self.truth.now, 2_000_000);
                let resolved = Happening::Resolved { host: at, boot, job, reference };
                self.agenda.at(when, resolved);
            }
            Effect::Keep { execution, result, from, .. } => {
                let most_us = self.truth.swarm.engine.content_max_us;
                let when = within(&mut self.dice, self.truth.now, most_us);
                let Some(from) = self.truth.place(from) else { return };
                let fetched = Happening::Fetched { host: at, boot, from, execution, result };
                self.agenda.at(when, fetched);
            }
            Effect::Recall(lookup) => {
                let most_us = self.truth.swarm.engine.content_max_us;
                let when = within(&mut self.dice, self.truth.now, most_us);
                self.agenda.at(when, Happening::Recalled { host: at, boot, lookup });
            }
            Effect::Fold(_)
            | Effect::Changed(_)
            | Effect::Start { .. }
            | Effect::Kill { .. }
            | Effect::Promote { .. }
            | Effect::Publish { .. }
            | Effect::Disclose { .. }
            | Effect::Forget { .. } => {}
        }
    }

    /// Takes a message in; blocks that come with a proposal that counts are stored first.
    pub(super) fn arrive_at_requester(&mut self, at: HostNo, from: HostNo, message: &Envelope) {
        let sender = self.truth.hosts[from].id;
        let Some(core) = self.truth.hosts[at].requester_core() else { return };
        let boot = self.truth.hosts[at].boot;
        let mut message = message.clone();
        if let Message::Propose { execution, proposal } = &mut message.body
            && let Proposal::Open(open) = proposal.as_mut()
            && !std::mem::take(&mut open.blocks).is_empty()
            && core.would_accept(sender, execution)
        {
            let when = within(&mut self.dice, self.truth.now, STORE_US);
            let message = Rc::new(message);
            return self.agenda.at(when, Happening::BlocksStored { host: at, boot, from, message });
        }
        self.show_false_set(at, from, &message);
        let message = Box::new(message);
        self.requester(at, Input::Message { from: sender, message, kept: false });
    }

    pub(super) fn blocks_stored(
        &mut self,
        at: HostNo,
        boot: u64,
        from: HostNo,
        message: &Rc<Envelope>,
    ) {
        if !self.is_up(at, boot) {
            return;
        }
        if let Message::Propose { proposal, .. } = &message.body
            && let Proposal::Open(open) = proposal.as_ref()
        {
            self.truth.hosts[at].content.keep(open.claim.manifest.result);
        }
        let (from, message) = (self.truth.hosts[from].id, Box::new(message.as_ref().clone()));
        self.requester(at, Input::Message { from, message, kept: true });
    }

    pub(super) fn fetched(
        &mut self,
        at: HostNo,
        boot: u64,
        from: HostNo,
        execution: Execution,
        result: Cid,
    ) {
        if !self.is_up(at, boot) {
            return;
        }
        let fails = !self.truth.healed && self.dice.chance(self.truth.swarm.engine.keep_fail);
        let holder = &self.truth.hosts[from];
        // The owner of an execution is shown its quarantine; of sealed work, once it is accepted.
        let shown = !self.truth.is_sealed(&execution) || holder.content.is_shown(&execution);
        let there = holder.up && holder.content.has_made(&execution) && shown;
        let reached = at == from || (self.net.is_connected(at, from) && self.net.is_open(at, from));
        let kept = there && reached && !fails;
        if kept {
            self.truth.hosts[at].content.keep(result);
        }
        let missing = || failure(FailureKind::MissingBlock(Box::new(result)));
        let outcome = kept.then_some(()).ok_or_else(missing);
        self.requester(at, Input::Kept { execution, result: outcome });
    }

    pub(super) fn resolved(&mut self, at: HostNo, boot: u64, job: JobId, reference: &str) {
        if !self.is_up(at, boot) {
            return;
        }
        let fails = !self.truth.healed && self.dice.chance(100);
        let result = match fails {
            true => Err(failure(FailureKind::ImagePull)),
            false => Ok(format!("sha256:{reference}-registry")),
        };
        self.requester(at, Input::ImageResolved { job, result });
    }

    pub(super) fn is_up(&self, at: HostNo, boot: u64) -> bool {
        let host = &self.truth.hosts[at];
        host.up && host.boot == boot
    }
}
