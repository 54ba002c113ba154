//! Where each seat of a job stands: an index over its executions, made by the same `apply`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};

use gadus_model::view::{ExecutionView, JobView};
use gadus_model::{Execution, ExecutionState, NodeId, Restart, Slot};

/// A place within a job: (partition, replica).
pub type Seat = (u32, u32);

/// The index. It follows from the executions alone, so no snapshot holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seats {
    by_seat: BTreeMap<Seat, Tries>,
    open: BTreeSet<Seat>,
    /// Executions that are not over, by their place in the view.
    live: BTreeSet<usize>,
    published: usize,
    /// Partitions of which some seat is published.
    published_in: BTreeSet<u32>,
    /// Of sealed work: seats of a partition below this are not filled again.
    shut: BTreeMap<u32, u32>,
    /// Seats whose newest execution is over and that may not be filled again, unpublished.
    dead: BTreeSet<Seat>,
    failures: BTreeMap<NodeId, u32>,
}

/// The tries at one seat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tries {
    /// Places in the view, oldest first.
    places: Vec<usize>,
    /// Epochs that were used up: refusals cost none.
    spent: u32,
}

/// The seat that a slot is.
#[must_use]
pub(super) fn seat_of(slot: &Slot) -> Seat {
    (slot.partition, slot.replica)
}

/// The seats of a partition.
fn of(partition: u32) -> RangeInclusive<Seat> {
    (partition, 0)..=(partition, u32::MAX)
}

fn is_spent(state: ExecutionState) -> bool {
    matches!(state, ExecutionState::Failed | ExecutionState::Lost | ExecutionState::Rejected)
}

impl Seats {
    /// The index of a job whose seats are known, with no executions yet: one for each partition,
    /// and of sealed work as many as are asked for.
    fn new(view: &JobView, partitions: u32) -> Self {
        let mut seats = Self::default();
        if view.sealed.is_empty() {
            (0..partitions).for_each(|partition| seats.add(partition, 0..1));
        }
        for sealed in &view.sealed {
            seats.add(sealed.partition, 0..sealed.seats);
            seats.shut(sealed.partition, sealed.shut);
        }
        seats
    }

    /// More seats of a partition, open.
    pub fn add(&mut self, partition: u32, replicas: Range<u32>) {
        for replica in replicas {
            self.by_seat.entry((partition, replica)).or_default();
            self.open.insert((partition, replica));
        }
    }

    /// Seats of a partition below this one are not filled again.
    pub fn shut(&mut self, partition: u32, below: u32) {
        self.shut.insert(partition, below);
        let is_left = |seat: &Seat| seat.0 != partition || seat.1 >= below;
        self.open.retain(is_left);
        self.dead.retain(is_left);
    }

    fn is_shut(&self, (partition, replica): Seat) -> bool {
        self.shut.get(&partition).is_some_and(|below| replica < *below)
    }

    /// The index of all that a view holds.
    #[must_use]
    pub fn of(view: &JobView, partitions: u32) -> Self {
        let mut seats = Self::new(view, partitions);
        for (place, e) in view.executions.iter().enumerate() {
            seats.awarded(place, &e.execution.slot);
            if e.state != ExecutionState::Awarded {
                seats.entered(place, e, view);
            }
        }
        seats
    }

    /// An execution was added to the view.
    pub fn awarded(&mut self, place: usize, slot: &Slot) {
        let seat = seat_of(slot);
        self.by_seat.entry(seat).or_default().places.push(place);
        self.live.insert(place);
        self.open.remove(&seat);
    }

    /// An execution entered its present state.
    pub fn entered(&mut self, place: usize, e: &ExecutionView, view: &JobView) {
        if !e.state.is_terminal() {
            return;
        }
        self.live.remove(&place);
        let seat = seat_of(&e.execution.slot);
        let is_shut = self.is_shut(seat);
        let Some(tries) = self.by_seat.get_mut(&seat) else { return };
        if is_spent(e.state) {
            tries.spent += 1;
        }
        if matches!(e.state, ExecutionState::Failed | ExecutionState::Lost) {
            *self.failures.entry(e.node).or_default() += 1;
        }
        if e.state == ExecutionState::Published {
            self.published += 1;
            self.published_in.insert(seat.0);
        }
        if is_shut || tries.places.last() != Some(&place) {
            return;
        }
        let job = &view.job;
        let again =
            job.kind.restart == Restart::Elsewhere && tries.spent < job.context.retry.attempts_max;
        if e.state == ExecutionState::Refused || (is_spent(e.state) && again) {
            self.open.insert(seat);
        } else if e.state != ExecutionState::Published {
            self.dead.insert(seat);
        }
    }

    /// How many seats there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_seat.len()
    }

    /// Whether there are none: a job on every match that has no nodes yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_seat.is_empty()
    }

    /// The seats that no live or published execution fills, and that may be filled once more.
    #[must_use]
    pub fn open(&self) -> &BTreeSet<Seat> {
        &self.open
    }

    /// A seat that can be filled no more and has no answer.
    #[must_use]
    pub fn dead(&self) -> Option<Seat> {
        self.dead.first().copied()
    }

    /// How many seats of a partition are open.
    #[must_use]
    pub fn open_in(&self, partition: u32) -> usize {
        self.open.range(of(partition)).count()
    }

    /// A seat of a partition that can be filled no more and has no answer.
    #[must_use]
    pub fn dead_in(&self, partition: u32) -> Option<Seat> {
        self.dead.range(of(partition)).next().copied()
    }

    /// Whether some seat of a partition has its answer published.
    #[must_use]
    pub fn is_published_in(&self, partition: u32) -> bool {
        self.published_in.contains(&partition)
    }

    /// Places of all tries at a partition, by seat.
    pub fn tries_in(&self, partition: u32) -> impl Iterator<Item = usize> + '_ {
        self.by_seat.range(of(partition)).flat_map(|(_, tries)| tries.places.iter().copied())
    }

    /// Whether every seat has its answer.
    #[must_use]
    pub fn all_published(&self) -> bool {
        !self.is_empty() && self.published >= self.len()
    }

    /// Executions that are not over, by their place in the view.
    pub fn live(&self) -> impl Iterator<Item = usize> + '_ {
        self.live.iter().copied()
    }

    /// Whether any execution is not over.
    #[must_use]
    pub fn any_live(&self) -> bool {
        !self.live.is_empty()
    }

    /// The place of a seat's newest execution.
    #[must_use]
    pub fn newest(&self, seat: Seat) -> Option<usize> {
        self.by_seat.get(&seat)?.places.last().copied()
    }

    /// The place of an execution.
    #[must_use]
    pub fn find(&self, view: &JobView, execution: &Execution) -> Option<usize> {
        let places = &self.by_seat.get(&seat_of(&execution.slot))?.places;
        places.iter().rev().copied().find(|p| view.executions[*p].execution == *execution)
    }

    /// Epochs of a seat that were used up.
    #[must_use]
    pub fn spent(&self, seat: Seat) -> u32 {
        self.by_seat.get(&seat).map_or(0, |t| t.spent)
    }

    /// The most epochs that any seat has used up.
    #[must_use]
    pub fn spent_most(&self) -> u32 {
        self.by_seat.values().map(|t| t.spent).max().unwrap_or(0)
    }

    /// How often a node failed this job.
    #[must_use]
    pub fn failures_of(&self, node: NodeId) -> u32 {
        self.failures.get(&node).copied().unwrap_or(0)
    }
}
