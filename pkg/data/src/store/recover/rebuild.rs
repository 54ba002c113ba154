//! Making the index again where older log packs are gone: from the checkpoint, and from the
//! blocks in the packs that are there.

use std::io;

use super::super::Inner;
use super::super::collect::checkpoint::{self, Checkpoint};
use super::super::pack::{Kind, MAGIC_BYTES, Pack};
use super::super::record::Entry;
use super::super::scan::record_at;
use super::super::state::{Change, Position};
use super::{BATCH_MAX, changes_of, extent_blocks, flush_if_far_behind, leave_out};

/// Applies the checkpoint, where there is one. The log is to be read on from its place.
pub(super) fn from_checkpoint(inner: &Inner) -> io::Result<()> {
    let known = match checkpoint::read(&inner.dir) {
        Ok(Some(known)) => known,
        Ok(None) => return Ok(()),
        Err(error) => {
            tracing::error!(%error, "pins and results in older packs may be lost");
            return Ok(());
        }
    };
    for pack in inner.packs.all(Kind::Log) {
        if pack.id <= known.position.pack {
            log_blocks(inner, &known, &pack)?;
        }
    }
    for extent in &known.extents {
        let Some(bulk) = inner.packs.get(extent.pack) else { continue };
        let mut changes = vec![Change::BulkEnd { pack: extent.pack, end: extent.to }];
        extent_blocks(&bulk, extent.from, extent.to, &mut changes)?;
        apply(inner, &known, changes);
    }
    let results = known.results.iter();
    let results = results.map(|&(namespace, root)| Change::Outputs { namespace, root });
    let pins = known.pins.iter().map(|pin| Change::Pin(*pin));
    inner.apply(results.chain(pins).collect(), known.position);
    Ok(())
}

/// The blocks of one log pack, as far as the checkpoint knows it.
fn log_blocks(inner: &Inner, known: &Checkpoint, pack: &Pack) -> io::Result<()> {
    let limit = match known.position {
        Position { pack: id, offset } if id == pack.id => offset,
        _ => pack.file_bytes()?,
    };
    let mut at = MAGIC_BYTES;
    let mut changes = Vec::new();
    while let Some(found) = record_at(pack, at, limit)? {
        at = found.end();
        let offset = found.data_at;
        if !matches!(found.entry, Entry::Block { .. }) {
            continue;
        }
        match changes_of(inner, pack, found)? {
            Ok(new) => changes.extend(new),
            Err(cid) => leave_out(inner, pack, &mut vec![(cid, offset)]),
        }
        if changes.len() >= BATCH_MAX {
            apply(inner, known, std::mem::take(&mut changes));
        }
    }
    apply(inner, known, changes);
    Ok(())
}

/// Applies blocks, each by what became of its namespace. The position stays at the beginning, so
/// that a crash on the way begins anew.
fn apply(inner: &Inner, known: &Checkpoint, changes: Vec<Change>) {
    let now = |change: Change| {
        let Change::Block { key, namespace: Some(namespace), loc } = change else {
            return Some(change);
        };
        if known.published.contains(&namespace) && !known.hidden.contains(&(namespace, key)) {
            return Some(Change::Published { key, namespace, loc });
        }
        known.quarantined.contains(&namespace).then_some(change)
    };
    inner.apply(changes.into_iter().filter_map(now).collect(), Position::default());
    flush_if_far_behind(inner);
}
