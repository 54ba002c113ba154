//! The bytes of one file of the outputs: in memory, or in a file of the scratch directory.

use std::os::unix::fs::FileExt;

use super::fault::{Fault, io_failure};
use super::room::{Room, SpillNumber};
use crate::wasi::abi::Errno;

/// The most that a file's first byte takes of the memory.
const FIRST_BYTES: usize = 64;

/// No file is larger, whatever is left: offsets are signed in places.
pub(super) const SIZE_MAX: u64 = i64::MAX as u64;

/// The bytes of a file.
#[derive(Debug)]
pub(super) enum Content {
    /// All of them.
    Memory(Vec<u8>),
    /// On disk.
    Spilled(Spilled),
}

/// A file of the scratch directory.
#[derive(Debug)]
pub(super) struct Spilled {
    pub(super) number: SpillNumber,
    pub(super) size: u64,
}

impl Default for Content {
    fn default() -> Self {
        Self::Memory(Vec::new())
    }
}

impl Content {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Spilled(spilled) => spilled.size,
        }
    }

    /// Copies bytes from `offset` on, as many as there are.
    ///
    /// # Errors
    /// `Broken` when the disk fails.
    pub(super) fn read_at(
        &self,
        room: &mut Room,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Fault> {
        match self {
            Self::Memory(bytes) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let length = buffer.len().min(bytes.len() - from);
                buffer[..length].copy_from_slice(&bytes[from..from + length]);
                Ok(length)
            }
            Self::Spilled(spilled) => {
                let left = usize::try_from(spilled.size.saturating_sub(offset));
                let length = left.unwrap_or(usize::MAX).min(buffer.len());
                if length == 0 {
                    return Ok(0);
                }
                let file = room.spilled(spilled.number)?;
                let read = file.read_exact_at(&mut buffer[..length], offset);
                read.map_err(|e| io_failure("reading a file of the guest's", &e))?;
                Ok(length)
            }
        }
    }

    /// Writes as many bytes as there is room for, and says how many.
    ///
    /// # Errors
    /// `ENOSPC` when there is room for none; `EFBIG`; `Broken` when the disk fails.
    pub(super) fn write_at(
        &mut self,
        room: &mut Room,
        offset: u64,
        bytes: &[u8],
    ) -> Result<usize, Fault> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let size = self.size();
        // The last byte that fits, of the file's own and of what may be added.
        let end_max = size.saturating_add(room.bytes_left()).min(SIZE_MAX);
        let fits = usize::try_from(end_max.saturating_sub(offset)).unwrap_or(usize::MAX);
        if fits == 0 {
            return Err(if offset >= SIZE_MAX { Errno::Fbig } else { Errno::Nospc }.into());
        }
        let bytes = &bytes[..bytes.len().min(fits)];
        let end = offset + bytes.len() as u64;
        room.take_bytes(end.saturating_sub(size))?;
        self.grow_room(room, end)?;
        match self {
            Self::Memory(all) => {
                // It is in memory because a usize holds its end.
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                if all.len() < from {
                    all.resize(from, 0);
                }
                let over = bytes.len().min(all.len() - from);
                all[from..from + over].copy_from_slice(&bytes[..over]);
                all.extend_from_slice(&bytes[over..]);
            }
            Self::Spilled(spilled) => {
                room.is_written(bytes.len() as u64)?;
                let written = room.spilled(spilled.number)?.write_all_at(bytes, offset);
                written.map_err(|e| io_failure("writing a file of the guest's", &e))?;
                spilled.size = spilled.size.max(end);
            }
        }
        Ok(bytes.len())
    }

    /// Cuts it off, or adds zeros.
    ///
    /// # Errors
    /// As [`Content::write_at`].
    pub(super) fn set_size(&mut self, room: &mut Room, size: u64) -> Result<(), Fault> {
        if size > SIZE_MAX {
            return Err(Errno::Fbig.into());
        }
        let old = self.size();
        if size > old {
            room.take_bytes(size - old)?;
            self.grow_room(room, size)?;
        } else {
            room.give_bytes(old - size);
        }
        match self {
            Self::Memory(bytes) => {
                bytes.resize(usize::try_from(size).unwrap_or(usize::MAX), 0);
                if bytes.len() < bytes.capacity() / 2 {
                    let before = bytes.capacity();
                    bytes.shrink_to(bytes.len());
                    room.give_memory((before - bytes.capacity()) as u64);
                }
            }
            Self::Spilled(spilled) => {
                // Zeros that are added take no room yet, and will once the file is written out.
                if size > old {
                    room.is_written(size - old)?;
                }
                let set = room.spilled(spilled.number)?.set_len(size);
                set.map_err(|e| io_failure("changing the size of a file of the guest's", &e))?;
                spilled.size = size;
            }
        }
        Ok(())
    }

    /// Nobody has it open any more.
    pub(super) fn rest(&self, room: &mut Room) {
        if let Self::Spilled(spilled) = self {
            room.close_spilled(spilled.number);
        }
    }

    /// Gives back all it took.
    pub(super) fn discard(self, room: &mut Room) {
        room.give_bytes(self.size());
        match self {
            Self::Memory(bytes) => room.give_memory(bytes.capacity() as u64),
            Self::Spilled(spilled) => room.remove_spilled(spilled.number),
        }
    }

    /// Sees to it that bytes up to `end` have a place: in memory while there is enough.
    fn grow_room(&mut self, room: &mut Room, end: u64) -> Result<(), Fault> {
        let Self::Memory(bytes) = self else { return Ok(()) };
        if end <= bytes.capacity() as u64 {
            return Ok(());
        }
        if let Ok(end) = usize::try_from(end)
            && let Some(capacity) = memory_for(room, bytes.capacity(), end)
        {
            bytes.reserve_exact(capacity - bytes.len());
            return Ok(());
        }
        let number = room.spill_file()?;
        room.is_written(bytes.len() as u64)?;
        let written = room.spilled(number)?.write_all_at(bytes, 0);
        written.map_err(|e| io_failure("writing a file of the guest's", &e))?;
        let size = bytes.len() as u64;
        room.give_memory(bytes.capacity() as u64);
        *self = Self::Spilled(Spilled { number, size });
        Ok(())
    }
}

/// Takes memory for a file that grows to `end`: twice what it had, or else just enough.
fn memory_for(room: &mut Room, had: usize, end: usize) -> Option<usize> {
    let generous = end.max(had.saturating_mul(2)).max(FIRST_BYTES);
    [generous, end].into_iter().find(|capacity| room.take_memory((capacity - had) as u64))
}
