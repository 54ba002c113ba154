//! Opening: what the index does not know yet is read from the log.

mod rebuild;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gadus_model::Cid;
use gadus_ports::CrashAt;
use parking_lot::{Mutex, RwLock};

use super::Inner;
use super::barrier::Barrier;
use super::checked::Checked;
use super::committer::control;
use super::index::Index;
use super::lock::lock;
use super::pack::{Kind, MAGIC_BYTES, Pack};
use super::packs::Packs;
use super::pressure::Pressure;
use super::quota::Quota;
use super::record::Entry;
use super::scan::{Found, record_at};
use super::session::Sessions;
use super::state::{Change, Loc, Position, State};
use crate::block::{Key, verify};
use crate::config::ContentConfig;
use crate::error::OpenError;

/// Changes that are applied at once.
const BATCH_MAX: usize = 4_096;

/// Opens or makes a store: index, then the tail of the log.
pub(super) fn open(dir: &Path, config: &ContentConfig) -> Result<Inner, OpenError> {
    let io = |doing| move |source| OpenError::Io { doing, dir: dir.to_owned(), source };
    let folder = dir.join("packs");
    std::fs::create_dir_all(&folder).map_err(io("make a folder"))?;
    let held = lock(dir)?;
    let packs = Packs::open(folder, config.preallocate_bytes, config.pack_bytes_max)
        .map_err(io("open the packs"))?;
    let (index, state) = open_index(dir, config, &packs)?;
    let inner = Inner {
        config: config.clone(),
        dir: dir.to_owned(),
        packs,
        index,
        quota: Quota::new(state.stored_bytes(), u64::MAX),
        state: RwLock::new(state),
        barrier: Barrier::default(),
        sessions: Sessions::default(),
        collecting: Mutex::default(),
        flushing: Mutex::default(),
        sweeps: Arc::default(),
        checked: Checked::default(),
        is_closing: AtomicBool::new(false),
        pressure: Pressure::new(config),
        crash: CrashAt::new(config.crash_at.as_deref()),
        _lock: held,
    };
    replay(&inner).map_err(io("read the packs"))?;
    idle_packs(&inner).map_err(io("remove a pack"))?;
    let used = inner.state.read().stored_bytes();
    Ok(Inner { quota: Quota::new(used, config.quota_bytes), ..inner })
}

/// The index, or an empty one where it is unusable or does not go with the packs.
fn open_index(
    dir: &Path,
    config: &ContentConfig,
    packs: &Packs,
) -> Result<(Index, State), OpenError> {
    let path = dir.join("index.redb");
    let open = || {
        let index = Index::open(&path, config.index_cache_bytes)?;
        let (meta, namespaces) = index.load()?;
        Ok::<_, redb::Error>((index, State::new(meta, namespaces)))
    };
    let why = match open() {
        Ok((index, state)) if goes_with(&state, packs) => return Ok((index, state)),
        // A pack is in its folder for good before any record is in it.
        Ok((_, state)) if state.position().offset > 0 && !has_pack(&state, packs) => {
            let pack = format!("{:08x}.log", state.position().pack);
            return Err(OpenError::PackMissing { dir: dir.to_owned(), pack });
        }
        Ok(_) => "it does not go with the packs".to_owned(),
        Err(error) => error.to_string(),
    };
    tracing::warn!(%why, "the content index is made again from the packs");
    std::fs::remove_file(&path).map_err(|source| OpenError::Io {
        doing: "remove the index",
        dir: dir.to_owned(),
        source,
    })?;
    open().map_err(|error| OpenError::Index { dir: dir.to_owned(), why: error.to_string() })
}

fn has_pack(state: &State, packs: &Packs) -> bool {
    packs.get(state.position().pack).is_some_and(|pack| pack.kind == Kind::Log)
}

fn goes_with(state: &State, packs: &Packs) -> bool {
    let Position { pack, offset } = state.position();
    let reaches = |id: u32, end: u64| {
        packs.get(id).is_some_and(|pack| pack.file_bytes().is_ok_and(|bytes| bytes >= end))
    };
    (offset == 0 || reaches(pack, offset))
        && state.bulk_ends().iter().all(|(pack, end)| reaches(*pack, *end))
}

/// Applies all log records after the index's position, and cuts off the torn tail of the log.
fn replay(inner: &Inner) -> io::Result<()> {
    if inner.state.read().position() == Position::default() {
        rebuild::from_checkpoint(inner)?;
    }
    let from = inner.state.read().position();
    let mut logs = inner.packs.all(Kind::Log);
    logs.retain(|pack| pack.id >= from.pack);
    for (nth, pack) in logs.iter().enumerate() {
        let start = if pack.id == from.pack { from.offset.max(MAGIC_BYTES) } else { MAGIC_BYTES };
        let is_last = nth + 1 == logs.len();
        let end = replay_log(inner, pack, start, is_last)?;
        let bytes = pack.file_bytes()?;
        if is_last {
            if bytes > end {
                tell_of_cut(pack, end, bytes)?;
                pack.cut(end)?;
            }
        } else if !pack.is_blank(end, bytes)? {
            let pack = pack.id;
            tracing::error!(pack, end, "a pack has unreadable records in it; they are left out");
            inner.state.write().has_holes_now();
        }
    }
    Ok(())
}

/// A log that was not closed ends with room, and perhaps with a record that was being written.
fn tell_of_cut(pack: &Pack, end: u64, bytes: u64) -> io::Result<()> {
    if !pack.is_blank(end, bytes)? {
        let (pack, bytes) = (format!("{:08x}", pack.id), bytes - end);
        tracing::warn!(
            pack,
            end,
            bytes,
            "the log ends with what is no whole record, and is cut there: after a crash it was \
             being written; otherwise the disk is damaged"
        );
    }
    Ok(())
}

