//! Configuration.

use super::fit::Column;
use super::table::Table;

/// Keys, values and where they come from.
pub(crate) fn settings(rows: impl Iterator<Item = [String; 3]>, width: Option<u16>) -> String {
    let columns =
        [Column::whole("KEY"), Column::text("VALUE", 8), Column::cut("FROM", 7).or_none(1)];
    let mut table = Table::new(columns, width);
    for row in rows {
        table.row(row.map(super::table::Cell::from));
    }
    table.draw()
}
