//! Emptying packs: what is live in one is copied to the end of the log, and the index learns of
//! the copies, before the pack goes.

use std::sync::Arc;

use gadus_ports::ContentError;

use super::super::committer::Item;
use super::super::pack::{Kind, MAGIC_BYTES, Pack};
use super::super::record::Entry;
use super::super::scan::record_at;
use super::super::state::Loc;
use super::Collection;
use crate::block::{Key, verify};
use crate::error::io_error;

/// Bytes of copies that are written at a time, and how many: other writers wait for no more.
const COPY_BYTES_MAX: usize = 4 << 20;
const COPIES_MAX: usize = 1_024;

/// What became of a pack.
#[derive(Clone, Copy, Debug)]
pub(super) enum Emptied {
    /// Nothing in it is live any more.
    Yes { copied: u64 },
    /// A live block in it is damaged: the pack stays, for what can be saved of it.
    Damaged,
}

/// Copies what is live in a pack to the log. The copies are durable when this returns; the index
/// may not know of them yet.
///
/// # Errors
/// `Io` and `Full`.
pub(super) fn empty(work: &Collection<'_>, pack: &Arc<Pack>) -> Result<Emptied, ContentError> {
    let reading = |e| io_error(format!("reading pack {:08x}", pack.id), e);
    let limit = match pack.kind {
        Kind::Log => pack.file_bytes().map_err(reading)?,
        Kind::Bulk => work.inner.state.read().bulk_end(pack.id),
    };
    let (mut at, mut copied) = (MAGIC_BYTES, 0);
    let (mut items, mut waiting) = (Vec::new(), 0);
    while let Some(found) = record_at(pack, at, limit).map_err(reading)? {
        work.inner.stop_if_closing()?;
        let data_at = found.data_at;
        at = found.end();
        let Entry::Block { cid, namespace } = found.entry else { continue };
        let from = Loc { pack: pack.id, offset: data_at, bytes: found.data_bytes as u32 };
        if found.is_void || !work.inner.is_live(&Key::of(&cid), namespace, from)? {
            continue;
        }
        let bytes = pack.read(data_at, found.data_bytes).map_err(reading)?;
        if verify(&cid, &bytes).is_err() {
            tracing::error!(pack = pack.id, data_at, %cid, "a block is damaged; its pack stays");
            return Ok(Emptied::Damaged);
        }
        waiting += bytes.len();
        copied += bytes.len() as u64;
        items.push(Item::Moved { cid, bytes, namespace, from });
        if waiting >= COPY_BYTES_MAX || items.len() >= COPIES_MAX {
            work.append(std::mem::take(&mut items))?;
            waiting = 0;
        }
    }
    if !items.is_empty() {
        work.append(items)?;
    }
    // Behind a damaged record there may be live blocks that the scan did not reach.
    let is_whole = match pack.kind {
        Kind::Log => pack.is_blank(at, limit).map_err(reading)?,
        Kind::Bulk => at == limit,
    };
    Ok(if is_whole { Emptied::Yes { copied } } else { Emptied::Damaged })
}
