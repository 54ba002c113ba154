//! Sealed work, and the company that its nodes are in: who lies, who cheats, whom operators trust.

use super::Swarm;
use crate::dice::{Dice, mix};
use crate::habit::Habit;

/// Who is among the nodes besides plain honest ones.
#[derive(Clone, Debug, Default)]
pub struct Company {
    /// Habits of nodes that only run jobs, the last node's first; the others are honest.
    pub habits: Vec<Habit>,
    /// Of the bad nodes, so many have one operator.
    pub one_operator: usize,
    /// So many others of them are in one network.
    pub one_network: usize,
    /// Networks that the other nodes are spread over; 0: all are on loopback.
    pub networks: usize,
    /// Honest nodes that operators trust from the start.
    pub trusted: usize,
    /// Of them, so many decide alone.
    pub referees: usize,
    /// A requester's node also shows closed sets that its requester never closed.
    pub false_sets: bool,
    /// How often operators pardon or ban nodes.
    pub pardons: u64,
}

/// Events that only sealed work has.
const SEALED_KINDS: [&str; 12] = [
    "drawn",
    "committed",
    "closed",
    "revealed",
    "faulted",
    "escalated",
    "judged",
    "counted",
    "trust_set",
    "deferred",
    "replayed",
    "compute_sealed",
];

/// Events that come about where nodes are few and full.
const FEW_NODES: [&str; 2] = ["queued", "refused"];

impl Swarm {
    /// Picks how much of the work is sealed, and among whom. The draws are a stream of their own.
    pub(super) fn seal(&mut self) {
        let mut dice = Dice::new(mix(self.seed ^ 0x5ea1));
        let dice = &mut dice;
        self.limits.commit_ms = dice.pick(&[2_000, 10_000, 60_000]);
        self.limits.reveal_ms = dice.pick(&[3_000, 30_000]);
        self.limits.seat_ms = dice.pick(&[5_000, 60_000]);
        self.limits.verify_rounds_max = dice.pick(&[1, 3, 3]) as u32;
        self.limits.standings_max = dice.pick(&[2, 20_000]) as u32;
        if self.is_crowded() {
            return;
        }
        let kind = self.process.aimed.map(|(kind, _, _)| kind);
        let aimed = kind.filter(|kind| SEALED_KINDS.contains(kind));
        let is_small = kind.is_some_and(|kind| FEW_NODES.contains(&kind));
        if aimed.is_none() && (is_small || !dice.chance(300)) {
            self.mix.sealed = dice.pick(&[0, 200]);
            return;
        }
        self.mix.sealed = 800;
        (self.mix.every, self.mix.docker, self.mix.command, self.mix.query) = (0, 0, 0, 0);
        self.computes = self.computes.max(usize::try_from(dice.between(3, 8)).unwrap_or(3));
        // Who is caught gets no work at all: somebody who stays must be honest.
        let leaves = usize::try_from(self.process.leavers).unwrap_or(0);
        let nodes = (self.computes - self.both).saturating_sub(leaves);
        self.company = company(dice, nodes, self.is_calm());
        self.aim_at_sealed(dice, aimed);
        self.company.habits.truncate(nodes.saturating_sub(1));
    }

    fn aim_at_sealed(&mut self, dice: &mut Dice, aimed: Option<&'static str>) {
        let Some(kind) = aimed else { return };
        let of = match kind {
            "faulted" => Some(dice.pick(&[Habit::Mute, Habit::Turncoat])),
            "escalated" | "counted" | "judged" => Some(Habit::Liar),
            "deferred" | "replayed" => {
                (self.mix.equal, self.mix.outside, self.mix.replicas) = (900, 0, 0);
                None
            }
            "trust_set" => {
                self.mix.equal = 900;
                self.company.pardons = 12;
                Some(Habit::Liar)
            }
            _ => None,
        };
        if let Some(habit) = of {
            self.company.habits.insert(0, habit);
            self.company.referees = self.company.referees.max(1);
            self.company.trusted = self.company.trusted.max(2);
        }
        if let Some((_, _, often)) = &mut self.process.aimed {
            let is_rare = ["trust_set", "escalated", "deferred", "replayed"].contains(&kind);
            *often = if is_rare { 600 } else { 150 };
        }
    }
}

/// Some company is only honest; some has one bad node, and some has many.
fn company(dice: &mut Dice, nodes: usize, calm: bool) -> Company {
    let mut company = Company {
        networks: usize::try_from(dice.pick(&[0, 0, 3, 8])).unwrap_or(0),
        trusted: dice.index(4),
        referees: dice.index(2),
        ..Company::default()
    };
    if calm || nodes < 2 || dice.chance(250) {
        return company;
    }
    let kind = dice.pick(&Habit::BAD);
    let mixed = dice.chance(400);
    let bad = 1 + dice.index(nodes - 1);
    let habits = (0..bad).map(|_| if mixed { dice.pick(&Habit::BAD) } else { kind });
    company.habits = habits.collect();
    company.one_operator = dice.pick(&[0, 0, 2, 4]) as usize;
    company.one_network = dice.pick(&[0, 0, 2]) as usize;
    company.false_sets = dice.chance(300);
    company.pardons = dice.pick(&[0, 0, 3]);
    company
}
