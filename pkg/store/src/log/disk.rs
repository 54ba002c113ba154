//! What the log asks of the disk: a seam, so that tests can make it slow, full or broken.

use std::fs::File;
use std::io::{Error, Result};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// Makes and opens segment files.
pub(crate) trait Disk: Send + Sync {
    /// A new, empty file with room reserved for `bytes` bytes, the name of it durable. Whatever
    /// had that name is gone.
    fn create(&self, path: &Path, bytes: u64) -> Result<Box<dyn SegmentFile>>;

    /// An existing file, cut off at `end`, with room reserved again up to `bytes`.
    fn cut(&self, path: &Path, end: u64, bytes: u64) -> Result<Box<dyn SegmentFile>>;

    /// An existing file, as it is.
    fn open(&self, path: &Path) -> Result<Box<dyn SegmentFile>>;
}

/// A segment being written.
pub(crate) trait SegmentFile: Send {
    /// Writes all of it.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()>;

    /// Returns when all that was written is durable.
    fn sync(&self) -> Result<()>;
}

/// The disk itself.
#[derive(Debug)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path, bytes: u64) -> Result<Box<dyn SegmentFile>> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
        reserve(&file, bytes)?;
        file.sync_all()?;
        sync_dir(path)?;
        Ok(Box::new(file))
    }

    fn cut(&self, path: &Path, end: u64, bytes: u64) -> Result<Box<dyn SegmentFile>> {
        let file = File::options().read(true).write(true).open(path)?;
        file.set_len(end)?;
        if bytes > end {
            reserve(&file, bytes)?;
        }
        file.sync_all()?;
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path) -> Result<Box<dyn SegmentFile>> {
        Ok(Box::new(File::options().read(true).write(true).open(path)?))
    }
}

impl SegmentFile for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> Result<()> {
        self.sync_data()
    }
}

/// Reserves room behind the file's end. A file system that cannot costs speed only.
fn reserve(file: &File, bytes: u64) -> Result<()> {
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(e) => Err(Error::from(e)),
    }
}

fn sync_dir(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Gives back the room that a file has behind `end`.
pub(crate) fn trim(path: &Path, end: u64) -> Result<()> {
    /// What a file system may need beside the bytes themselves.
    const SLACK_BYTES: u64 = 64 << 10;
    let file = File::options().write(true).open(path)?;
    let meta = file.metadata()?;
    if meta.len() > end || meta.blocks() * 512 > end + SLACK_BYTES {
        file.set_len(end)?;
    }
    Ok(())
}
