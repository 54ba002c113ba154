//! Where the time of an execution went.

use gadus_api::types::{Execution, ExecutionExtras};

use super::amount::{bytes, duration_us};
use super::table::Table;

/// A step and how long it took, in microseconds; steps that are not known are left out.
pub(super) fn steps(extras: &ExecutionExtras) -> Vec<(&'static str, u64)> {
    let marks = &extras.marks_us;
    let between =
        |from: u64, to: Option<u64>| to.filter(|_| from > 0).map(|to| to.saturating_sub(from));
    let at = |us: u64| Some(us).filter(|us| *us > 0);
    let mut steps = vec![
        ("queued", between(marks.submitted, at(marks.announced))),
        ("bid", between(marks.announced, at(marks.awarded))),
        ("granted", between(marks.awarded, marks.granted)),
    ];
    // The receipt of a known answer tells how long it took then.
    if let Some(receipt) = extras.receipt.as_ref().filter(|_| extras.replayed_from.is_empty()) {
        let usage = &receipt.usage;
        steps.extend([
            ("fetched", Some(usage.fetch_us)),
            ("prepared", Some(usage.prepare_us)),
            ("ran", Some(usage.run_us)),
            ("stored", Some(usage.store_us)),
        ]);
    }
    steps.push(("published", marks.accepted.and_then(|from| between(from, marks.published))));
    let end = marks.ended.or(marks.published);
    steps.push(("in all", between(marks.submitted, end)));
    steps.into_iter().filter_map(|(name, us)| Some((name, us?))).collect()
}

/// The steps below one another, with what they were about.
pub(super) fn timing(execution: &Execution, width: Option<u16>) -> String {
    let Some(extras) = &execution.gadus else { return String::new() };
    let mut table = Table::pairs(width);
    for (step, us) in steps(extras) {
        let fetched = extras.receipt.as_ref().map_or(0, |receipt| receipt.usage.fetched_bytes);
        let note = match step {
            "fetched" if fetched > 0 => format!("  ({})", bytes(fetched)),
            _ => String::new(),
        };
        table.row([step.into(), format!("{}{note}", duration_us(us)).into()]);
    }
    if table.is_empty() { String::new() } else { table.draw() }
}
