//! What will happen, in order.

use std::collections::BTreeMap;

use crate::drift::True;

/// Happenings by time; those of one moment in the order in which they were planned.
#[derive(Clone, Debug)]
pub struct Agenda<T> {
    now: True,
    planned: u64,
    queue: BTreeMap<(True, u64), T>,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { now: 0, planned: 0, queue: BTreeMap::new() }
    }
}

impl<T> Agenda<T> {
    /// Now.
    #[must_use]
    pub fn now(&self) -> True {
        self.now
    }

    /// Plans something for later; the past is now.
    pub fn at(&mut self, at: True, what: T) {
        self.planned += 1;
        self.queue.insert((at.max(self.now), self.planned), what);
    }

    /// Plans something for some microseconds from now.
    pub fn after(&mut self, us: u64, what: T) {
        self.at(self.now.saturating_add(us), what);
    }

    /// The next happening; time moves on to it.
    pub fn pop(&mut self) -> Option<T> {
        let ((at, _), what) = self.queue.pop_first()?;
        self.now = at;
        Some(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn happenings_come_in_order_and_ties_as_planned() {
        let mut agenda = Agenda::default();
        agenda.after(5, "later");
        agenda.after(1, "first");
        agenda.after(1, "second");
        assert_eq!(agenda.pop(), Some("first"));
        agenda.at(0, "now");
        assert_eq!(agenda.pop(), Some("second"));
        assert_eq!(agenda.pop(), Some("now"));
        assert_eq!((agenda.pop(), agenda.now()), (Some("later"), 5));
        assert_eq!(agenda.pop(), None);
    }
}
