//! Figures of a store.

use std::io;

use gadus_ports::{ContentError, StoreStat};

use super::collect::mark;
use super::collect::sweep::each_row;
use super::inner::Inner;
use super::now;
use super::record::Reason;
use super::state::cost;
use crate::error::io_error;

/// Walks the pins and the index. What changes meanwhile may be in one figure and not in another.
///
/// # Errors
/// `Io`.
pub(super) fn stat(inner: &Inner) -> Result<StoreStat, ContentError> {
    inner.flush()?;
    let mut stat = StoreStat {
        used_bytes: inner.quota.used(),
        quota_bytes: inner.quota.max(),
        packs: inner.packs.below(u32::MAX).len() as u64,
        pack_disk_bytes: inner.packs.disk_bytes(),
        index_disk_bytes: index_bytes(inner)?,
        ..StoreStat::default()
    };
    let now = now();
    inner.each_pin(&mut |pin| {
        if !pin.term.is_over(now) {
            match pin.reason {
                Reason::User => stat.user_pins += 1,
                Reason::Input(_) => stat.input_pins += 1,
                Reason::Result(_) => stat.result_pins += 1,
                Reason::Task(_) => stat.task_pins += 1,
                Reason::Verdict => stat.verdict_pins += 1,
            }
        }
        true
    })?;
    let marks = mark::all(inner)?;
    each_row(inner, |rows| {
        for (key, loc) in rows {
            let bytes = cost(loc.bytes as usize);
            stat.blocks += 1;
            stat.block_bytes += bytes;
            if marks.has(key) {
                stat.pinned_blocks += 1;
                stat.pinned_bytes += bytes;
            }
        }
        Ok(())
    })?;
    for loc in inner.state.read().quarantined_locs() {
        stat.quarantined_blocks += 1;
        stat.quarantined_bytes += cost(loc.bytes as usize);
    }
    Ok(stat)
}

fn index_bytes(inner: &Inner) -> Result<u64, ContentError> {
    use std::os::unix::fs::MetadataExt as _;
    let index: io::Result<_> = std::fs::metadata(inner.dir.join("index.redb"));
    let index = index.map_err(|e| io_error("looking at the content index", e))?;
    Ok(index.blocks() * 512)
}
