//! Running seeds, each twice, and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use gadus_protocol::Sabotage;

use crate::coverage::Coverage;
use crate::seen::Violation;
use crate::world::World;

/// What came of one seed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The hash of all that happened.
    pub hash: u64,
    /// Inputs that machines took in.
    pub steps: u64,
    /// Which faults were met.
    pub coverage: Coverage,
    /// What was violated first, if anything was.
    pub violation: Option<Violation>,
}

/// A seed that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedFailure {
    /// Which.
    pub seed: u64,
    /// What was violated.
    pub violation: Violation,
    /// With which deliberate mistake.
    pub sabotage: Option<Sabotage>,
}

impl fmt::Display for SeedFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, violation: Violation { invariant, what, at }, sabotage } = self;
        writeln!(f, "seed {seed} violates {invariant} after {:.6} s", *at as f64 / 1e6)?;
        writeln!(f, "seen: {what}")?;
        write!(f, "again: cargo run -p gadus-sim --bin sim -- --seed {seed} --trace")?;
        match sabotage {
            None => Ok(()),
            Some(sabotage) => write!(f, " --sabotage {sabotage:?}"),
        }
    }
}

impl std::error::Error for SeedFailure {}

/// Runs a seed once.
#[must_use]
pub fn run(seed: u64, sabotage: Option<Sabotage>, show: bool) -> Outcome {
    let mut world = World::new(seed, sabotage, show);
    let ran = catch_unwind(AssertUnwindSafe(|| world.run()));
    if let Err(panic) = ran {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        world.violate("no_panic", text.unwrap_or_else(|| "a machine panicked".to_owned()));
    }
    Outcome {
        seed,
        hash: world.hash(),
        steps: world.steps(),
        coverage: world.coverage().clone(),
        violation: world.violation().cloned(),
    }
}

/// Runs a seed twice: both runs must be the same, and violate nothing.
///
/// # Errors
/// What was violated first.
pub fn check(seed: u64) -> Result<Outcome, SeedFailure> {
    let first = run(seed, None, false);
    if let Some(violation) = first.violation {
        return Err(SeedFailure { seed, violation, sabotage: None });
    }
    let second = run(seed, None, false);
    if (first.hash, first.steps) == (second.hash, second.steps) {
        return Ok(Outcome { steps: first.steps + second.steps, ..first });
    }
    let what = format!("two runs differ: {:x} and {:x}", first.hash, second.hash);
    let violation = Violation { invariant: "same_seed_same_run", what, at: 0 };
    Err(SeedFailure { seed, violation, sabotage: None })
}

/// What came of many seeds.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Seeds that ran.
    pub seeds: u64,
    /// Inputs that machines took in, all runs together.
    pub steps: u64,
    /// Which faults were met.
    pub coverage: Coverage,
    /// Seeds that failed.
    pub failures: Vec<SeedFailure>,
}

impl Summary {
    fn add(&mut self, outcome: Result<Outcome, SeedFailure>) {
        self.seeds += 1;
        match outcome {
            Ok(outcome) => {
                self.steps += outcome.steps;
                self.coverage.add(&outcome.coverage);
            }
            Err(failure) => self.failures.push(failure),
        }
    }

    fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.steps += other.steps;
        self.coverage.add(&other.coverage);
        self.failures.extend(other.failures);
        self.failures.sort_by_key(|failure| failure.seed);
    }
}

/// Checks seeds on this many threads. Gives also how long it took, in seconds.
#[must_use]
pub fn check_all(seeds: Range<u64>, threads: u64) -> (Summary, f64) {
    let began = Instant::now();
    let one = |nth: u64| {
        let seeds = seeds.clone().filter(move |seed| seed % threads == nth);
        let mut summary = Summary::default();
        seeds.for_each(|seed| summary.add(check(seed)));
        summary
    };
    let mut all = Summary::default();
    std::thread::scope(|scope| {
        let one = &one;
        let handles: Vec<_> = (0..threads).map(|nth| scope.spawn(move || one(nth))).collect();
        for handle in handles {
            if let Ok(summary) = handle.join() {
                all.merge(summary);
            }
        }
    });
    (all, began.elapsed().as_secs_f64())
}

/// The invariant that is about a deliberate mistake.
#[must_use]
pub fn witness(sabotage: Sabotage) -> &'static str {
    match sabotage {
        Sabotage::GrantStaleEpoch => "stale",
        Sabotage::Overcommit => "capacity",
        Sabotage::IgnoreLeaseEnd => "lease",
        Sabotage::StopWithoutKill | Sabotage::CancelInNameOnly => "cancel",
        Sabotage::ForgetProposal | Sabotage::DropAcceptedResult => "outbox",
        Sabotage::AcceptStaleEpoch => "late_results",
        Sabotage::CompleteUnpublished => "completed",
        Sabotage::CountAskedHolders => "holders",
        Sabotage::ReuseEpoch => "epochs",
        Sabotage::LoseOnOldSync => "lost",
        Sabotage::EndTwice => "ends_once",
        Sabotage::AwardOnce | Sabotage::ForgetQueue => "liveness",
        Sabotage::GiveUpAbsent => "patience",
        Sabotage::BidWhenFilled => "bids",
        Sabotage::JumpQueue => "fairness",
        Sabotage::SpeakFirst => "persist_then_speak",
        Sabotage::RevealToAny => "reveals",
        Sabotage::CloseEarly | Sabotage::DropVote | Sabotage::TwoSets => "closed_sets",
        Sabotage::TrustFirst => "verdicts",
        Sabotage::ProposeOpenly | Sabotage::PromoteUnjudged => "secrecy",
        Sabotage::SeatTwice
        | Sabotage::SeatSybils
        | Sabotage::SeatAnybody
        | Sabotage::DrawAtWill => "seats",
        Sabotage::RunBesideEqual | Sabotage::RecallWeaker | Sabotage::RecallLiars => "replays",
        Sabotage::BanInconclusive => "bans",
        Sabotage::WaitForSilent => "liveness",
    }
}

/// The first of these seeds in which the invariant that is about a deliberate mistake is the first
/// to see it. Otherwise, which invariants saw it, in how many of the seeds.
///
/// # Errors
/// The mistake went unnoticed, or was only found by accident.
pub fn caught(sabotage: Sabotage, seeds: Range<u64>) -> Result<SeedFailure, Others> {
    let mut others = Others::new();
    for seed in seeds {
        let Some(violation) = run(seed, Some(sabotage), false).violation else { continue };
        if violation.invariant == witness(sabotage) {
            return Ok(SeedFailure { seed, violation, sabotage: Some(sabotage) });
        }
        *others.entry(violation.invariant).or_default() += 1;
    }
    Err(others)
}

/// Invariants that saw a mistake, and in how many seeds.
pub type Others = BTreeMap<&'static str, u64>;
