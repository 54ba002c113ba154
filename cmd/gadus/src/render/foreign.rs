//! Verdicts of other requesters.

use gadus_api::types::{BundleInfo, CountResponse};

use super::fit::Column;
use super::table::Table;
use super::text::plain;

/// What a bundle is worth, a part for each verdict.
pub(crate) fn counted_verdicts(counted: &CountResponse, width: Option<u16>) -> String {
    let mut parts = Vec::new();
    for item in &counted.items {
        let mut table = Table::pairs(width);
        table.pair("Task", &item.task_cid);
        table.pair("Result", &item.result_cid);
        table.pair("Checked", format!("{}, for {}", plain(&item.level), item.job_id));
        table.pair("Verdict by", &item.requester);
        for voter in &item.voters {
            let trust = if voter.is_trusted { "trusted" } else { "not trusted" };
            table.pair("Answer of", format!("{} ({trust})", voter.node_id));
        }
        table.pair(
            "Worth here",
            match item.worth.as_str() {
                "" => "nothing: too few voters are trusted",
                worth => worth,
            },
        );
        parts.push(table.draw());
    }
    let mut table = Table::pairs(width);
    table.pair("Bundle", &counted.bundle_cid);
    parts.push(table.draw());
    parts.join("\n\n")
}

/// Bundles that are counted, a row each.
pub(crate) fn bundles(bundles: &[BundleInfo], width: Option<u16>) -> String {
    let columns = [Column::text("BUNDLE", 3), Column::whole("TASKS")];
    let mut table = Table::new(columns, width);
    for bundle in bundles {
        table.row([(&bundle.bundle_cid).into(), bundle.task_cids.len().to_string().into()]);
    }
    table.draw()
}
