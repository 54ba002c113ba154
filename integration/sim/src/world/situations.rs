//! Notes what rarely comes about, as it does.

mod sealed;

use gadus_model::ExecutionState;
use gadus_model::message::{Envelope, Message};

use super::World;
use crate::coverage::Situation;
use crate::network::HostNo;

impl World {
    /// A message is about to be taken in.
    pub(super) fn note_arrival(&mut self, at: HostNo, from: HostNo, message: &Envelope) {
        let what = match &message.body {
            Message::Sync { .. } if self.is_overtaken_sync(at, from, message) => {
                Situation::SyncOvertakenByGrant
            }
            Message::Propose { .. } if self.is_of_old_epoch(at, message) => {
                Situation::AnswerOfOldEpoch
            }
            Message::Award(award) => {
                let core = self.truth.hosts[at].compute_core();
                let (slot, epoch) = (&award.execution.slot, award.execution.epoch);
                let mut held = core.into_iter().flat_map(|core| core.executions());
                if !held.any(|x| x.slot == *slot && x.epoch > epoch) {
                    return;
                }
                Situation::AwardOfOldEpoch
            }
            _ => return,
        };
        self.coverage.situation(what);
    }

    fn is_overtaken_sync(&self, at: HostNo, from: HostNo, message: &Envelope) -> bool {
        let Message::Sync { executions, .. } = &message.body else { return false };
        let Some(core) = self.truth.hosts[at].requester_core() else { return false };
        let (node, stamp) = (self.truth.hosts[from].id, (message.boot, message.seq));
        if core.directory().get(node).is_some_and(|entry| entry.sync > stamp) {
            return false;
        }
        let mut unlisted = core
            .directory()
            .given_to(node)
            .filter(|execution| !executions.iter().any(|(listed, _)| listed == *execution));
        unlisted.any(|execution| {
            let attempt = core.log(execution.slot.job).and_then(|log| log.attempt(execution));
            attempt.and_then(|attempt| attempt.granted).is_some_and(|granted| granted > stamp)
        })
    }

    fn is_of_old_epoch(&self, at: HostNo, message: &Envelope) -> bool {
        let Message::Propose { execution, .. } = &message.body else { return false };
        let Some(core) = self.truth.hosts[at].requester_core() else { return false };
        let Some(log) = core.log(execution.slot.job) else { return false };
        log.live().any(|e| {
            let waits = matches!(e.state, ExecutionState::Awarded | ExecutionState::Granted);
            waits && e.execution.slot == execution.slot && e.execution.epoch > execution.epoch
        })
    }

    /// A node meets another for the first time since it was started.
    pub(super) fn note_meeting(&mut self, at: HostNo, other: HostNo) {
        let host = &self.truth.hosts[at];
        let Some(core) = host.requester_core() else { return };
        let award_ms = self.truth.swarm.limits.award_ms;
        let late = self.truth.local(at) > host.started.plus_ms(award_ms);
        let node = self.truth.hosts[other].id;
        let waits = late
            && core.jobs().any(|view| {
                let mine = view.executions.iter().filter(|e| e.node == node);
                let mut unanswered = mine.filter(|e| e.state == ExecutionState::Awarded);
                unanswered.any(|e| e.marks.awarded_at < host.started)
            });
        if waits {
            self.coverage.situation(Situation::LateReturnToAward);
        }
    }
}
