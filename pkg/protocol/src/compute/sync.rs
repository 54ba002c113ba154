//! Syncs: what this node holds, said to every requester, and what they make of it.

use std::collections::{BTreeMap, VecDeque};

use gadus_model::message::{Answer, Held, Message};
use gadus_model::{Execution, NodeId, OwnerId, Time};

use super::Compute;

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
        let held = self.held.iter().filter(|((o, _), _)| *o == owner);
        let mut executions: Vec<(Execution, Held)> =
            held.map(|((_, x), e)| (x.clone(), e.log.state.held())).collect();
        let stopping = self.stopping.keys().filter(|(o, _)| *o == owner);
        executions.extend(stopping.map(|(_, x)| (x.clone(), Held::Running)));
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
                Answer::Run => {
                    let entry = self.held.get_mut(&(owner, execution));
                    if let (Some(entry), Some(sent)) = (entry, sent) {
                        let until = sent.plus_ms(entry.log.award.lease_ms);
                        entry.soft.lease_until = entry.soft.lease_until.max(until);
                    }
                }
                Answer::Stop => self.stop(now, from, owner, &execution, false),
                Answer::Release => self.released(now, owner, &execution),
            }
        }
    }
}
