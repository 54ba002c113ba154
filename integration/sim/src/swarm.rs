//! What a seed picks before anything happens: the cluster, the limits, the work and the faults.
//! Each run has some kinds of trouble and lacks others, so that rare combinations come up.

mod company;

use gadus_model::Limits;
use gadus_protocol::requester::ASK_ALL_MAX;

pub use self::company::Company;
use crate::coverage::MESSAGE_KINDS;
use crate::dice::{Dice, mix};

/// Where in a step a process is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CrashPoint {
    /// Its events were decided, and never reached the disk.
    BeforePersist,
    /// Its events are durable, and nothing was said of them.
    AfterPersist,
    /// Its events are durable, and what they cause was said.
    AfterSend,
}

impl CrashPoint {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::BeforePersist, Self::AfterPersist, Self::AfterSend];
}

/// The kinds of event that a crash can be aimed at. Their number and ten, the turn of the calm
/// seeds, have no common divisor, so that each kind has its turn.
pub const EVENT_KINDS: [&str; 33] = [
    "submitted",
    "announced",
    "queued",
    "image_pinned",
    "placed",
    "awarded",
    "granted",
    "refused",
    "accepted",
    "rejected",
    "published",
    "failed",
    "lost",
    "cancelled",
    "backed_off",
    "deferred",
    "replayed",
    "ended",
    "drawn",
    "committed",
    "closed",
    "revealed",
    "faulted",
    "escalated",
    "judged",
    "counted",
    "trust_set",
    "compute_granted",
    "compute_finished",
    "compute_sealed",
    "compute_failed",
    "compute_accepted",
    "compute_released",
];

/// Everything that a seed decides up front.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// The seed.
    pub seed: u64,
    /// Nodes that take jobs.
    pub requesters: usize,
    /// Nodes that run them; some may be the same as the first.
    pub computes: usize,
    /// How many nodes do both.
    pub both: usize,
    /// Limits and intervals of all machines.
    pub limits: Limits,
    /// Jobs to submit while there is trouble.
    pub jobs: usize,
    /// How long there is trouble, in microseconds.
    pub trouble_us: u64,
    /// The network.
    pub net: NetFaults,
    /// Processes.
    pub process: ProcessFaults,
    /// Executors and content.
    pub engine: EngineFaults,
    /// Clocks.
    pub clock: ClockFaults,
    /// Microseconds that an fsync takes, at most.
    pub fsync_us: u64,
    /// How the work is mixed.
    pub mix: Mix,
    /// Who is among the nodes.
    pub company: Company,
}

/// Faults of the network, in thousandths where not said otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct NetFaults {
    /// Messages lost.
    pub loss: u64,
    /// Messages doubled.
    pub double: u64,
    /// Messages delayed for long.
    pub delay: u64,
    /// The longest such delay, in microseconds.
    pub delay_max_us: u64,
    /// Messages on one link may overtake one another.
    pub reorder: bool,
    /// A kind of message that is held back, how often, and for how long at most, in microseconds.
    pub held_back: Option<(&'static str, u64, u64)>,
    /// Partitions in the whole run.
    pub partitions: u64,
    /// Of them, how many are one-way.
    pub one_way: u64,
}

/// Faults of processes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessFaults {
    /// Crashes at no particular point, in the whole run.
    pub crashes: u64,
    /// An event kind and a point to crash at, and how often of a thousand times.
    pub aimed: Option<(&'static str, CrashPoint, u64)>,
    /// Of a thousand steps with events, how many end in a crash at some point.
    pub random: u64,
    /// Crashes may leave a part of what was not synced.
    pub torn: bool,
    /// The shortest and the longest time that a process is down, in microseconds.
    pub down_min_us: u64,
    /// See there.
    pub down_max_us: u64,
    /// The longest wait before others dial a requester that has started again, in microseconds.
    pub redial_max_us: u64,
    /// Nodes that leave for good.
    pub leavers: u64,
    /// Nodes that join late.
    pub joiners: u64,
    /// Changes of a node's capacity in the whole run.
    pub resizes: u64,
}

