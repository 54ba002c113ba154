//! What a node keeps.

use gadus_api::types::{CheckResponse, CollectResponse, PinInfo, StoreStatResponse};
use jiff::Timestamp;

use super::amount::{bytes, count};
use super::fit::Column;
use super::table::{Table, sections};
use super::text::short_id;
use super::time::{ago_rfc3339, until_rfc3339};

/// Figures.
pub(crate) fn store_stat(stat: &StoreStatResponse, width: Option<u16>) -> String {
    let blocks = |n: u64, amount: u64| format!("{}, {}", count(n, "block"), bytes(amount));
    let percent = match stat.quota_bytes {
        0 => 100,
        quota => u128::from(stat.used_bytes) * 100 / u128::from(quota),
    };
    let mut table = Table::pairs(width);
    table.pair("Stored", blocks(stat.blocks, stat.block_bytes));
    table.pair("Pinned", blocks(stat.pinned_blocks, stat.pinned_bytes));
    let cached = stat.blocks.saturating_sub(stat.pinned_blocks);
    table.pair("Cached", blocks(cached, stat.block_bytes.saturating_sub(stat.pinned_bytes)));
    table.pair("Quarantined", blocks(stat.quarantined_blocks, stat.quarantined_bytes));
    let (input, result, task) = (stat.input_pins, stat.result_pins, stat.task_pins);
    let verdict = stat.verdict_pins;
    let people = count(stat.user_pins, "pin");
    let pins = format!(
        "{people} of people, {input} of inputs, {result} of results, {task} of tasks, {verdict} of \
         verdicts"
    );
    table.pair("Kept by", pins);
    let quota = format!("{} of {} ({percent} %)", bytes(stat.used_bytes), bytes(stat.quota_bytes));
    table.pair("Quota", quota);
    let packs = format!("{}, {}", count(stat.packs, "pack"), bytes(stat.pack_disk_bytes));
    table.pair("Disk", format!("{packs}; index {}", bytes(stat.index_disk_bytes)));
    table.draw()
}

/// Pins, a row each.
pub(crate) fn pins(pins: &[PinInfo], now: Timestamp, width: Option<u16>) -> String {
    let columns = [
        Column::text("CID", 3),
        Column::whole("REASON"),
        Column::whole("EXECUTION").or_none(2),
        Column::whole("SINCE").or_none(1),
        Column::whole("UNTIL").or_none(3),
    ];
    let mut table = Table::new(columns, width);
    for pin in pins {
        let execution = match pin.execution_id.as_str() {
            "" => "-".to_owned(),
            id => short_id(id),
        };
        table.row([
            (&pin.cid).into(),
            (&pin.reason).into(),
            execution.into(),
            ago_rfc3339(&pin.made, now).into(),
            until_rfc3339(&pin.until, now).into(),
        ]);
    }
    table.draw()
}

/// A collection.
pub(crate) fn collected(done: &CollectResponse, width: Option<u16>) -> String {
    let mut table = Table::pairs(width);
    table.pair("Freed", format!("{}, {}", count(done.blocks, "block"), bytes(done.bytes)));
    table.pair("Disk freed", bytes(done.disk_bytes));
    table.pair("Packs removed", done.packs.to_string());
    table.pair("Moved", bytes(done.copied_bytes));
    table.pair("Pins expired", done.expired_pins.to_string());
    table.draw()
}

/// A check.
pub(crate) fn checked(found: &CheckResponse, width: Option<u16>) -> String {
    let mut table = Table::pairs(width);
    let good = format!("{}, {}", count(found.good_blocks, "block"), bytes(found.good_bytes));
    table.pair("Good", good);
    table.pair("Packs read", found.packs.to_string());
    table.pair("Bad", found.bad.to_string());
    if found.repaired > 0 {
        table.pair("Forgotten", found.repaired.to_string());
    }
    let mut named = Table::new(
        [
            Column::whole("PACK"),
            Column::whole("OFFSET"),
            Column::text("CID", 3),
            Column::text("WHY", 12),
        ],
        width,
    );
    for bad in &found.named {
        let cid = if bad.cid.is_empty() { "-" } else { &bad.cid };
        named.row([
            (&bad.pack).into(),
            bad.offset.to_string().into(),
            cid.into(),
            (&bad.why).into(),
        ]);
    }
    let named = if named.is_empty() { String::new() } else { named.draw() };
    sections(vec![("", table.draw()), ("Damaged", named)])
}
