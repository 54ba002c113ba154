//! Links between nodes: what is lost, doubled, delayed, reordered, or cut off.

use std::collections::{BTreeMap, BTreeSet};

use crate::dice::Dice;
use crate::drift::True;
use crate::swarm::NetFaults;

/// A place among the nodes.
pub type HostNo = usize;

/// What becomes of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// When its copies arrive; none: it is lost.
    pub arrivals: Vec<True>,
    /// It was held back for longer than usual, so others may overtake it.
    pub delayed: bool,
}

/// All links.
#[derive(Clone, Debug)]
pub struct Network {
    faults: NetFaults,
    /// (from, to): nothing passes.
    blocked: BTreeSet<(HostNo, HostNo)>,
    /// (smaller, larger): both ends have a connection.
    connected: BTreeSet<(HostNo, HostNo)>,
    /// When the last message on an ordered link arrives.
    last: BTreeMap<(HostNo, HostNo), True>,
    /// (smaller, larger): no connection is made before this time.
    backed_off: BTreeMap<(HostNo, HostNo), True>,
}

fn pair(a: HostNo, b: HostNo) -> (HostNo, HostNo) {
    (a.min(b), a.max(b))
}

/// Microseconds that a message takes at least, and how many more at most.
const LATENCY_US: (u64, u64) = (100, 900);

impl Network {
    /// A network with these faults and no connections.
    #[must_use]
    pub fn new(faults: NetFaults) -> Self {
        Self {
            faults,
            blocked: BTreeSet::new(),
            connected: BTreeSet::new(),
            last: BTreeMap::new(),
            backed_off: BTreeMap::new(),
        }
    }

    /// The trouble is over.
    pub fn heal(&mut self) {
        self.faults = NetFaults::default();
        self.blocked.clear();
        self.backed_off.clear();
    }

    /// Two nodes do not dial one another before a time.
    pub fn back_off(&mut self, a: HostNo, b: HostNo, until: True) {
        self.backed_off.insert(pair(a, b), until);
    }

    /// Whether they would dial one another now.
    #[must_use]
    pub fn may_dial(&self, now: True, a: HostNo, b: HostNo) -> bool {
        self.backed_off.get(&pair(a, b)).is_none_or(|until| now >= *until) && self.is_open(a, b)
    }

    /// Whether messages pass both ways.
    #[must_use]
    pub fn is_open(&self, a: HostNo, b: HostNo) -> bool {
        !self.blocked.contains(&(a, b)) && !self.blocked.contains(&(b, a))
    }

    /// Cuts one direction of a link.
    pub fn block(&mut self, from: HostNo, to: HostNo) {
        self.blocked.insert((from, to));
    }

    /// Mends both directions.
    pub fn unblock(&mut self, a: HostNo, b: HostNo) {
        self.blocked.remove(&(a, b));
        self.blocked.remove(&(b, a));
    }

    /// Whether both ends have a connection.
    #[must_use]
    pub fn is_connected(&self, a: HostNo, b: HostNo) -> bool {
        a == b || self.connected.contains(&pair(a, b))
    }

    /// Makes a connection. False: there is one.
    pub fn connect(&mut self, a: HostNo, b: HostNo) -> bool {
        self.connected.insert(pair(a, b))
    }

    /// Ends a connection. False: there is none.
    pub fn disconnect(&mut self, a: HostNo, b: HostNo) -> bool {
        self.last.remove(&(a, b));
        self.last.remove(&(b, a));
        self.connected.remove(&pair(a, b))
    }

    /// What becomes of a message of a kind.
    pub fn fate(
        &mut self,
        dice: &mut Dice,
        now: True,
        (from, to): (HostNo, HostNo),
        kind: &'static str,
    ) -> Fate {
        if from == to {
            // Within one process.
            return Fate { arrivals: vec![now + 5], delayed: false };
        }
        let faults = self.faults;
        let cut = !self.is_connected(from, to) || self.blocked.contains(&(from, to));
        if cut || dice.chance(faults.loss) {
            return Fate::default();
        }
        let copies = if dice.chance(faults.double) { 2 } else { 1 };
        let mut fate = Fate::default();
        for _ in 0..copies {
            let mut delayed = dice.chance(faults.delay);
            let mut us = LATENCY_US.0 + dice.below(LATENCY_US.1);
            if delayed {
                us += dice.below(faults.delay_max_us);
            }
            if let Some((held, often, max_us)) = faults.held_back
                && held == kind
                && dice.chance(often)
            {
                delayed = true;
                us += dice.below(max_us);
            }
            let mut at = now + us;
            if !faults.reorder {
                let last = self.last.entry((from, to)).or_default();
                at = at.max(*last + 1);
                *last = at;
            }
            fate.delayed |= delayed;
            fate.arrivals.push(at);
        }
        fate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_direction_loses_all_and_the_other_none() {
        let mut net = Network::new(NetFaults::default());
        let mut dice = Dice::new(1);
        assert!(net.fate(&mut dice, 0, (0, 1), "ask").arrivals.is_empty(), "not connected");
        net.connect(1, 0);
        net.block(0, 1);
        assert!(net.fate(&mut dice, 0, (0, 1), "ask").arrivals.is_empty());
        assert_eq!(net.fate(&mut dice, 0, (1, 0), "ask").arrivals.len(), 1);
        net.heal();
        assert_eq!(net.fate(&mut dice, 0, (0, 1), "ask").arrivals.len(), 1);
    }

    #[test]
    fn an_ordered_link_keeps_the_order_of_delayed_messages() {
        let delay = NetFaults { delay: 500, delay_max_us: 1_000_000, ..NetFaults::default() };
        let arrivals = |faults| {
            let (mut net, mut dice) = (Network::new(faults), Dice::new(3));
            net.connect(0, 1);
            (0..50).map(|n| net.fate(&mut dice, n, (0, 1), "ask").arrivals[0]).collect::<Vec<_>>()
        };
        assert!(arrivals(delay).is_sorted());
        assert!(!arrivals(NetFaults { reorder: true, ..delay }).is_sorted());
    }
}
