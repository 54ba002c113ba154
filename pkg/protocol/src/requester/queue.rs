//! Jobs that wait because nothing fits: by class of equal requirements, first come first served.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use gadus_model::message::Requirements;
use gadus_model::{Job, JobId, Time, Verification, codec};

/// Jobs of equal requirements wait in one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class([u8; 32]);

impl Class {
    /// The line of a job that waits for certain nodes: nobody else waits behind it, since what it
    /// waits for is no use to others.
    #[must_use]
    pub(super) fn alone(job: JobId) -> Self {
        Self(codec::sha256(&[b"alone", job.0.as_bytes()]))
    }

    /// The class of a job. What several nodes are to answer at once waits in a line of its own: one
    /// node is no use to it, and whoever that is enough for does not wait behind it.
    #[must_use]
    pub(super) fn of(requirements: &Requirements, verification: Verification) -> Self {
        let seats = verification.seats().to_be_bytes();
        // Requirements always encode; were they not to, all such jobs would share one line.
        Self(codec::sha256(&[&seats, &codec::encode(requirements).unwrap_or_default()]))
    }
}

/// Place in a line: higher priority first, then the earlier submission.
type Place = (Reverse<i64>, Time, JobId);

/// All lines, and which jobs gather bids.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    lines: BTreeMap<Class, BTreeSet<Place>>,
    bidding: BTreeMap<Class, BTreeMap<JobId, u32>>,
}

fn place(job: &Job, created_at: Time) -> Place {
    (Reverse(job.priority), created_at, job.id)
}

impl Queue {
    /// Puts a job into its line; again is the same.
    pub(super) fn join(&mut self, class: &Class, job: &Job, created_at: Time) {
        self.lines.entry(*class).or_default().insert(place(job, created_at));
    }

    /// Takes it out. True when it was in.
    pub(super) fn leave(&mut self, class: &Class, job: &Job, created_at: Time) -> bool {
        let Some(line) = self.lines.get_mut(class) else { return false };
        let was_in = line.remove(&place(job, created_at));
        if line.is_empty() {
            self.lines.remove(class);
        }
        was_in
    }

    /// Whether it is in its line.
    #[must_use]
    pub(super) fn contains(&self, class: &Class, job: &Job, created_at: Time) -> bool {
        self.lines.get(class).is_some_and(|line| line.contains(&place(job, created_at)))
    }

    /// Whether others of its class wait before it.
    #[must_use]
    pub(super) fn must_wait(&self, class: &Class, job: &Job, created_at: Time) -> bool {
        let first = self.lines.get(class).and_then(|line| line.first());
        first.is_some_and(|first| *first < place(job, created_at))
    }

    /// The first of each line.
    #[must_use]
    pub(super) fn heads(&self) -> Vec<(Class, JobId)> {
        let head = |(class, line): (&Class, &BTreeSet<Place>)| {
            line.first().map(|(_, _, id)| (*class, *id))
        };
        self.lines.iter().filter_map(head).collect()
    }

    /// How many wait.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.lines.values().map(BTreeSet::len).sum()
    }

    /// How many classes have jobs that gather bids.
    #[must_use]
    pub(super) fn classes_bidding(&self) -> usize {
        self.bidding.len()
    }

    /// Notes how many seats a job gathers bids for; 0 when it no longer does. True when others
    /// of its class may now have a better chance.
    pub(super) fn set_bidding(&mut self, class: &Class, job: JobId, seats: u32) -> bool {
        if seats > 0 {
            let before = self.bidding.entry(*class).or_default().insert(job, seats);
            return before.is_some_and(|n| n > seats);
        }
        let Some(jobs) = self.bidding.get_mut(class) else { return false };
        let left = jobs.remove(&job).is_some();
        if jobs.is_empty() {
            self.bidding.remove(class);
        }
        left
    }

    /// Seats of a class that bids are being gathered for, other than for `job`.
    #[must_use]
    pub(super) fn seats_sought(&self, class: &Class, job: JobId) -> u32 {
        let others = self.bidding.get(class).into_iter().flatten().filter(|(id, _)| **id != job);
        others.fold(0, |sum, (_, seats)| sum.saturating_add(*seats))
    }

    /// Jobs that gather bids.
    #[must_use]
    pub(super) fn bidding(&self) -> Vec<JobId> {
        self.bidding.values().flat_map(|jobs| jobs.keys().copied()).collect()
    }
}
