//! Reading everything and holding it to its CIDs. Goes on beside readers and writers; what is
//! written or moved meanwhile may be left out.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cid::multihash::Multihash;
use gadus_model::{Cid, RAW, SHA2_256};
use gadus_ports::{Bad, Checked, ContentError, NamespaceId};

use super::collect::sweep::each_row;
use super::inner::Inner;
use super::pack::{Kind, MAGIC_BYTES, Pack};
use super::record::{Entry, PREFIX_BYTES};
use super::scan::record_at;
use super::state::Loc;
use crate::block::{Key, verify};
use crate::error::io_error;

/// Bytes that are looked through at a time for the next record behind a damaged one.
const SEARCH_BYTES: usize = 1 << 20;

/// Checks all packs, and that the index leads to nothing that is not there. With `repair`, what
/// is bad is forgotten.
///
/// # Errors
/// `Io`.
pub(super) fn all(inner: &Inner, repair: bool) -> Result<Checked, ContentError> {
    let mut check = Check { inner, repair, found: Checked::default(), gaps: BTreeMap::new() };
    inner.flush()?;
    for pack in inner.packs.below(u32::MAX) {
        check.pack(&pack)?;
        check.found.packs += 1;
    }
    check.index()?;
    if check.found.repaired > 0 {
        inner.state.write().has_holes_now();
        // Nobody may take a tree for whole that was looked at before.
        inner.sweeps.fetch_add(1, Ordering::SeqCst);
        inner.flush()?;
    }
    Ok(check.found)
}

struct Check<'a> {
    inner: &'a Inner,
    repair: bool,
    found: Checked,
    /// By pack, stretches in which no record could be read.
    gaps: BTreeMap<u32, Vec<Range<u64>>>,
}

impl Check<'_> {
    /// Every record of one pack.
    fn pack(&mut self, pack: &Arc<Pack>) -> Result<(), ContentError> {
        let reading = |e: io::Error| io_error(format!("reading pack {:08x}", pack.id), e);
        let limit = self.limit(pack).map_err(reading)?;
        let mut at = MAGIC_BYTES;
        loop {
            self.inner.stop_if_closing()?;
            let Some(found) = record_at(pack, at, limit).map_err(reading)? else {
                if at >= limit || pack.is_blank(at, limit).map_err(reading)? {
                    return Ok(());
                }
                let next = next_record(pack, at + 1, limit).map_err(reading)?;
                self.bad(pack, at, None, "a record cannot be read");
                self.gaps.entry(pack.id).or_default().push(at..next);
                at = next;
                continue;
            };
            let (record_at, data_at) = (at, found.data_at);
            at = found.end();
            let Entry::Block { cid, namespace } = found.entry else { continue };
            let loc = Loc { pack: pack.id, offset: data_at, bytes: found.data_bytes as u32 };
            let key = Key::of(&cid);
            if found.is_void || !self.inner.is_live(&key, namespace, loc)? {
                continue;
            }
            let bytes = pack.read(data_at, found.data_bytes).map_err(reading)?;
            if verify(&cid, &bytes).is_ok() {
                self.found.good_blocks += 1;
                self.found.good_bytes += bytes.len() as u64;
                continue;
            }
            self.inner.checked.forget(loc);
            self.bad(pack, data_at, Some(cid), "its bytes have another hash");
            if self.repair && self.forget(&key, namespace, loc) {
                pack.void(record_at).map_err(reading)?;
            }
        }
    }

    /// Where a pack's records end.
    fn limit(&self, pack: &Pack) -> io::Result<u64> {
        let state = self.inner.state.read();
        let position = state.position();
        match pack.kind {
            Kind::Bulk => Ok(state.bulk_end(pack.id)),
            Kind::Log if pack.id == position.pack => Ok(position.offset),
            Kind::Log => pack.file_bytes(),
        }
    }

    /// Rows of the index that lead nowhere, or to where nothing can be read.
    fn index(&mut self) -> Result<(), ContentError> {
        let inner = self.inner;
        each_row(inner, |rows| {
            for (key, loc) in rows {
                let in_gap = |gap: &Range<u64>| gap.contains(&loc.offset);
                let is_lost = self.gaps.get(&loc.pack).is_some_and(|gaps| gaps.iter().any(in_gap));
                let pack = inner.packs.get(loc.pack);
                let reaches = |pack: &Arc<Pack>| {
                    let end = loc.offset + u64::from(loc.bytes);
                    pack.file_bytes().is_ok_and(|bytes| bytes >= end)
                };
                let is_there = pack.as_ref().is_some_and(reaches);
                // Moved since the row was read?
                if is_there && !is_lost || inner.find(key)? != Some(*loc) {
                    continue;
                }
                let why = if is_there { "its record cannot be read" } else { "it is not there" };
                let name = pack.map_or_else(|| format!("{:08x}", loc.pack), |pack| pack.name());
                self.name(name, loc.offset, Some(cid_of(key)), why);
                if self.repair {
                    self.forget(key, None, *loc);
                }
            }
            Ok(())
        })
    }

    fn bad(&mut self, pack: &Pack, offset: u64, cid: Option<Cid>, why: &str) {
        self.name(pack.name(), offset, cid, why);
    }

    fn name(&mut self, pack: String, offset: u64, cid: Option<Cid>, why: &str) {
        tracing::error!(pack, offset, ?cid, why, "content is damaged");
        self.found.bad += 1;
        if self.found.named.len() < self.inner.config.bad_named_max {
            self.found.named.push(Bad { pack, offset, cid, why: why.to_owned() });
        }
    }

    /// Takes a bad block out of the index, or of its namespace; whether it was in there.
    fn forget(&mut self, key: &Key, namespace: Option<NamespaceId>, loc: Loc) -> bool {
        let mut state = self.inner.state.write();
        let quarantined = namespace.map_or(0, |id| state.forget_quarantined(id, key, loc));
        let freed = if quarantined > 0 { quarantined } else { state.forget(key, loc) };
        drop(state);
        self.inner.quota.release(freed);
        self.found.repaired += u64::from(freed > 0);
        freed > 0
    }
}

/// Where the next record that can be read begins, or `limit`.
fn next_record(pack: &Pack, from: u64, limit: u64) -> io::Result<u64> {
    let mut at = from;
    let mut buffer = vec![0; SEARCH_BYTES];
    while at + PREFIX_BYTES as u64 <= limit {
        let length = usize::try_from(limit - at).unwrap_or(usize::MAX).min(SEARCH_BYTES);
        pack.read_into(&mut buffer[..length], at)?;
        for (nth, _) in buffer[..length].windows(4).enumerate().filter(|(_, four)| four == b"blk1")
        {
            if record_at(pack, at + nth as u64, limit)?.is_some() {
                return Ok(at + nth as u64);
            }
        }
        // What begins in the last bytes is looked at again.
        at += (length - 3) as u64;
    }
    Ok(limit)
}

/// A name for a block of which the key alone is known: right for SHA2-256, as a raw leaf.
fn cid_of(key: &Key) -> Cid {
    Cid::new_v1(RAW, Multihash::wrap(SHA2_256, &key.0).unwrap_or_default())
}
