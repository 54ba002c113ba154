//! Syncs: what this node holds, said to every requester, and what they make of it.

use std::collections::{BTreeMap, VecDeque};

use gadus_model::message::{Answer, Held, Message};
use gadus_model::{Execution, NodeId, OwnerId, Time};

use super::Compute;
use crate::repeat::Repeat;

/// The peers that hear Syncs.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers {
    up: BTreeMap<NodeId, PeerSync>,
}

#[derive(Clone, Debug)]
struct PeerSync {
    next: Time,
    /// (number, when it was sent) of the last Syncs, to count leases from their sending.
    sent: VecDeque<(u64, Time)>,
}

/// Syncs whose sending time is remembered, per peer.
const SYNCS_REMEMBERED: usize = 8;
/// Freed capacity is told after this time, so that many changes make one Sync.
const SYNC_COALESCE_MS: u64 = 50;

impl Peers {
    pub(super) fn is_up(&self, node: NodeId) -> bool {
        self.up.contains_key(&node)
    }

    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.up.values().map(|p| p.next).min()
    }
}

impl Compute {
    pub(super) fn up(&mut self, now: Time, node: NodeId) {
        self.peers.up.insert(node, PeerSync { next: now, sent: VecDeque::new() });
    }

    pub(super) fn down(&mut self, node: NodeId) {
        self.peers.up.remove(&node);
    }

    /// Something changed that requesters want to know.
    pub(super) fn sync_soon(&mut self, now: Time) {
        for peer in self.peers.up.values_mut() {
            peer.next = peer.next.min(now.plus_ms(SYNC_COALESCE_MS));
        }
    }

    pub(super) fn tend_syncs(&mut self, now: Time) {
        let due = self.peers.up.iter().filter(|(_, peer)| now >= peer.next);
        let due: Vec<NodeId> = due.map(|(node, _)| *node).collect();
        for node in due {
            self.sync(now, node);
        }
    }

    fn sync(&mut self, now: Time, to: NodeId) {
        let owner = OwnerId(to);
        let held = self.held.iter().filter(|(_, entry)| entry.owner == owner);
        let mut executions: Vec<(Execution, Held)> =
            held.map(|(x, e)| (x.clone(), e.log.state.held())).collect();
        let stopping = self.stopping.iter().filter(|(_, s)| s.owner == owner);
        executions.extend(stopping.map(|(x, _)| (x.clone(), Held::Running)));
        let info = Box::new(self.info());
        let seq = self.say(to, owner, Message::Sync { info, executions });
        let leases = self.held.values().map(|e| e.log.award.lease_ms / 3);
        let every_ms = leases.min().unwrap_or(u64::MAX).min(self.config.limits.sync_ms);
        if let Some(peer) = self.peers.up.get_mut(&to) {
            peer.next = now.plus_ms(every_ms.max(1));
            peer.sent.push_back((seq, now));
            if peer.sent.len() > SYNCS_REMEMBERED {
                peer.sent.pop_front();
            }
        }
    }

    pub(super) fn sync_reply(
        &mut self,
        now: Time,
        from: NodeId,
        owner: OwnerId,
        of_seq: u64,
        answers: Vec<(Execution, Answer)>,
    ) {
        let sent =
            self.peers.up.get(&from).and_then(|peer| {
                peer.sent.iter().find(|(seq, _)| *seq == of_seq).map(|(_, at)| *at)
            });
        for (execution, answer) in answers {
            match answer {
                Answer::Run => self.run_on(now, owner, &execution, sent),
                Answer::Stop => self.stop(now, owner, &execution, None),
                Answer::Release => self.released(now, owner, &execution),
            }
        }
    }

    /// It is current. A run's lease counts from the sending of the Sync that was answered; what
    /// waits in the outbox is said at once, since its requester evidently can be reached.
    fn run_on(&mut self, now: Time, owner: OwnerId, execution: &Execution, sent: Option<Time>) {
        let Some(entry) = self.held.get_mut(execution).filter(|e| e.owner == owner) else { return };
        if entry.log.state.is_running() {
            let until = sent.map_or(Time(0), |sent| sent.plus_ms(entry.log.award.lease_ms));
            entry.soft.lease_until = entry.soft.lease_until.max(until);
        } else if entry.soft.repeat.at > now {
            entry.soft.repeat = Repeat::now(now);
        }
        self.set_due(execution);
    }
}
