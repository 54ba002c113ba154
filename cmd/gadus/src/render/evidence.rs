//! What nodes were caught with, as it is listed and as it was checked.

use gadus_api::types::EvidenceEntry;
use jiff::Timestamp;

use super::fit::Column;
use super::receipt::votes;
use super::table::Table;
use super::text::{plain, short_id};
use super::time::ago_rfc3339;
use crate::proof::CheckedLie;

/// A row for each wrong answer.
pub(crate) fn lies(items: &[EvidenceEntry], now: Timestamp, width: Option<u16>) -> String {
    let columns = [
        Column::whole("NODE"),
        Column::whole("JOB"),
        Column::whole("DECIDED BY").or_none(2),
        Column::whole("CAUGHT").or_none(3),
        Column::cut("TASK", 16).or_none(1),
    ];
    let mut table = Table::new(columns, width);
    for item in items {
        table.row([
            short_id(&item.node_id).into(),
            short_id(&item.job_id).into(),
            (&item.decided_by).into(),
            ago_rfc3339(&item.time, now).into(),
            (&item.task_cid).into(),
        ]);
    }
    table.draw()
}

/// Evidence that was checked.
pub(crate) fn checked_lie(checked: &CheckedLie, width: Option<u16>) -> String {
    let mut table = Table::pairs(width);
    table.pair("Accused", &checked.accused);
    table.pair("Task", &checked.task_cid);
    table.pair("Signed", &checked.manifest_cid);
    table.pair("Comes to", format!("{}, by {}", checked.accepted_cid, decided_by(checked)));
    table.pair("Engine", plain(&checked.engine));
    table.pair("Job", &checked.job_id);
    table.pair("Level", checked.level);
    votes(&mut table, &checked.verdict);
    if checked.is_replayed {
        table.pair("Run again", "here, with the answer of those who contradict the accused");
    } else {
        table.pair("Unproven", &checked.verdict.why_not);
    }
    table.draw()
}

fn decided_by(checked: &CheckedLie) -> &'static str {
    match checked.decided_by {
        "referee" => "a referee's answer",
        _ => "enough equal answers",
    }
}
