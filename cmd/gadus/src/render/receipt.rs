//! Receipts, as they are listed and as they were checked.

use gadus_api::types::ListReceiptsResponse;

use super::table::Table;
use super::text::plain;
use crate::proof::{Checked, CheckedVerdict};

/// A job's receipts, one after the other.
pub(crate) fn receipts(receipts: &ListReceiptsResponse, width: Option<u16>) -> String {
    let mut parts = Vec::new();
    for item in &receipts.items {
        let mut table = Table::pairs(width);
        table.pair("Execution", &item.execution_id);
        table.pair("Level", level(&plain(&item.level)));
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
        table.pair("Level", level(answer.level));
        if !answer.known_from.is_empty() {
            table.pair("Known from", &answer.known_from);
        }
        if let Some(verdict) = &answer.verdict {
            votes(&mut table, verdict);
        }
        if answer.is_replayed {
            table.pair("Run again", "here, with the same answer");
        } else if let Some(why) = answer.verdict.as_ref().map(|verdict| &verdict.why_not) {
            table.pair("Unverified", why);
        }
        parts.push(table.draw());
    }
    parts.join("\n\n")
}

/// A level, and what it means where that needs saying.
fn level(level: &str) -> String {
    match level {
        "attested" => "attested: one node's word".to_owned(),
        other => other.to_owned(),
    }
}

/// Who said what, and what that is to the reader.
pub(super) fn votes(table: &mut Table, verdict: &CheckedVerdict) {
    let trust = |is_trusted| if is_trusted { ", a key that you trust" } else { "" };
    table.pair("Asked for", &verdict.asked);
    for vote in &verdict.votes {
        let stand = if vote.agrees { "agrees" } else { "differs" };
        table.pair("Answer of", format!("{}: {stand}{}", vote.issuer, trust(vote.is_trusted)));
    }
    if !verdict.referee.is_empty() {
        table.pair("Referee", &verdict.referee);
    }
    let requester = format!("{}{}", verdict.requester, trust(verdict.trusts_requester));
    table.pair("Verdict by", requester);
}
