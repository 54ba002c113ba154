//! The durable state of sealed work: what a job's events make of each partition.

use std::sync::Arc;

use gadus_model::event::JobEvent;
use gadus_model::verdict::{Candidate, Reveal};
use gadus_model::view::ExecutionView;
use gadus_model::{
    Execution, ExecutionState, NodeId, Quorum, Sealed, Signed, Stage, Time, VerdictBody, codec,
};

use super::{JobLog, Seat, in_one_line, seat_of};
use crate::verify::could_seat;

impl JobLog {
    pub(super) fn apply_to_sealed(&mut self, event: &JobEvent) {
        match event {
            JobEvent::Drawn { partition, record } => {
                self.change(*partition, |sealed| sealed.draws.push(record.as_ref().clone()));
            }
            JobEvent::Closed { partition, close } => {
                self.change(*partition, |sealed| sealed.closes.push(close.as_ref().clone()));
                self.shut(*partition);
            }
            JobEvent::Revealed { reveal, .. } => {
                let (partition, replica) = seat_of(&reveal.execution.slot);
                self.change(partition, |sealed| add_answer(sealed, replica, reveal));
            }
            JobEvent::Escalated { partition, stage, seats } => {
                self.escalated(*partition, *stage, *seats);
            }
            JobEvent::Judged { partition, verdict } => {
                self.change(*partition, |sealed| put_verdict(sealed, verdict));
                self.shut(*partition);
            }
            JobEvent::Submitted { .. }
            | JobEvent::Announced { .. }
            | JobEvent::Queued { .. }
            | JobEvent::ImagePinned { .. }
            | JobEvent::Placed { .. }
            | JobEvent::Awarded { .. }
            | JobEvent::Granted { .. }
            | JobEvent::Refused { .. }
            | JobEvent::Accepted { .. }
            | JobEvent::Rejected { .. }
            | JobEvent::Published { .. }
            | JobEvent::Failed { .. }
            | JobEvent::Lost { .. }
            | JobEvent::Cancelled { .. }
            | JobEvent::Committed { .. }
            | JobEvent::Faulted { .. }
            | JobEvent::BackedOff { .. }
            | JobEvent::Deferred { .. }
            | JobEvent::Replayed { .. }
            | JobEvent::Ended { .. }
            | JobEvent::Snapshot { .. } => {}
        }
    }

    fn change(&mut self, partition: u32, change: impl FnOnce(&mut Sealed)) {
        let view = Arc::make_mut(&mut self.view);
        if let Some(sealed) = view.sealed.get_mut(partition as usize) {
            change(sealed);
        }
    }

    /// No seat that there is now is filled again.
    pub(super) fn shut(&mut self, partition: u32) {
        let mut below = 0;
        self.change(partition, |sealed| {
            sealed.shut = sealed.seats;
            below = sealed.shut;
        });
        self.seats.shut(partition, below);
    }

    fn escalated(&mut self, partition: u32, stage: Stage, more: u32) {
        self.shut(partition);
        let mut added = 0..0;
        self.change(partition, |sealed| {
            added = sealed.seats..sealed.seats.saturating_add(more);
            sealed.stage = stage;
            sealed.seats = added.end;
            if stage == Stage::Referee {
                sealed.referee_from.get_or_insert(added.start);
            }
        });
        self.seats.add(partition, added);
    }

    /// A partition of sealed work.
    #[must_use]
    pub fn sealed(&self, partition: u32) -> Option<&Sealed> {
        self.view.sealed.get(partition as usize)
    }

    /// Every try at a partition, by seat.
    pub fn of_partition(&self, partition: u32) -> impl Iterator<Item = &ExecutionView> {
        self.seats.tries_in(partition).map(|place| &self.view.executions[place])
    }

    /// Whether certain nodes were called in for any partition that has no verdict.
    #[must_use]
    pub fn is_escalated(&self) -> bool {
        let waits = |sealed: &Sealed| sealed.verdict.is_none() && sealed.stage != Stage::Drawn;
        self.view.sealed.iter().any(waits)
    }

    /// Why nobody could ever answer a partition: as many nodes say so as make an answer, of
    /// different operators and networks, and nobody has come to an answer or still may.
    #[must_use]
    pub fn impossible(&self) -> Option<String> {
        self.view.sealed.iter().find_map(|sealed| self.impossible_in(sealed))
    }