/// Faults of executors and content, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub struct EngineFaults {
    /// Runs that fail for their environment.
    pub fail: u64,
    /// Runs that never end.
    pub hang: u64,
    /// Runs that take ten times as long.
    pub slow: u64,
    /// Answers with a receipt for other work.
    pub wrong: u64,
    /// Results that cannot be fetched at the first try.
    pub keep_fail: u64,
    /// Results that cannot be brought to where their jobs want them besides.
    pub place_fail: u64,
    /// The longest time until a result is public or fetched, in microseconds.
    pub content_max_us: u64,
    /// The longest time until a run is killed, in microseconds.
    pub kill_max_us: u64,
    /// Runs survive the end of the node's process.
    pub survive: bool,
    /// Answers too large to travel with their proposal.
    pub large: u64,
}

/// Faults of clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClockFaults {
    /// The most by which a clock is fast or slow, in parts per million.
    pub drift_ppm: u64,
    /// Jumps in the whole run.
    pub jumps: u64,
}

/// How the work is mixed, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mix {
    /// Of pure functions, those whose results are checked.
    pub sealed: u64,
    /// Of those, the ones whose task others have too.
    pub equal: u64,
    /// Jobs on every match.
    pub every: u64,
    /// Jobs of class `command`.
    pub command: u64,
    /// Jobs of class `query`.
    pub query: u64,
    /// Jobs with `retry: never`.
    pub once: u64,
    /// Docker jobs whose image must be pinned.
    pub docker: u64,
    /// Jobs whose result stays with its producer.
    pub producer: u64,
    /// Jobs that are cancelled.
    pub cancel: u64,
    /// Jobs that are submitted twice.
    pub twice: u64,
    /// Jobs that no node can take.
    pub impossible: u64,
    /// Jobs with time limits.
    pub timeouts: u64,
    /// Jobs that are large beside a node.
    pub large: u64,
    /// Results that several nodes are to hold.
    pub replicas: u64,
    /// Results that are to be somewhere besides.
    pub outside: u64,
    /// The shortest and the longest run, in microseconds.
    pub run_min_us: u64,
    /// See there.
    pub run_max_us: u64,
}

/// A run that is over as soon as it begins.
const SHORT_RUN_US: u64 = 100;
/// A run that outlasts the shorter leases.
const LONG_RUN_US: u64 = 30_000_000;

/// The drift that leases must bear: two clocks at these ends differ by less than a tenth.
const DRIFT_PPM_MAX: u64 = 40_000;