/// Applies one log pack from `start`; answers where its last good record ends. A block that is not
/// what its hash says, with good records behind it, is a bad spot on the disk, or was torn with
/// others that were never acknowledged: it is left out, and trees may lack it. Its lengths lead
/// behind it; no record is looked for in what may be the bytes of a block.
fn replay_log(inner: &Inner, pack: &Pack, start: u64, is_last: bool) -> io::Result<u64> {
    let limit = pack.file_bytes()?;
    let (mut at, mut end) = (start, start);
    let (mut changes, mut bad) = (Vec::new(), Vec::new());
    while let Some(found) = record_at(pack, at, limit)? {
        at = found.end();
        let offset = found.data_at;
        match changes_of(inner, pack, found)? {
            Ok(new) => {
                end = at;
                changes.extend(new);
                leave_out(inner, pack, &mut bad);
            }
            Err(cid) => bad.push((cid, offset)),
        }
        if changes.len() >= BATCH_MAX {
            inner.apply(std::mem::take(&mut changes), Position { pack: pack.id, offset: end });
            flush_if_far_behind(inner);
        }
    }
    if !is_last {
        // There are good records behind them, in the next pack.
        leave_out(inner, pack, &mut bad);
    }
    inner.apply(changes, Position { pack: pack.id, offset: end });
    Ok(end)
}

/// Says which blocks are lost.
fn leave_out(inner: &Inner, pack: &Pack, bad: &mut Vec<(Cid, u64)>) {
    for (cid, offset) in bad.drain(..) {
        let pack = format!("{:08x}", pack.id);
        tracing::error!(%cid, pack, offset, "a block is damaged; it is left out");
        inner.state.write().has_holes_now();
    }
}

fn flush_if_far_behind(inner: &Inner) {
    if inner.state.read().behind() >= 8 * inner.config.index_behind_max {
        // A failure is logged, and tried again.
        let _ = inner.flush();
    }
}

/// What a record does, or the block whose data is torn.
fn changes_of(inner: &Inner, pack: &Pack, found: Found) -> io::Result<Result<Vec<Change>, Cid>> {
    if found.is_void {
        return Ok(Ok(Vec::new()));
    }
    match found.entry {
        Entry::Block { cid, namespace } => {
            let bytes = pack.read(found.data_at, found.data_bytes)?;
            if verify(&cid, &bytes).is_err() {
                return Ok(Err(cid));
            }
            let loc = loc(pack, &found.data_at, found.data_bytes);
            Ok(Ok(vec![Change::Block { key: Key::of(&cid), namespace, loc }]))
        }
        Entry::Commit { extents } => {
            let mut changes = Vec::new();
            for extent in extents {
                // One that is not there was emptied since, and its blocks are further on.
                if let Some(bulk) = inner.packs.get(extent.pack) {
                    changes.push(Change::BulkEnd { pack: extent.pack, end: extent.to });
                    extent_blocks(&bulk, extent.from, extent.to, &mut changes)?;
                }
            }
            Ok(Ok(changes))
        }
        entry @ (Entry::Promote { .. }
        | Entry::Discard { .. }
        | Entry::Outputs { .. }
        | Entry::Pin { .. }
        | Entry::Unpin { .. }
        | Entry::Known { .. }
        | Entry::Hidden { .. }
        | Entry::End { .. }) => Ok(Ok(control(entry).into_iter().collect())),
    }
}

/// The blocks of a committed stretch: it was synced before the commit was written, so its data
/// need not be read, unless it may be a hole where a dead copy was.
fn extent_blocks(bulk: &Pack, from: u64, to: u64, changes: &mut Vec<Change>) -> io::Result<()> {
    let mut at = from;
    while let Some(found) = record_at(bulk, at, to)? {
        at = found.end();
        if let Entry::Block { cid, namespace } = found.entry
            && !found.is_void
            && !is_hole(bulk, &cid, found.data_at, found.data_bytes)?
        {
            let loc = loc(bulk, &found.data_at, found.data_bytes);
            changes.push(Change::Block { key: Key::of(&cid), namespace, loc });
        }
    }
    if at != to {
        tracing::error!(pack = bulk.id, at, "a pack has unreadable records; they are left out");
    }
    Ok(())
}

/// Whether a copy's disk space was given back.
fn is_hole(bulk: &Pack, cid: &Cid, data_at: u64, data_bytes: usize) -> io::Result<bool> {
    let first = data_at + (data_bytes as u64).min(4 << 10);
    if !bulk.is_blank(data_at, first)? {
        return Ok(false);
    }
    Ok(verify(cid, &bulk.read(data_at, data_bytes)?).is_err())
}

fn loc(pack: &Pack, data_at: &u64, data_bytes: usize) -> Loc {
    Loc { pack: pack.id, offset: *data_at, bytes: data_bytes as u32 }
}

/// Bulk packs with room may be written again, from where their committed records end. One that
/// has none goes: what the log says of its number, if anything, is of blocks that were moved.
fn idle_packs(inner: &Inner) -> io::Result<()> {
    let ends = inner.state.read().bulk_ends().clone();
    for pack in inner.packs.all(Kind::Bulk) {
        match ends.get(&pack.id) {
            Some(end) => inner.packs.give_back(pack, *end),
            None => inner.packs.remove(&pack)?,
        }
    }
    Ok(())
}
