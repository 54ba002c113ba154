//! What happened.

use gadus_api::types::JobHistory;

use super::fit::Column;
use super::table::{Cell, Table};
use super::text::short_id;
use super::time::clock;

/// A job's history, oldest first. The day is said where it changes.
pub(crate) fn history(entries: &[JobHistory], width: Option<u16>) -> String {
    let columns = [
        Column::whole("TIME"),
        Column::whole("EXECUTION").or_none(2),
        Column::whole("TOPIC").or_none(1),
        Column::text("EVENT", 24),
    ];
    let mut table = Table::new(columns, width);
    let mut day = "";
    for entry in entries {
        let this_day = entry.time.get(..10).unwrap_or_default();
        if day != this_day {
            day = this_day;
            table.row([day.into(), "".into(), "".into(), "".into()]);
        }
        let event = &entry.event;
        table.row([
            clock(&entry.time).into(),
            short_id(&entry.execution_id).into(),
            (&event.topic).into(),
            Cell::lines(&event.message),
        ]);
    }
    table.draw()
}