impl Swarm {
    /// What a seed picks.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::new(mix(seed));
        let calm = seed.is_multiple_of(10);
        let requesters = if dice.chance(300) { 2 } else { 1 };
        let computes = usize::try_from(dice.between(1, 7)).unwrap_or(1);
        let both = usize::try_from(dice.below(2)).unwrap_or(0).min(requesters);
        let mut swarm = Self {
            seed,
            requesters,
            computes,
            both,
            limits: limits(&mut dice),
            jobs: usize::try_from(dice.skewed(10, 60)).unwrap_or(10),
            trouble_us: dice.between(40, 150) * 1_000_000,
            net: NetFaults::default(),
            process: ProcessFaults::default(),
            engine: engine(&mut dice, calm),
            clock: ClockFaults::default(),
            fsync_us: dice.pick(&[50, 500, 5_000, 50_000]),
            mix: work(&mut dice, calm),
            company: Company::default(),
        };
        if !calm {
            swarm.net = net(&mut dice);
            swarm.process = process(&mut dice);
            swarm.clock = clock(&mut dice);
            swarm.process.redial_max_us = redial(&mut dice, &swarm.limits);
            swarm.aim();
        }
        swarm.crowd(&mut dice);
        swarm.seal();
        swarm
    }

    fn hold_back(&mut self, kind: &'static str, often: u64) {
        self.net.double = self.net.double.max(100);
        (self.net.held_back, self.net.reorder) = (Some((kind, often, 10_000_000)), true);
    }

    /// Some seeds have more nodes than a requester asks one by one. Those asked answer late, so
    /// that the crowd is asked too.
    fn crowd(&mut self, dice: &mut Dice) {
        if !CROWDED.contains(&(self.seed % CROWD_EVERY)) {
            return;
        }
        self.computes = usize::try_from(dice.between(60, 100)).unwrap_or(60);
        (self.jobs, self.trouble_us, self.fsync_us) = (20, 40_000_000, 500);
        (self.limits.window_ms, self.limits.sync_ms) = (dice.pick(&[20, 200]), 15_000);
        (self.mix.every, self.mix.run_max_us) = (0, 2_000_000);
        // Awards that wait for an image are not bids' fault.
        self.mix.docker = 0;
        (self.net.held_back, self.net.reorder) = (Some(("ask", 900, 2_000_000)), true);
        if !self.is_calm() {
            self.net.double = self.net.double.max(100);
            self.net.delay = self.net.delay.max(100);
            self.net.loss = self.net.loss.max(50);
        }
    }

    /// Whether there are more nodes than a requester asks one by one.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.computes > ASK_ALL_MAX
    }

    /// Whether nothing goes wrong at all.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.seed.is_multiple_of(10)
    }

    /// Seeds aim their crashes at one kind of event and one point, each in its turn, and see to it
    /// that there are such events.
    fn aim(&mut self) {
        let turn = usize::try_from(self.seed).unwrap_or(0);
        let kind = EVENT_KINDS[turn % EVENT_KINDS.len()];
        let point = CrashPoint::ALL[(turn / EVENT_KINDS.len()) % CrashPoint::ALL.len()];
        let mut often = 200;
        match kind {
            "queued" | "refused" => {
                (self.mix.large, self.limits.window_ms, self.requesters) = (600, 200, 2);
                (self.computes, often) = (self.computes.min(3), 700);
            }
            "image_pinned" => (self.mix.docker, often) = (700, 500),
            "placed" => (self.mix.every, often) = (400, 700),
            "awarded" => {
                (self.process.redial_max_us, often) = (redial_most_us(&self.limits), 300);
                self.mix.once = self.mix.once.max(200);
            }
            "rejected" => (self.engine.wrong, often) = (200, 700),
            "lost" => {
                (self.net.partitions, self.net.loss, often) = (8, 150, 700);
                self.mix.run_max_us = LONG_RUN_US;
            }
            "cancelled" => (self.mix.cancel, often) = (500, 500),
            "failed" | "backed_off" | "compute_failed" => {
                (self.engine.fail, often) = (300, 400);
                self.hold_back("award", 300);
            }
            "compute_finished" => {
                // An answer that comes back after a while finds the next epoch at work, and is
                // there before its node is told so.
                self.hold_back("sync_reply", 900);
                (self.process.down_min_us, self.process.down_max_us) = (12_000_000, 25_000_000);
                self.limits.lease_ms = 10_000;
                (self.mix.run_min_us, self.mix.run_max_us) = (LONG_RUN_US / 10, LONG_RUN_US);
                (self.engine.slow, often) = (300, 300);
            }
            "compute_accepted" => self.engine.large = 1_000,
            _ => {}
        }
        self.process.aimed = Some((kind, point, often));
    }
}

fn limits(dice: &mut Dice) -> Limits {
    let lease_ms = dice.pick(&[10_000, 30_000, 120_000]);
    Limits {
        window_ms: dice.pick(&[2, 2, 20, 200]),
        lease_ms,
        lease_grace_ms: dice.pick(&[2_000, 5_000]),
        sync_ms: dice.pick(&[3_000, 5_000, 15_000]),
        disconnect_ms: dice.pick(&[20_000, 60_000]),
        publish_ms: dice.pick(&[20_000, 120_000]),
        executions_max: dice.pick(&[8, 1_024, 1_024]) as u32,
        running_max: dice.pick(&[3, 256, 256]) as u32,
        history_max: dice.pick(&[10, 1_000]) as u32,
        ..Limits::default()
    }
}

/// Messages that do the most harm when others overtake them.
const HELD_BACK: [&str; 3] = ["award", "sync", "propose"];

/// Of so many seeds, these have a crowd: one calm, one not.
const CROWD_EVERY: u64 = 50;
const CROWDED: [u64; 2] = [20, 33];

