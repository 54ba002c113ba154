//! Nodes that hold something of a requester which has just started, and have not been heard of
//! since: they may wait before they dial again, and have what they were asked for long ago.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::{JobId, NodeId, Time};

use super::Requester;
use crate::repeat::Repeat;
use crate::sabotage::Sabotage;

/// Those nodes, until they are heard of or had time enough to return. Soft.
#[derive(Clone, Debug, Default)]
pub(super) struct Absent {
    /// With the jobs that wait for them.
    nodes: BTreeMap<NodeId, BTreeSet<JobId>>,
    /// When none of them is waited for any more.
    until: Time,
}

impl Absent {
    pub(super) fn contains(&self, node: NodeId) -> bool {
        self.nodes.contains_key(&node)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// When what a node is asked for now is given up; of a node that is absent, not before it had
    /// time to return.
    pub(super) fn patience(&self, now: Time, node: NodeId, ms: u64) -> Time {
        let until = now.plus_ms(ms);
        if self.contains(node) { until.max(self.until) } else { until }
    }
}

impl Requester {
    /// After a replay: nobody has been heard of.
    pub(super) fn note_absent(&mut self, now: Time) {
        if self.config.sabotage == Some(Sabotage::GiveUpAbsent) {
            return;
        }
        self.absent.until = now.plus_ms(self.config.limits.disconnect_ms);
        for (id, entry) in &self.jobs {
            for e in entry.log.live() {
                self.absent.nodes.entry(e.node).or_default().insert(*id);
            }
        }
    }

    /// A node shows that it is there. What it was asked for is said again, and from here on it
    /// has the time that any node has for its answer.
    pub(super) fn returned(&mut self, now: Time, node: NodeId) {
        let Some(jobs) = self.absent.nodes.remove(&node) else { return };
        let limits = &self.config.limits;
        for id in jobs {
            let Some(entry) = self.jobs.get_mut(&id) else { continue };
            let (log, soft) = (&entry.log, &mut entry.soft);
            for e in log.live().filter(|e| e.node == node) {
                if let Some(award) = soft.awards.get_mut(&e.execution) {
                    award.repeat = Repeat::now(now);
                    award.until = now.plus_ms(limits.award_ms);
                }
                if let Some(keep) = soft.keeps.get_mut(&e.execution) {
                    keep.renew(now, limits.publish_ms);
                }
                if let Some(asked) = soft.reveals.get_mut(&e.execution) {
                    asked.repeat = Repeat::now(now);
                    asked.until = now.plus_ms(limits.reveal_ms);
                }
                if let Some(stop) = soft.stops.get_mut(&e.execution) {
                    stop.repeat = Repeat::now(now);
                }
            }
            self.ready.insert(id);
        }
    }

    /// Nobody is waited for for longer than any silent node is.
    pub(super) fn forget_absent(&mut self, now: Time) {
        if now >= self.absent.until {
            self.absent.nodes.clear();
        }
    }
}