    fn impossible_in(&self, sealed: &Sealed) -> Option<String> {
        let partition = sealed.partition;
        let says_so = |node: NodeId| self.doomed_by.contains(&(partition, node));
        let contradicts = |e: &ExecutionView| !e.state.is_terminal() || e.commit.is_some();
        if self.doomed_by.is_empty() || self.of_partition(partition).any(contradicts) {
            return None;
        }
        let drawn = sealed.draws.iter().flat_map(|draw| &draw.candidates);
        let drawn: Vec<Candidate> = drawn.filter(|one| says_so(one.node)).cloned().collect();
        let enough = self.view.job.context.verification.equal().max(Quorum::TWO.equal);
        if !could_seat(&drawn, &[], enough as usize) {
            return None;
        }
        let said = self.of_partition(partition).filter(|e| says_so(e.node));
        let last = said.max_by_key(|e| e.marks.ended_at)?;
        Some(in_one_line(&last.message, last.hint.as_deref()))
    }

    /// Whether every partition has a published answer.
    #[must_use]
    pub fn is_published(&self) -> bool {
        match self.view.sealed.as_slice() {
            [] => self.seats.all_published(),
            sealed => sealed.iter().all(|one| self.seats.is_published_in(one.partition)),
        }
    }

    /// Whether an accepted answer is the one whose result goes to its holders: of equal ones the
    /// first that is left.
    #[must_use]
    pub fn publishes(&self, execution: &Execution) -> bool {
        if self.view.sealed.is_empty() {
            return true;
        }
        let mut accepted = self.of_partition(execution.slot.partition);
        let first = accepted.find(|e| e.state == ExecutionState::Accepted);
        first.is_some_and(|e| e.execution == *execution)
    }

    /// Accepted answers that are equal to this one, with their nodes.
    #[must_use]
    pub fn equal_to(&self, execution: &Execution) -> Vec<(Execution, NodeId)> {
        if self.view.sealed.is_empty() {
            return Vec::new();
        }
        let others = self.of_partition(execution.slot.partition);
        let others =
            others.filter(|e| e.state == ExecutionState::Accepted && e.execution != *execution);
        others.map(|e| (e.execution.clone(), e.node)).collect()
    }

    /// A seat of sealed work that is lost, where too few are left for an answer; or one whose
    /// accepted answer could not be published, and no equal one is left.
    #[must_use]
    pub fn hopeless_seat(&self) -> Option<Seat> {
        let mut partitions = self.view.sealed.iter();
        partitions.find_map(|sealed| self.hopeless_seat_of(sealed))
    }

    fn hopeless_seat_of(&self, sealed: &Sealed) -> Option<Seat> {
        let partition = sealed.partition;
        if self.seats.is_published_in(partition) {
            return None;
        }
        let was_accepted = |e: &&ExecutionView| e.marks.accepted_at.is_some();
        let mut accepted = self.of_partition(partition).filter(was_accepted).peekable();
        if accepted.peek().is_some() {
            let last = accepted.try_fold(None, |_, e| match e.state.is_terminal() {
                true => Ok(Some(seat_of(&e.execution.slot))),
                false => Err(()),
            });
            return last.ok().flatten();
        }
        let dead = self.seats.dead_in(partition)?;
        let in_play = self.of_partition(partition).filter(|e| !e.state.is_terminal()).count();
        let equal = self.view.job.context.verification.equal() as usize;
        (in_play + self.seats.open_in(partition) < equal).then_some(dead)
    }
}

/// What an event of sealed work makes of an execution; nothing, if it is no such event.
pub(super) fn take_in(e: &mut ExecutionView, at: Time, event: &JobEvent) -> Option<ExecutionState> {
    if let JobEvent::Committed { commit, .. } = event {
        e.marks.committed_at = Some(at);
        e.commit = Some(commit.as_ref().clone());
        return Some(ExecutionState::Committed);
    }
    if let JobEvent::Revealed { reveal, summary, .. } = event {
        e.marks.revealed_at = Some(at);
        e.manifest = Some(reveal.manifest.clone());
        e.receipt = Some(reveal.receipt.clone());
        e.summary = Some(summary.as_ref().clone());
        return Some(ExecutionState::Revealed);
    }
    let JobEvent::Faulted { why, .. } = event else { return None };
    e.message.clone_from(why);
    Some(ExecutionState::Faulted)
}

fn add_answer(sealed: &mut Sealed, replica: u32, reveal: &Reveal) {
    match sealed.referee_from {
        Some(from) if replica >= from => sealed.referee = Some(reveal.receipt.clone()),
        Some(_) | None => sealed.reveals.push(reveal.clone()),
    }
}

/// A referee may have been among those who were drawn.
fn put_verdict(sealed: &mut Sealed, verdict: &Signed<VerdictBody>) {
    sealed.verdict = Some(verdict.clone());
    let Some(referee) = verdict.body.referee.filter(|_| sealed.referee.is_none()) else { return };
    let receipts = sealed.reveals.iter().map(|reveal| &reveal.receipt);
    let named = |receipt: &&gadus_model::Receipt| {
        codec::cid_of_value(*receipt).is_ok_and(|cid| cid == referee)
    };
    sealed.referee = receipts.into_iter().find(named).cloned();
}
