//! Four hundred seeds, each twice; what they must have met; and the mistakes they must find.

use std::thread::available_parallelism;

use gadus_protocol::Sabotage;
use gadus_sim::{caught, check_all, witness};

/// Seeds within which every mistake must be found.
const SABOTAGE_SEEDS: u64 = 400;

#[test]
fn every_seed_holds_and_all_of_them_meet_every_fault() {
    let threads = available_parallelism().map_or(1, usize::from) as u64;
    let (summary, _) = check_all(0..400, threads);
    assert!(summary.failures.is_empty(), "{:#?}", summary.failures);
    let missing = summary.coverage.missing();
    assert!(missing.is_empty(), "never met: {missing:#?}");
}

#[test]
fn every_mistake_is_found_by_the_invariant_that_is_about_it() {
    for sabotage in Sabotage::ALL {
        let found = caught(sabotage, 0..SABOTAGE_SEEDS);
        let witness = witness(sabotage);
        assert!(found.is_ok(), "{sabotage:?} is not seen by {witness}, but by {found:?}");
    }
}
