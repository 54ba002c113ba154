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
        let nodes = entry.log.placed.clone().unwrap_or_default();
        let plan = self.plan(now, id);
        for seat in entry.log.seats.open().clone() {
            let Some(node) = nodes.get(seat.0 as usize).copied() else { return };
            let digest = match self.stands_for(now, id, node) {
                Standing::Bids(digest) => digest,
                Standing::Gone => None,
                Standing::Waits => continue,
                Standing::Declines => {
                    let message = format!("node {node} does not take the job any more");
                    return self.end(now, id, JobState::Failed, message);
                }
            };
            if !self.is_pinned(now, id, digest) {
                return;
            }
            self.award(now, id, seat, node, &plan);
        }
    }

    /// How a placed job's own node stands to it.
    fn stands_for(&self, now: Time, id: JobId, node: NodeId) -> Standing {
        let Some(entry) = self.jobs.get(&id) else { return Standing::Waits };
        let Some(round) = entry.soft.round(entry.log.round) else { return Standing::Waits };
        if let Some(offer) = round.bids.get(&node) {
            return Standing::Bids(offer.bid.image_digest.clone());
        }
        let silent_ms = self.disconnect_ms();
        let returning = now < self.started_at.plus_ms(silent_ms);
        let known = self.directory.get(node).is_some();
        if now < round.closes || entry.soft.skip.contains_key(&node) || (!known && returning) {
            return Standing::Waits;
        }
        if !self.directory.is_connected(now, node, silent_ms) {
            return Standing::Gone;
        }
        match self.directory.is_hopeless(&self.look(now, entry), node) {
            true => Standing::Declines,
            false => Standing::Waits,
        }
    }
}

/// How a node stands to a job that is to run on it.
enum Standing {
    /// It gave a bid, and has this image.
    Bids(Option<String>),
    /// It has not answered yet, or has no room.
    Waits,
    /// It was not heard of for long.
    Gone,
    /// It will never take it.
    Declines,
}
