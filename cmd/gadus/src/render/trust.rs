//! How far nodes are trusted.

use gadus_api::types::TrustInfo;

use super::fit::Column;
use super::table::{Cell, Table};
use super::text::{one_line, short_id};

/// A row for each node and engine.
pub(crate) fn trust(rows: &[TrustInfo], width: Option<u16>) -> String {
    let columns = [
        Column::whole("ID"),
        Column::whole("LEVEL"),
        Column::whole("VALID"),
        Column::whole("FAULTS"),
        Column::whole("INCONCLUSIVE").or_none(1),
        Column::cut("ENGINE", 16).or_none(2),
    ];
    let mut table = Table::new(columns, width);
    for row in rows {
        let engine = if row.engine.is_empty() { "-".to_owned() } else { one_line(&row.engine) };
        table.row([
            short_id(&row.node_id).into(),
            Cell::state(&row.level),
            row.valid.to_string().into(),
            row.faults.to_string().into(),
            row.inconclusive.to_string().into(),
            engine.into(),
        ]);
    }
    table.draw()
}
