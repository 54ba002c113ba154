//! Directories: one block where it is small enough, a HAMT otherwise.

use gadus_ports::ContentError;

use super::node::{Link, encode, link_bytes};
use super::{BlockSink, Built, DIRECTORY_BLOCK_BYTES_MAX, data, hamt, put_node};
use crate::error::malformed;

/// Stores a directory of these entries, whose trees are stored already.
///
/// # Errors
/// `Malformed` for a name that is there twice.
pub(crate) fn build(sink: &dyn BlockSink, mut entries: Vec<Link>) -> Result<Built, ContentError> {
    entries.sort_unstable_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    if let Some(twice) = entries.windows(2).find(|pair| pair[0].name == pair[1].name) {
        let why = format!("the name '{}' is there twice", twice[0].name.escape_debug());
        return Err(malformed("a directory", why));
    }
    let message = data::directory();
    let block_bytes: usize = entries.iter().map(link_bytes).sum();
    let total = block_bytes + encode([].iter(), &message).len();
    if total > DIRECTORY_BLOCK_BYTES_MAX {
        return hamt::build(sink, entries);
    }
    let linked = entries.iter().map(|link| link.size).fold(0, u64::saturating_add);
    put_node(sink, &encode(entries.iter(), &message), linked)
}
