//! What the log asks of the disk: a seam, so that tests can make it slow, full or broken.

use std::fs::File;
use std::io::{Error, Result};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// Makes and opens segment files.
pub(crate) trait Disk: Send + Sync {
    /// A new file of `bytes` reserved bytes that all read as zero, the name of it durable.
    /// Whatever had that name is gone.
    fn create(&self, path: &Path, bytes: u64) -> Result<Box<dyn SegmentFile>>;

    /// An existing file, cut off at `end` and reserved again up to `bytes`: all zero from `end`.
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

/// Reserves room, so that a sync need not write the file's size each time. A file system that
/// cannot costs speed only.
fn reserve(file: &File, bytes: u64) -> Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(e) => Err(Error::from(e)),
    }
}

fn sync_dir(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}
