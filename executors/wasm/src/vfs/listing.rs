//! The entries of a directory as they were at one time, so that the places between them hold while
//! it changes.

use std::sync::Arc;

use super::fault::Fault;
use super::overlay::Overlay;
use super::place::{InputPlace, Place, file_type, ino_below};
use crate::kill::KillSwitch;
use crate::wasi::abi::{Errno, FileType};
use gadus_ports::{InputEntry, InputNode};

/// Memory that all listings of a guest may take together.
const LISTINGS_MAX_BYTES: u64 = 256 << 20;

/// What an entry takes besides the bytes of its name.
const ENTRY_BYTES: u64 = 64;

/// Bytes of an entry before its name.
const HEAD_BYTES: usize = 24;

/// Counts what the listings of a guest take.
#[derive(Debug)]
pub(super) struct Listings {
    bytes_left: u64,
}

impl Default for Listings {
    fn default() -> Self {
        Self { bytes_left: LISTINGS_MAX_BYTES }
    }
}

/// One directory's entries, `.` and `..` first, then sorted by the bytes of their names.
#[derive(Debug)]
pub(super) struct Listing {
    entries: Vec<Entry>,
    bytes: u64,
}

#[derive(Debug)]
struct Entry {
    name: Arc<str>,
    ino: u64,
    kind: FileType,
}

impl Listings {
    /// Lists a directory.
    ///
    /// # Errors
    /// `ENOMEM` when it is too large beside those that are open; `Broken` when an input cannot be
    /// read.
    pub(super) fn list(
        &mut self,
        overlay: &Overlay,
        kill: &KillSwitch,
        place: &Place,
    ) -> Result<Listing, Fault> {
        let entries = match place {
            Place::Output(dir) => {
                let names = overlay.entries(*dir)?.keys();
                self.check(names.map(|name| name.len()))?;
                let above =
                    [dot(".", overlay.stat(*dir)?.ino), dot("..", overlay.parent_ino(*dir)?)];
                let entry = |(name, id): (&Arc<str>, _)| {
                    let stat = overlay.stat(id)?;
                    Ok(Entry { name: Arc::clone(name), ino: stat.ino, kind: stat.kind })
                };
                let inside = overlay.entries(*dir)?.iter().map(|(name, id)| entry((name, *id)));
                above.into_iter().map(Ok).chain(inside).collect::<Result<_, Fault>>()?
            }
            Place::Input(place) => {
                let InputNode::Directory(directory) = &place.node else {
                    return Err(Errno::Notdir.into());
                };
                let (mut left, mut refused) = (self.bytes_left, None);
                let inside = directory.list_while(&mut |name| {
                    let bytes = name.map_or(0, |name| ENTRY_BYTES + name.len() as u64);
                    let room = left.checked_sub(bytes).ok_or_else(|| Errno::Nomem.into());
                    let go_on = kill.check().map_err(Fault::from).and(room);
                    left = *go_on.as_ref().unwrap_or(&0);
                    refused = go_on.err();
                    refused.is_none()
                })?;
                match (inside, refused) {
                    (Some(inside), _) => of_input(place, inside),
                    (None, refused) => return Err(refused.unwrap_or(Errno::Nomem.into())),
                }
            }
        };
        let bytes = bytes_of(entries.iter().map(|entry: &Entry| entry.name.len()));
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(Errno::Nomem)?;
        Ok(Listing { entries, bytes })
    }

    /// Whether there is room for entries with names of these lengths, before any is made.
    fn check(&self, names: impl Iterator<Item = usize>) -> Result<(), Fault> {
        if bytes_of(names) > self.bytes_left { Err(Errno::Nomem.into()) } else { Ok(()) }
    }

    /// A listing is of no use any more.
    pub(super) fn forget(&mut self, listing: Option<Listing>) {
        self.bytes_left += listing.map_or(0, |listing| listing.bytes);
    }
}

fn of_input(place: &InputPlace, inside: Vec<InputEntry>) -> Vec<Entry> {
    let mut entries = vec![dot(".", place.ino), dot("..", place.parent_ino)];
    entries.extend(inside.into_iter().map(|entry| Entry {
        ino: ino_below(place.ino, &entry.name),
        kind: file_type(entry.kind),
        name: entry.name.into(),
    }));
    entries
}

fn bytes_of(names: impl Iterator<Item = usize>) -> u64 {
    names.map(|length| ENTRY_BYTES + length as u64).sum()
}

fn dot(name: &str, ino: u64) -> Entry {
    Entry { name: name.into(), ino, kind: FileType::Directory }
}

impl Listing {
    /// Writes the entries from a place on, the last one cut off where the buffer ends, and says how
    /// many bytes that were.
    pub(super) fn write(&self, cookie: u64, buffer: &mut [u8]) -> usize {
        let first = usize::try_from(cookie).unwrap_or(usize::MAX).min(self.entries.len());
        let mut used = 0;
        for (entry, next) in self.entries[first..].iter().zip(first as u64 + 1..) {
            let mut head = [0; HEAD_BYTES];
            head[..8].copy_from_slice(&next.to_le_bytes());
            head[8..16].copy_from_slice(&entry.ino.to_le_bytes());
            let length = u32::try_from(entry.name.len()).unwrap_or(u32::MAX);
            head[16..20].copy_from_slice(&length.to_le_bytes());
            head[20] = entry.kind as u8;
            for bytes in [&head[..], entry.name.as_bytes()] {
                let room = bytes.len().min(buffer.len() - used);
                buffer[used..used + room].copy_from_slice(&bytes[..room]);
                used += room;
            }
            if used == buffer.len() {
                break;
            }
        }
        used
    }
}
