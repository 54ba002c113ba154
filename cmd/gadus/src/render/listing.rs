//! Directories.

use gadus_api::types::Listing;

use super::amount::bytes;
use super::fit::Column;
use super::table::Table;

/// What stands at a path: the entries of a directory, or the thing itself, called `name`.
pub(crate) fn listing(listing: &Listing, name: &str, width: Option<u16>) -> String {
    let columns = [
        Column::whole("KIND").or_none(1),
        Column::whole("SIZE").or_none(2),
        Column::text("CID", 3),
        Column::text("NAME", 12),
    ];
    let mut table = Table::new(columns, width);
    if listing.kind == "directory" {
        for entry in &listing.entries {
            let size = bytes(entry.size);
            table.row([
                (&entry.kind).into(),
                size.into(),
                (&entry.cid).into(),
                (&entry.name).into(),
            ]);
        }
    } else {
        let arrow = if listing.target.is_empty() { "" } else { " -> " };
        let name = format!("{name}{arrow}{}", listing.target);
        let size = bytes(listing.size);
        table.row([(&listing.kind).into(), size.into(), (&listing.cid).into(), name.into()]);
    }
    table.draw()
}
