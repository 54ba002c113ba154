//! Configuration.

use super::table::Table;

/// Keys, values and where they come from.
pub(crate) fn settings(rows: impl Iterator<Item = [String; 3]>, width: Option<u16>) -> String {
    let mut table = Table::new(["KEY", "VALUE", "FROM"], width);
    for row in rows {
        table.row(row.map(super::table::Cell::from));
    }
    table.draw()
}