/// Within this time a node is back before its requester takes it for gone, whatever their clocks.
fn redial_most_us(limits: &Limits) -> u64 {
    limits.disconnect_ms * 900
}

fn redial(dice: &mut Dice, limits: &Limits) -> u64 {
    if dice.chance(300) { dice.skewed(1_000_000, redial_most_us(limits)) } else { 0 }
}

/// A fault that half of the runs do not have.
fn some(dice: &mut Dice, most: u64) -> u64 {
    if dice.chance(500) { dice.skewed(1, most) } else { 0 }
}

fn net(dice: &mut Dice) -> NetFaults {
    let kind = if dice.chance(500) { dice.pick(&HELD_BACK) } else { dice.pick(&MESSAGE_KINDS) };
    let held_back = (kind, dice.pick(&[100, 500]), dice.skewed(2_000, 20_000_000));
    let held_back = dice.chance(500).then_some(held_back);
    NetFaults {
        held_back,
        loss: some(dice, 200),
        double: some(dice, 200),
        delay: some(dice, 200),
        delay_max_us: dice.skewed(10_000, 20_000_000),
        reorder: dice.chance(500) || held_back.is_some(),
        partitions: some(dice, 8),
        one_way: dice.pick(&[0, 300, 1_000]),
    }
}

fn process(dice: &mut Dice) -> ProcessFaults {
    ProcessFaults {
        crashes: some(dice, 8),
        aimed: None,
        random: some(dice, 20),
        torn: dice.chance(500),
        down_min_us: 50_000,
        down_max_us: dice.skewed(60_000, 40_000_000),
        redial_max_us: 0,
        leavers: if dice.chance(200) { 1 } else { 0 },
        joiners: if dice.chance(200) { 1 } else { 0 },
        resizes: some(dice, 4),
    }
}

fn engine(dice: &mut Dice, calm: bool) -> EngineFaults {
    let mut faults = EngineFaults {
        survive: dice.chance(500),
        content_max_us: dice.pick(&[1_000, 100_000]),
        kill_max_us: dice.pick(&[1_000, 1_500_000]),
        large: dice.pick(&[0, 300, 1_000]),
        ..EngineFaults::default()
    };
    if !calm {
        faults.fail = some(dice, 300);
        faults.hang = some(dice, 50);
        faults.slow = some(dice, 200);
        faults.wrong = some(dice, 100);
        faults.keep_fail = some(dice, 500);
        faults.place_fail = some(dice, 300);
        faults.content_max_us = dice.pick(&[1_000, 100_000, 10_000_000]);
    }
    faults
}

fn clock(dice: &mut Dice) -> ClockFaults {
    let drift_ppm = if dice.chance(500) { dice.skewed(10, DRIFT_PPM_MAX) } else { 0 };
    ClockFaults { drift_ppm, jumps: some(dice, 6) }
}

fn work(dice: &mut Dice, calm: bool) -> Mix {
    let run_max_us = dice.pick(&[50_000, 2_000_000, LONG_RUN_US]);
    let (docker, producer) = (dice.pick(&[0, 300, 700]), dice.pick(&[0, 300, 1_000]));
    let (every, large) = (dice.pick(&[0, 100, 400]), dice.pick(&[0, 200, 600]));
    let (replicas, outside) = (dice.pick(&[0, 300, 700]), dice.pick(&[0, 0, 300]));
    if calm {
        let mix =
            Mix { equal: 400, every, docker, producer, large, replicas, outside, ..Mix::default() };
        return Mix { run_min_us: SHORT_RUN_US, run_max_us, ..mix };
    }
    Mix {
        sealed: 0,
        equal: 400,
        every,
        command: dice.pick(&[0, 100, 400]),
        query: dice.pick(&[0, 200, 500]),
        once: dice.pick(&[0, 100, 400]),
        docker,
        producer,
        cancel: dice.pick(&[0, 150, 400]),
        twice: dice.pick(&[0, 200]),
        impossible: dice.pick(&[0, 50, 150]),
        timeouts: dice.pick(&[0, 150, 400]),
        large,
        replicas,
        outside,
        run_min_us: SHORT_RUN_US,
        run_max_us,
    }
}
