//! `sim --seeds 0..2000`, `sim --seed N --trace`, `sim --sabotage NAME`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a command")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::ExitCode;

use clap::Parser;
use gadus_protocol::Sabotage;
use gadus_sim::{caught, check_all, run, witness};

/// Drives whole clusters of the protocol's machines under faults, by seed.
#[derive(Parser, Debug)]
struct Args {
    /// Check these seeds, `from..to`
    #[arg(long, value_parser = range, default_value = "0..200")]
    seeds: Range<u64>,
    /// Run this one seed
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Print everything that happens (with --seed)
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Make a deliberate mistake, and see which seed catches it; `all` for each in its turn
    #[arg(long)]
    sabotage: Option<String>,
    /// Threads
    #[arg(long, default_value_t = 2)]
    threads: u64,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let parts = text.split_once("..").map(|(from, to)| (from.parse(), to.parse()));
    match parts {
        Some((Ok(from), Ok(to))) if from < to => Ok(from..to),
        Some(_) | None => Err(format!("'{text}' is not from..to, such as 0..2000")),
    }
}

fn sabotages(name: &str) -> Result<Vec<Sabotage>, String> {
    if name == "all" {
        return Ok(Sabotage::ALL.to_vec());
    }
    let found = Sabotage::ALL.into_iter().find(|s| format!("{s:?}").eq_ignore_ascii_case(name));
    let names = || Sabotage::ALL.map(|s| format!("{s:?}")).join(", ");
    found.map(|s| vec![s]).ok_or_else(|| format!("no sabotage '{name}'; there are {}", names()))
}

fn main() -> ExitCode {
    match act(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn act(args: &Args) -> Result<(), String> {
    let sabotage = args.sabotage.as_deref().map(sabotages).transpose()?;
    match (args.seed, sabotage) {
        (Some(seed), sabotage) => one(seed, sabotage.and_then(|s| s.first().copied()), args.trace),
        (None, Some(list)) => list.into_iter().try_for_each(|s| catch(s, args.seeds.clone())),
        (None, None) => many(args.seeds.clone(), args.threads.max(1)),
    }
}

fn one(seed: u64, sabotage: Option<Sabotage>, trace: bool) -> Result<(), String> {
    let outcome = run(seed, sabotage, trace);
    println!("seed {seed}: {} steps, hash {:016x}", outcome.steps, outcome.hash);
    match outcome.violation {
        None => Ok(()),
        Some(violation) => Err(gadus_sim::SeedFailure { seed, violation, sabotage }.to_string()),
    }
}

fn catch(sabotage: Sabotage, seeds: Range<u64>) -> Result<(), String> {
    let (last, witness) = (seeds.end, witness(sabotage));
    let failure = caught(sabotage, seeds).map_err(|others| {
        format!("{sabotage:?} is not caught by {witness} up to seed {last}; by others: {others:?}")
    })?;
    println!("{sabotage:?}: caught by {witness}\n{failure}\n");
    Ok(())
}

fn many(seeds: Range<u64>, threads: u64) -> Result<(), String> {
    let (summary, took_s) = check_all(seeds, threads);
    println!("{}\n", summary.coverage);
    let rate = summary.steps as f64 / took_s.max(1e-9);
    println!(
        "{} seeds, each twice: {} steps in {took_s:.1} s, {rate:.0} steps/s",
        summary.seeds, summary.steps
    );
    match summary.failures.as_slice() {
        [] => Ok(()),
        failures => {
            let shown = failures.iter().take(10).map(ToString::to_string);
            let shown: Vec<String> = shown.collect();
            let mut kinds = BTreeMap::<&str, Vec<u64>>::new();
            for failure in failures {
                kinds.entry(failure.violation.invariant).or_default().push(failure.seed);
            }
            Err(format!("{kinds:?}\n{} seeds fail:\n{}", failures.len(), shown.join("\n\n")))
        }
    }
}
