//! Jobs on every match: which nodes those are, and their seats.

use gadus_model::event::JobEvent;
use gadus_model::{JobId, JobState, NodeId, Time};

use super::Requester;

impl Requester {
    /// Decides the nodes of a job on every match: all that gave a bid, and those that match and
    /// have no room just now.
    pub(super) fn place(&mut self, now: Time, id: JobId) {
        let slots_max = self.config.limits.slots_max as usize;
        let Some(entry) = self.jobs.get(&id) else { return };
        let plan = self.plan(now, id);
        let mut nodes: Vec<NodeId> = plan.ranked.iter().filter(|r| r.bid).map(|r| r.node).collect();
        nodes.extend(self.directory.busy(&self.look(now, entry)));
        nodes.sort_unstable();
        nodes.dedup();
        nodes.truncate(slots_max);
        if !nodes.is_empty() {
            self.emit(now, id, JobEvent::Placed { nodes });
        }
    }

    /// Gives each open seat to its own node, once that has given a bid. A node that is gone gets
    /// its seat all the same: its silence then ends the try.
    pub(super) fn award_placed(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let Some(round) = entry.soft.round(entry.log.round) else { return };
        let closed = now >= round.closes;
        let nodes = entry.log.placed.clone().unwrap_or_default();
        let plan = self.plan(now, id);
        for seat in entry.log.seats.open().clone() {
            let Some(node) = nodes.get(seat.0 as usize).copied() else { return };
            let Some(entry) = self.jobs.get(&id) else { return };
            let offer = entry.soft.round(entry.log.round).and_then(|r| r.bids.get(&node));
            let digest = offer.and_then(|offer| offer.bid.image_digest.clone());
            let hopeless = closed && self.directory.is_hopeless(&self.look(now, entry), node);
            if offer.is_none() && !hopeless {
                continue;
            }
            if offer.is_none() && self.directory.is_connected(now, node, self.disconnect_ms()) {
                let message = format!("node {node} does not take the job any more");
                return self.end(now, id, JobState::Failed, message);
            }
            if !self.is_pinned(now, id, digest) {
                return;
            }
            self.award(now, id, seat, node, &plan);
        }
    }
}
