//! Sealed work: several nodes answer without seeing each other's answers. The rules are those of
//! [`crate::verify`]; here they are applied to a job, partition by partition, whenever anything
//! has happened to it.
//!
//! ```text
//!   draw ─► run ─► committed ─► CLOSE ─► revealed ─► decide ─► verdict ─► accepted, rejected
//!    ▲       └ failed: the seat is drawn again          │
//!    └──────────── trusted nodes, then a referee ◄──────┘ no quorum
//! ```

mod closing;
mod deciding;
mod drawing;
mod opening;

use gadus_model::event::JobEvent;
use gadus_model::sealed::{Sealed, Stage};
use gadus_model::view::ExecutionView;
use gadus_model::{ExecutionState, JobId, NodeId, Time, Verification};

use super::log::JobLog;
use super::queue::Class;
use super::{Entry, Requester};
use crate::sabotage::Sabotage;

/// How a partition stands.
#[derive(Clone, Copy, Debug)]
struct Standing {
    partition: u32,
    stage: Stage,
    /// Sets that were closed.
    rounds: u32,
    /// Executions that may still commit themselves.
    running: usize,
    /// Committed, and in no closed set.
    fresh: usize,
    /// In a closed set, and silent so far.
    owing: usize,
    /// Seats that nobody has.
    open: usize,
    /// All that ever committed themselves.
    commits: usize,
}

impl Standing {
    fn of(log: &JobLog, sealed: &Sealed) -> Self {
        let mut standing = Self {
            partition: sealed.partition,
            stage: sealed.stage,
            rounds: sealed.next_round() - 1,
            running: 0,
            fresh: 0,
            owing: 0,
            open: log.seats.open_in(sealed.partition),
            commits: 0,
        };
        for e in log.of_partition(sealed.partition) {
            standing.commits += usize::from(e.commit.is_some());
            match e.state {
                ExecutionState::Awarded | ExecutionState::Granted => standing.running += 1,
                ExecutionState::Committed if sealed.close_of(&e.execution).is_some() => {
                    standing.owing += 1;
                }
                ExecutionState::Committed => standing.fresh += 1,
                ExecutionState::Revealed
                | ExecutionState::Refused
                | ExecutionState::Proposed
                | ExecutionState::Accepted
                | ExecutionState::Published
                | ExecutionState::Faulted
                | ExecutionState::Rejected
                | ExecutionState::Failed
                | ExecutionState::Lost
                | ExecutionState::Cancelled => {}
            }
        }
        standing
    }
}

impl Requester {
    /// Does whatever is due of sealed work.
    pub(super) fn tend_sealed(&mut self, now: Time, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let undecided = entry
            .log
            .view
            .sealed
            .iter()
            .filter(|s| s.verdict.is_none() && !entry.log.seats.is_published_in(s.partition));
        let partitions: Vec<u32> = undecided.map(|s| s.partition).collect();
        for partition in partitions {
            if !self.is_live(id) {
                return;
            }
            self.tend_partition(now, id, partition);
        }
    }

    fn tend_partition(&mut self, now: Time, id: JobId, partition: u32) {
        let Some(standing) = self.standing(id, partition) else { return };
        if self.is_seat_due(now, id, &standing) {
            return self.give_seats_up(now, id, &standing);
        }
        if standing.fresh == 0 {
            self.closes_nothing(id, partition);
        } else if self.may_close(now, id, &standing) {
            self.close(now, id, partition);
        }
        self.ask_to_reveal(now, id, partition);
        let Some(standing) = self.standing(id, partition) else { return };
        let waits = standing.running + standing.fresh + standing.owing + standing.open > 0;
        if !waits && standing.rounds > 0 {
            self.decide(now, id, &standing);
        }
    }

    fn standing(&self, id: JobId, partition: u32) -> Option<Standing> {
        let log = &self.jobs.get(&id)?.log;
        Some(Standing::of(log, log.sealed(partition)?))
    }

    /// All that is known of a partition, for a decision.
    fn sealed(&self, id: JobId, partition: u32) -> Option<Sealed> {
        self.jobs.get(&id)?.log.sealed(partition).cloned()
    }

    /// Calls more nodes in.
    fn escalate(&mut self, now: Time, id: JobId, partition: u32, stage: Stage, seats: u32) {
        self.leave_line(id);
        if let Some(entry) = self.jobs.get_mut(&id) {
            self.freed |= self.queue.set_bidding(&entry.soft.class, id, 0);
            entry.soft.class = Class::alone(id);
            let due = now.plus_ms(self.config.limits.seat_ms);
            entry.soft.seats_due.insert(partition, due);
            // Bids of before are not used again: who gave them may have been told the answers.
            entry.soft.round = None;
        }
        self.emit(now, id, JobEvent::Escalated { partition, stage, seats });
    }

    /// How many could be called in at a stage who have no seat yet.
    fn callable(&self, now: Time, id: JobId, partition: u32, stage: Stage) -> u32 {
        let Some(entry) = self.jobs.get(&id) else { return 0 };
        let level = entry.log.view.job.context.verification;
        let look = self.look(now, entry);
        let nodes = self.directory.iter().map(|(node, _)| *node);
        let could = nodes.filter(|node| {
            self.may_sit(level, *node, stage)
                && !is_seated(&entry.log, partition, *node)
                && !self.directory.is_hopeless(&look, *node)
                && self.directory.is_connected(now, *node, self.config.limits.disconnect_ms)
        });
        u32::try_from(could.count()).unwrap_or(u32::MAX)
    }

    /// Whether a node could have another's part of a partition. Of open work any could.
    pub(super) fn may_replace(&self, entry: &Entry, partition: u32, node: NodeId) -> bool {
        let level = entry.log.view.job.context.verification;
        entry.log.sealed(partition).is_none_or(|sealed| {
            self.may_sit(level, node, sealed.stage) && !is_seated(&entry.log, partition, node)
        })
    }

    /// Whether a node may have a seat of a stage. Whose answer decides by itself is not put to a
    /// spot check: nothing would be checked.
    fn may_sit(&self, level: Verification, node: NodeId, stage: Stage) -> bool {
        let anybody = self.config.sabotage == Some(Sabotage::SeatAnybody);
        let stage = if anybody { Stage::Drawn } else { stage };
        !self.trust.is_banned(node)
            && match stage {
                Stage::Drawn => !matches!(level, Verification::Spot(_)) || !self.is_referee(node),
                Stage::Trusted => self.is_trusted(node),
                Stage::Referee => self.is_referee(node),
            }
    }
}

/// Whether a node has, or had, a part in this partition's answer: who merely failed has not, but
/// who committed itself has, even if it says that it gave up.
fn is_seated(log: &JobLog, partition: u32, node: NodeId) -> bool {
    log.of_partition(partition).any(|e| e.node == node && has_part(e))
}

fn has_part(e: &ExecutionView) -> bool {
    match e.state {
        ExecutionState::Refused | ExecutionState::Failed | ExecutionState::Lost => {
            e.commit.is_some()
        }
        ExecutionState::Awarded
        | ExecutionState::Granted
        | ExecutionState::Proposed
        | ExecutionState::Committed
        | ExecutionState::Revealed
        | ExecutionState::Accepted
        | ExecutionState::Published
        | ExecutionState::Faulted
        | ExecutionState::Rejected
        | ExecutionState::Cancelled => true,
    }
}
