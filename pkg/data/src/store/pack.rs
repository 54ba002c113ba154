//! Pack files: where the bytes of all blocks are.
//!
//! A *log* pack is written by one thread, in order, and its records are what happened to the
//! store. A *bulk* pack is written by one large import at a time, by several threads at claimed
//! offsets; its records count once a log pack says so.

use std::fs::File;
use std::io::{self, IoSlice, Read as _};
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rustix::fs::{Advice, FallocateFlags, fadvise, fallocate, fdatasync, fsync};

use super::record::VOID;

/// Bytes of a pack's magic, which holds the version of its format.
pub(crate) const MAGIC_BYTES: u64 = 8;

/// Where a pack begins: one that has something here was begun, whatever has become of its magic.
const BEGIN_BYTES: u64 = 1 << 20;

/// Write-back is begun in stretches of this size.
const WRITE_BACK_BYTES: u64 = 16 << 20;

/// What a pack is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Log,
    Bulk,
}

impl Kind {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Log => b"gadus-l1",
            Self::Bulk => b"gadus-b1",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Bulk => "bulk",
        }
    }

    fn of_extension(extension: &str) -> Option<Self> {
        [Self::Log, Self::Bulk].into_iter().find(|kind| kind.extension() == extension)
    }
}

/// Number and kind from a file name.
pub(crate) fn parse_name(path: &Path) -> Option<(u32, Kind)> {
    let kind = Kind::of_extension(path.extension()?.to_str()?)?;
    let id = u32::from_str_radix(path.file_stem()?.to_str()?, 16).ok()?;
    Some((id, kind))
}

/// One pack file.
#[derive(Debug)]
pub(crate) struct Pack {
    pub(crate) id: u32,
    pub(crate) kind: Kind,
    file: File,
    /// Held by everybody who writes a bulk pack, until what they wrote counts.
    pub(crate) writers: Arc<()>,
    /// The file has room up to here.
    allocated: AtomicU64,
    preallocate_bytes: u64,
    #[cfg(test)]
    syncs: AtomicU64,
}

impl Pack {
    fn path(dir: &Path, id: u32, kind: Kind) -> PathBuf {
        dir.join(format!("{id:08x}.{}", kind.extension()))
    }

    /// Makes a pack; when this returns, the file is in its directory for good.
    pub(crate) fn create(
        dir: &Path,
        id: u32,
        kind: Kind,
        preallocate_bytes: u64,
    ) -> io::Result<Self> {
        let path = Self::path(dir, id, kind);
        let file = File::options().create_new(true).read(true).write(true).open(path)?;
        file.write_all_at(kind.magic(), 0)?;
        fdatasync(&file)?;
        fsync(File::open(dir)?)?;
        Ok(Self {
            id,
            kind,
            file,
            writers: Arc::default(),
            allocated: AtomicU64::new(MAGIC_BYTES),
            preallocate_bytes,
            #[cfg(test)]
            syncs: AtomicU64::new(0),
        })
    }

