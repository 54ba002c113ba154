//! Receipts, as they are listed and as they were checked.

use gadus_api::types::ListReceiptsResponse;

use super::table::Table;
use super::text::plain;
use crate::proof::Checked;

/// A job's receipts, one after the other.
pub(crate) fn receipts(receipts: &ListReceiptsResponse, width: Option<u16>) -> String {
    let mut parts = Vec::new();
    for item in &receipts.items {
        let mut table = Table::pairs(width);
        table.pair("Execution", &item.execution_id);
        table.pair("Level", format!("{}: one node's word", plain(&item.level)));
        table.pair("Node", &item.node_id);
        table.pair("Key", &item.issuer);
        table.pair("Engine", plain(&item.engine));
        table.pair("Task", &item.task_cid);
        table.pair("Answer", &item.manifest_cid);
        table.pair("Result", &item.result_cid);
        table.pair("Receipt", &item.receipt_cid);
        parts.push(table.draw());
    }
    let mut table = Table::pairs(width);
    table.pair("Bundle", &receipts.bundle_cid);
    parts.push(table.draw());
    parts.join("\n\n")
}

/// Answers that were checked.
pub(crate) fn checked_answers(checked: &Checked, width: Option<u16>) -> String {
    let mut parts = Vec::new();
    for answer in &checked.answers {
        let trust = match answer.is_trusted {
            true => "a key that you trust",
            false => "not a key that you trust",
        };
        let mut table = Table::pairs(width);
        table.pair("Job", &checked.job_id);
        table.pair("Task", &answer.task_cid);
        table.pair("Outcome", &answer.outcome);
        table.pair("Result", &answer.result_cid);
        table.pair("Engine", plain(&answer.engine));
        table.pair("Signed by", format!("{} ({trust})", answer.issuer));
        table.pair("Level", format!("{}: one node's word", answer.level));
        parts.push(table.draw());
    }
    parts.join("\n\n")
}
