//! A world from a seed.

use std::collections::{BTreeMap, BTreeSet};

use gadus_model::{NodeId, Resources};
use gadus_protocol::Sabotage;

use super::cheating::Cheats;
use super::{Happening, World, people};
use crate::agenda::Agenda;
use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::drift::LocalClock;
use crate::host::Host;
use crate::invariants;
use crate::network::{HostNo, Network};
use crate::seen::Truth;
use crate::swarm::Swarm;
use crate::trace::Trace;
use crate::workload::{self, SMALL_NODE_MILLIS};

/// Between two looks at who could connect to whom.
pub(super) const DIAL_US: u64 = 500_000;
/// How long everything may take to come to its end once the trouble is over.
const SETTLE_US: u64 = 900_000_000;

impl World {
    /// The world of a seed, before anything has happened.
    #[must_use]
    pub fn new(seed: u64, sabotage: Option<Sabotage>, show: bool) -> Self {
        let swarm = Swarm::of(seed);
        let mut dice = Dice::new(seed);
        let mut hosts = hosts(&swarm, &mut dice, sabotage);
        people::introduce(&swarm, &mut hosts);
        let places = hosts.iter().enumerate().map(|(n, host)| (host.id, n)).collect();
        let works = (0..swarm.jobs).map(|n| workload::make(&swarm, &mut dice, n)).collect();
        let truth = Truth {
            now: 0,
            hosts,
            places,
            works,
            acked: BTreeSet::new(),
            healed: false,
            answers: BTreeMap::new(),
            swarm: swarm.clone(),
        };
        let mut world = Self {
            truth,
            agenda: Agenda::default(),
            net: Network::new(swarm.net),
            dice,
            trace: Trace::new(show),
            coverage: Coverage::default(),
            sabotage,
            dooms: Vec::new(),
            cheats: Cheats::default(),
            deadline: swarm.trouble_us + SETTLE_US,
            done: false,
            invariants: invariants::all(),
            violation: None,
            steps: 0,
        };
        world.plan_all(&swarm);
        world
    }

    fn plan_all(&mut self, swarm: &Swarm) {
        let hosts = self.truth.hosts.len();
        for host in 0..hosts {
            let joins = self.is_only_compute(host) && (host as u64) < 1 + swarm.process.joiners;
            let late = joins && swarm.process.joiners > 0 && hosts > 2;
            let at = if late { self.dice.below(swarm.trouble_us) } else { self.dice.below(1_000) };
            self.agenda.at(at, Happening::Start { host });
        }
        self.agenda.at(DIAL_US / 100, Happening::Dial);
        for work in 0..self.truth.works.len() {
            let at = self.dice.below(swarm.trouble_us * 7 / 10);
            self.agenda.at(at, Happening::Submit { work, again: false });
            if self.dice.chance(swarm.mix.twice) {
                let at = at + self.dice.below(20_000_000);
                self.agenda.at(at, Happening::Submit { work, again: true });
            }
            if self.truth.works[work].cancelled {
                let at = at + self.dice.skewed(1_000, 30_000_000);
                self.agenda.at(at, Happening::Cancel { work });
                if self.dice.chance(300) {
                    let at = at + self.dice.skewed(100, 3_000_000);
                    self.agenda.at(at, Happening::Cancel { work });
                }
            }
        }
        self.plan_trouble(swarm);
        self.agenda.at(swarm.trouble_us, Happening::Heal);
    }

    fn is_only_compute(&self, host: HostNo) -> bool {
        let host = &self.truth.hosts[host];
        host.is_compute && !host.is_requester
    }

    fn plan_trouble(&mut self, swarm: &Swarm) {
        let hosts = self.truth.hosts.len();
        let until = swarm.trouble_us;
        for _ in 0..swarm.process.crashes {
            let host = self.dice.index(hosts);
            let at = self.dice.below(until);
            self.agenda.at(at, Happening::Crash { host, for_good: false });
        }
        let computes: Vec<HostNo> = (0..hosts).filter(|h| self.is_only_compute(*h)).collect();
        if swarm.process.leavers > 0 && computes.len() > 1 {
            let at = self.dice.below(until);
            self.agenda.at(at, Happening::Crash { host: computes[0], for_good: true });
        }
        for _ in 0..swarm.net.partitions {
            let at = self.dice.below(until);
            self.agenda.at(at, Happening::Partition);
        }
        for _ in 0..swarm.clock.jumps {
            let (host, at) = (self.dice.index(hosts), self.dice.below(until));
            self.agenda.at(at, Happening::Jump { host });
        }
        for _ in 0..swarm.process.resizes {
            let (host, at) = (self.dice.index(hosts), self.dice.below(until));
            self.agenda.at(at, Happening::Resize { host });
        }
        for _ in 0..swarm.company.pardons {
            let at = self.dice.below(until);
            self.agenda.at(at, Happening::Pardon);
        }
        for _ in 0..self.dice.below(12) {
            let at = self.dice.below(until);
            self.agenda.at(at, Happening::Checkpoint);
        }
    }
}

fn hosts(swarm: &Swarm, dice: &mut Dice, sabotage: Option<Sabotage>) -> Vec<Host> {
    let n = swarm.requesters + swarm.computes - swarm.both.min(swarm.computes);
    let host = |n: usize| {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&dice.roll().to_be_bytes());
        key[31] = u8::try_from(n).unwrap_or(u8::MAX);
        let is_requester = n < swarm.requesters;
        let is_compute = n >= swarm.requesters || n < swarm.both;
        let drift = swarm.clock.drift_ppm;
        let ppm = i64::try_from(dice.below(2 * drift + 1)).unwrap_or(0);
        let ppm = ppm - i64::try_from(drift).unwrap_or(0);
        let clock = LocalClock::new(dice.between(1_000_000, 1_000_000_000), ppm);
        let cpu_millis = SMALL_NODE_MILLIS * dice.pick(&[1, 1, 2, 4]);
        let capacity = Resources { cpu_millis, memory_bytes: 1 << 30, ..Resources::default() };
        let config = (swarm.clone(), sabotage);
        Host::new(NodeId(key), clock, (is_requester, is_compute), capacity, config)
    };
    (0..n).map(host).collect()
}
