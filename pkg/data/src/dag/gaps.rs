//! Which blocks of a tree are not here, as far as those that are here tell.

use std::collections::HashSet;

use gadus_model::Cid;
use gadus_ports::ContentError;

use super::Complete;
use super::links::{Named, links, may_link};
use crate::block::{Reading, identity};
use crate::store::Store;

/// Blocks that are not here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gaps {
    /// Each once, in the order of the tree.
    pub(crate) missing: Vec<Named>,
    /// The walk ended at its limit: there may be more.
    pub(crate) is_cut: bool,
}

/// Walks a tree from its root, looking at `looks_max` blocks at most.
///
/// # Errors
/// `Io`, and `Malformed` for a block that is not what its codec says.
pub(crate) fn gaps(
    store: &Store,
    complete: &Complete,
    root: &Cid,
    looks_max: usize,
) -> Result<Gaps, ContentError> {
    walk(store, complete, vec![(*root, None)], looks_max)
}

/// The same from the links of a block that need not be here itself.
pub(crate) fn gaps_below(
    store: &Store,
    complete: &Complete,
    cid: &Cid,
    bytes: &[u8],
) -> Result<Gaps, ContentError> {
    let mut stack = links(cid, bytes)?;
    stack.reverse();
    walk(store, complete, stack, usize::MAX)
}

fn walk(
    store: &Store,
    complete: &Complete,
    mut stack: Vec<Named>,
    looks_max: usize,
) -> Result<Gaps, ContentError> {
    let mut found = Gaps::default();
    let mut seen = HashSet::new();
    let mut looked_at = 0;
    while let Some((cid, size)) = stack.pop() {
        if identity(&cid).is_some() && !may_link(&cid) || !seen.insert(Reading::of(&cid)) {
            continue;
        }
        if complete.has(&cid) {
            continue;
        }
        if looked_at == looks_max {
            found.is_cut = true;
            return Ok(found);
        }
        looked_at += 1;
        if !may_link(&cid) {
            if !store.has(&cid) {
                found.missing.push((cid, size));
            }
            continue;
        }
        match store.get(&cid, None)? {
            Some(bytes) => stack.extend(links(&cid, &bytes)?.into_iter().rev()),
            None => found.missing.push((cid, size)),
        }
    }
    Ok(found)
}