    /// Opens a pack; `None` when the machine stopped before it had its magic.
    pub(crate) fn open(
        dir: &Path,
        id: u32,
        kind: Kind,
        preallocate_bytes: u64,
    ) -> io::Result<Option<Self>> {
        let path = Self::path(dir, id, kind);
        let mut file = File::options().read(true).write(true).open(&path)?;
        let mut magic = [0; MAGIC_BYTES as usize];
        let length = file.metadata()?.len();
        if length >= MAGIC_BYTES {
            file.read_exact(&mut magic)?;
        }
        let never_begun = length < MAGIC_BYTES
            || (magic == [0; 8] && is_blank(&file, MAGIC_BYTES, length.min(BEGIN_BYTES))?);
        if never_begun {
            return Ok(None);
        }
        if &magic != kind.magic() {
            let why = format!("{} is not a pack of this version", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let allocated = AtomicU64::new(length);
        Ok(Some(Self {
            id,
            kind,
            file,
            writers: Arc::default(),
            allocated,
            preallocate_bytes,
            #[cfg(test)]
            syncs: AtomicU64::new(0),
        }))
    }

    /// Its file's name.
    pub(crate) fn name(&self) -> String {
        format!("{:08x}.{}", self.id, self.kind.extension())
    }

    /// Removes the file of a pack. Those who have it open read on.
    pub(crate) fn remove(dir: &Path, id: u32, kind: Kind) -> io::Result<()> {
        std::fs::remove_file(Self::path(dir, id, kind))
    }

    pub(crate) fn file_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    pub(crate) fn read_into(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    pub(crate) fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let mut buffer = vec![0; length];
        self.read_into(&mut buffer, offset)?;
        Ok(buffer.into())
    }

    /// Writes parts one after the other. Several threads may write different places at once.
    pub(crate) fn write(&self, parts: [&[u8]; 2], offset: u64) -> io::Result<()> {
        let length = (parts[0].len() + parts[1].len()) as u64;
        self.make_room(offset + length)?;
        let slices = [IoSlice::new(parts[0]), IoSlice::new(parts[1])];
        let written = rustix::io::pwritev(&self.file, &slices, offset)?;
        let (first, second) = (parts[0].len(), parts[1].len());
        if written < first {
            self.file.write_all_at(&parts[0][written..], offset + written as u64)?;
        }
        if written < first + second {
            let done = written.saturating_sub(first);
            self.file.write_all_at(&parts[1][done..], offset + (first + done) as u64)?;
        }
        Ok(())
    }

    fn make_room(&self, end: u64) -> io::Result<()> {
        let old = self.allocated.load(Ordering::Acquire);
        if end <= old {
            return Ok(());
        }
        let new = end.next_multiple_of(self.preallocate_bytes.max(1));
        // One thread wins; the others write beyond the old end meanwhile, which is allowed.
        if self.allocated.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return Ok(());
        }
        match fallocate(&self.file, FallocateFlags::empty(), old, new - old) {
            // Not every file system can: the file then grows as it is written.
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::INTR) => Ok(()),
            // No room to spare may still be room enough: the write itself tells.
            Err(rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT) => {
                self.allocated.store(old, Ordering::Release);
                Ok(())
            }
            Err(errno) => {
                self.allocated.store(old, Ordering::Release);
                Err(errno.into())
            }
        }
    }

    /// Begins to write back the stretches that end in `from..to` less one, so that the sync at
    /// the end of a large import finds little to do. Linux begins write-back when pages are said
    /// not to be needed; dirty pages stay in memory.
    pub(crate) fn begin_write_back(&self, from: u64, to: u64) {
        let (first, last) = (from / WRITE_BACK_BYTES, to / WRITE_BACK_BYTES);
        if first == last || last < 2 {
            return;
        }
        let start = first.saturating_sub(1) * WRITE_BACK_BYTES;
        if let Some(length) = NonZeroU64::new((last - 1) * WRITE_BACK_BYTES - start) {
            // Advice: a refusal costs speed only.
            let _ = fadvise(&self.file, start, Some(length), Advice::DontNeed);
        }
    }

    /// What was written before is on disk afterwards.
    pub(crate) fn sync(&self) -> io::Result<()> {
        #[cfg(test)]
        self.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(fdatasync(&self.file)?)
    }

    /// How often it was synced since it was opened.
    #[cfg(test)]
    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// What it takes of the disk.
    pub(crate) fn disk_bytes(&self) -> io::Result<u64> {
        use std::os::unix::fs::MetadataExt as _;
        Ok(self.file.metadata()?.blocks() * 512)
    }

    /// Whether nothing was ever written between two places.
    pub(crate) fn is_blank(&self, from: u64, to: u64) -> io::Result<bool> {
        is_blank(&self.file, from, to)
    }

    /// Makes the record at a place void, durably.
    pub(crate) fn void(&self, record_at: u64) -> io::Result<()> {
        self.file.write_all_at(&VOID, record_at)?;
        self.sync()
    }

    /// Cuts off a torn tail.
    pub(crate) fn cut(&self, end: u64) -> io::Result<()> {
        self.file.set_len(end)?;
        self.allocated.store(end, Ordering::Release);
        self.sync()
    }

    /// Gives the disk space behind `end` back, where nothing was ever committed.
    pub(crate) fn shrink(&self, end: u64) {
        // A file that cannot shrink is written over later.
        if self.file.set_len(end).is_ok() {
            self.allocated.store(end, Ordering::Release);
        }
    }

    /// Gives the disk space of dead bytes back. The file keeps its length.
    pub(crate) fn punch(&self, offset: u64, length: u64) {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        // A file system that cannot keeps the bytes until the pack is rewritten.
        let _ = fallocate(&self.file, flags, offset, length);
    }
}

fn is_blank(file: &File, from: u64, to: u64) -> io::Result<bool> {
    let mut buffer = vec![0; 64 << 10];
    let mut at = from;
    while at < to {
        let length = usize::try_from(to - at).unwrap_or(usize::MAX).min(buffer.len());
        file.read_exact_at(&mut buffer[..length], at)?;
        if buffer[..length].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += length as u64;
    }
    Ok(true)
}
