//! Taking what is not marked out of the index. The bytes stay where they are until their pack
//! goes, so nobody who reads them is disturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use gadus_ports::ContentError;

use super::super::Inner;
use super::super::state::{Loc, cost};
use super::mark::Marks;
use crate::block::Key;
use crate::error::io_error;

/// Rows of the index that are looked at, and removed, at a time: writers wait no longer than one
/// such step takes.
const ROWS_MAX: usize = 4_096;

/// Costs of the blocks in one pack.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weight {
    pub(crate) live: u64,
    pub(crate) dead: u64,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Swept {
    pub(crate) blocks: u64,
    pub(crate) bytes: u64,
}

/// What each pack holds, oldest first. Quarantined blocks are live.
///
/// # Errors
/// `Io`.
pub(crate) fn weigh(
    inner: &Inner,
    is_live: impl Fn(&Key) -> bool,
) -> Result<BTreeMap<u32, Weight>, ContentError> {
    let mut packs = BTreeMap::<u32, Weight>::new();
    each_row(inner, |rows| {
        for (key, loc) in rows {
            let weight = packs.entry(loc.pack).or_default();
            let side = if is_live(key) { &mut weight.live } else { &mut weight.dead };
            *side += cost(loc.bytes as usize);
        }
        Ok(())
    })?;
    for loc in inner.state.read().quarantined_locs() {
        packs.entry(loc.pack).or_default().live += cost(loc.bytes as usize);
    }
    Ok(packs)
}

/// Removes what is not marked from some packs.
///
/// # Errors
/// `Io`; then what was removed so far stays removed.
pub(crate) fn sweep(
    inner: &Inner,
    marks: &mut Marks,
    packs: &BTreeSet<u32>,
) -> Result<Swept, ContentError> {
    let mut swept = Swept::default();
    each_row(inner, |rows| {
        let doomed: Vec<_> = rows.iter().filter(|(_, loc)| packs.contains(&loc.pack)).collect();
        loop {
            let step = inner.barrier.settle(|is_touched| {
                let doomed = doomed.iter().filter(|(key, _)| !marks.has(key) && !is_touched(key));
                remove(inner, doomed.copied())
            });
            match step {
                Ok(removed) => {
                    swept.blocks += removed.blocks;
                    swept.bytes += removed.bytes;
                    break;
                }
                Err(roots) => roots.iter().try_for_each(|root| marks.tree(inner, root))?,
            }
        }
        if inner.state.read().behind() >= inner.config.index_behind_max {
            inner.flush()?;
        }
        Ok(())
    })?;
    inner.flush()?;
    Ok(swept)
}

fn remove<'a>(inner: &Inner, doomed: impl Iterator<Item = &'a (Key, Loc)>) -> Swept {
    let mut swept = Swept::default();
    let mut state = inner.state.write();
    for (key, loc) in doomed {
        let freed = state.forget(key, *loc);
        swept.blocks += u64::from(freed > 0);
        swept.bytes += freed;
    }
    drop(state);
    if swept.blocks > 0 {
        // Nobody may take a tree for whole that was looked at before. Counted after they went: who
        // reads the new count no longer finds them. And within the step: a pin that it did not
        // wait for is not answered before this counts.
        inner.sweeps.fetch_add(1, Ordering::SeqCst);
    }
    inner.quota.release(swept.bytes);
    swept
}

/// All rows of the index, some at a time.
pub(crate) fn each_row(
    inner: &Inner,
    mut look: impl FnMut(&[(Key, Loc)]) -> Result<(), ContentError>,
) -> Result<(), ContentError> {
    let mut after = None;
    loop {
        inner.stop_if_closing()?;
        let rows = inner.index.rows_after(after, ROWS_MAX);
        let rows =
            rows.map_err(|e| io_error("reading the content index", std::io::Error::other(e)))?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        after = Some(*last);
        look(&rows)?;
    }
}
