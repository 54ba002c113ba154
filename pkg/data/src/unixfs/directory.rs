//! Directories: one block where it is small enough, a HAMT otherwise.

use gadus_ports::ContentError;

use super::node::{Link, encode};
use super::{Built, Maker, data, hamt};
use crate::error::malformed;

/// Stores a directory of these entries, whose trees are stored already.
///
/// # Errors
/// `Malformed` for a name that is there twice.
pub(crate) fn build(
    maker: Maker<'_>,
    mut entries: Vec<Link>,
    mode: Option<u32>,
) -> Result<Built, ContentError> {
    entries.sort_unstable_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    if let Some(twice) = entries.windows(2).find(|pair| pair[0].name == pair[1].name) {
        let why = format!("the name '{}' is there twice", twice[0].name.escape_debug());
        return Err(malformed("a directory", why));
    }
    let mode = maker.form.mode(mode);
    let message = data::directory(mode);
    if maker.form.is_hamt(&entries, encode([].iter(), &message).len()) {
        return hamt::build(maker, entries, mode);
    }
    let linked = entries.iter().map(|link| link.size).fold(0, u64::saturating_add);
    maker.node(&encode(entries.iter(), &message), linked)
}
