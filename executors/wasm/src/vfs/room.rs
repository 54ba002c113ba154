//! How much a guest may write, and where: exact, and counted as it writes.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use gadus_model::{Failure, FailureKind};

use super::fault::{Fault, io_failure};
use crate::wasi::abi::Errno;

/// Bytes of the targets of all links together: they stay in memory.
const TARGETS_MAX_BYTES: u64 = 4 << 20;

/// Bytes that go to the disk between two looks at what it has left.
const LOOK_EVERY_BYTES: u64 = 16 << 20;

/// Files of the disk that one guest keeps open.
pub(super) const SPILLED_OPEN_MAX: usize = 16;

/// What the outputs of one guest may come to.
#[derive(Clone, Debug)]
pub(crate) struct RoomLimits {
    /// Bytes of all files and links together.
    pub(crate) bytes_max: u64,
    /// Files, directories and links together.
    pub(crate) files_max: u64,
    /// Bytes of files that stay in memory.
    pub(crate) memory_max_bytes: u64,
    /// Bytes that the disk must have left.
    pub(crate) disk_reserve_bytes: u64,
    /// Where files go that the memory has no room for; made when it is needed.
    pub(crate) spill_dir: PathBuf,
}

/// What is left of it.
#[derive(Debug)]
pub(crate) struct Room {
    limits: RoomLimits,
    bytes_left: u64,
    files_left: u64,
    targets_left: u64,
    memory_left: u64,
    spilled: u64,
    /// Bytes until the disk is looked at.
    until_look: u64,
    open: OpenFiles,
}

/// Names a file of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SpillNumber(u64);

/// The files of the disk that are open, the one used last at the end: few, however many the guest
/// has open, since the whole process shares the host's descriptors.
#[derive(Debug, Default)]
struct OpenFiles(Vec<(SpillNumber, File)>);

impl OpenFiles {
    fn at(&self, number: SpillNumber) -> Option<usize> {
        self.0.iter().position(|(open, _)| *open == number)
    }

    fn has(&self, number: SpillNumber) -> bool {
        self.at(number).is_some()
    }

    /// Adds one; of too many, the one that was not used for longest is closed.
    fn add(&mut self, number: SpillNumber, file: File) {
        if self.0.len() >= SPILLED_OPEN_MAX {
            self.0.remove(0);
        }
        self.0.push((number, file));
    }

    /// One that is open, and used now.
    fn used(&mut self, number: SpillNumber) -> Option<&File> {
        let at = self.at(number)?;
        self.0[at..].rotate_left(1);
        self.0.last().map(|(_, file)| file)
    }

    fn close(&mut self, number: SpillNumber) {
        if let Some(at) = self.at(number) {
            self.0.remove(at);
        }
    }
}

impl Room {
    pub(super) fn new(limits: RoomLimits) -> Self {
        Self {
            bytes_left: limits.bytes_max,
            files_left: limits.files_max,
            targets_left: TARGETS_MAX_BYTES,
            memory_left: limits.memory_max_bytes,
            spilled: 0,
            until_look: 0,
            open: OpenFiles::default(),
            limits,
        }
    }

    /// Bytes that may still be added to files.
    pub(super) fn bytes_left(&self) -> u64 {
        self.bytes_left
    }

    /// Takes bytes.
    ///
    /// # Errors
    /// `ENOSPC`.
    pub(super) fn take_bytes(&mut self, bytes: u64) -> Result<(), Fault> {
        take(&mut self.bytes_left, bytes)
    }

    pub(super) fn give_bytes(&mut self, bytes: u64) {
        self.bytes_left += bytes;
    }

    /// Takes the place of one file, directory or link.
    ///
    /// # Errors
    /// `ENOSPC`.
    pub(super) fn take_file(&mut self) -> Result<(), Fault> {
        take(&mut self.files_left, 1)
    }

    pub(super) fn give_file(&mut self) {
        self.files_left += 1;
    }

    /// Takes what a link's target needs.
    ///
    /// # Errors
    /// `ENOSPC`.
    pub(super) fn take_target(&mut self, bytes: u64) -> Result<(), Fault> {
        if bytes > self.bytes_left {
            return Err(Errno::Nospc.into());
        }
        take(&mut self.targets_left, bytes)?;
        self.take_bytes(bytes)
    }

    pub(super) fn give_target(&mut self, bytes: u64) {
        self.targets_left += bytes;
        self.give_bytes(bytes);
    }

    /// Takes memory, if there is enough.
    pub(super) fn take_memory(&mut self, bytes: u64) -> bool {
        take(&mut self.memory_left, bytes).is_ok()
    }

    pub(super) fn give_memory(&mut self, bytes: u64) {
        self.memory_left += bytes;
    }

    /// Makes a new file on the disk, and opens it.
    ///
    /// # Errors
    /// `DiskFull` or `Internal`.
    pub(super) fn spill_file(&mut self) -> Result<SpillNumber, Failure> {
        let dir = &self.limits.spill_dir;
        let made = fs::create_dir_all(dir);
        made.map_err(|e| io_failure(&format!("making {}", dir.display()), &e))?;
        let number = SpillNumber(self.spilled);
        let path = self.spilled_path(number);
        self.spilled += 1;
        // Left by a run that this process did not see the end of.
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path);
        let file = file.map_err(|e| io_failure(&format!("making {}", path.display()), &e))?;
        self.open.add(number, file);
        Ok(number)
    }

    /// A file of the disk, opened again where it is not.
    ///
    /// # Errors
    /// `Internal`.
    pub(super) fn spilled(&mut self, number: SpillNumber) -> Result<&File, Failure> {
        if !self.open.has(number) {
            let path = self.spilled_path(number);
            let opened = OpenOptions::new().read(true).write(true).open(path);
            let file = opened.map_err(|e| io_failure("opening a file of the guest's", &e))?;
            self.open.add(number, file);
        }
        self.open.used(number).ok_or_else(|| {
            Failure::new(FailureKind::Internal, "a file of the guest's was closed meanwhile")
        })
    }

    /// Where a file of the disk lies.
    pub(super) fn spilled_path(&self, number: SpillNumber) -> PathBuf {
        self.limits.spill_dir.join(number.0.to_string())
    }

    /// Nobody has it open any more.
    pub(super) fn close_spilled(&mut self, number: SpillNumber) {
        self.open.close(number);
    }

    /// Takes a file off the disk.
    pub(super) fn remove_spilled(&mut self, number: SpillNumber) {
        self.open.close(number);
        let path = self.spilled_path(number);
        // The directory goes at the end in any case.
        if let Err(error) = fs::remove_file(&path) {
            tracing::debug!(path = %path.display(), %error, "a file stays");
        }
    }

    /// Counts bytes that go to the disk, and looks now and then whether it has enough left.
    ///
    /// # Errors
    /// `DiskFull`.
    pub(super) fn is_written(&mut self, bytes: u64) -> Result<(), Failure> {
        match self.until_look.checked_sub(bytes) {
            Some(left) if left > 0 => self.until_look = left,
            Some(_) | None => {
                self.until_look = LOOK_EVERY_BYTES;
                check_disk(&self.limits.spill_dir, bytes, self.limits.disk_reserve_bytes)?;
            }
        }
        Ok(())
    }

    /// Whether a disk has room for so many bytes.
    ///
    /// # Errors
    /// `DiskFull`.
    pub(super) fn check(&self, dir: &Path, bytes: u64) -> Result<(), Failure> {
        check_disk(dir, bytes, self.limits.disk_reserve_bytes)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.spilled == 0 {
            return;
        }
        let dir = &self.limits.spill_dir;
        if let Err(error) = fs::remove_dir_all(dir) {
            tracing::warn!(dir = %dir.display(), %error, "files of a guest stay behind");
        }
    }
}

fn take(left: &mut u64, wanted: u64) -> Result<(), Fault> {
    *left = left.checked_sub(wanted).ok_or(Errno::Nospc)?;
    Ok(())
}

fn check_disk(dir: &Path, bytes: u64, reserve: u64) -> Result<(), Failure> {
    // A disk that does not say is taken at its word when it is full.
    let Ok(disk) = rustix::fs::statvfs(dir) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < reserve.saturating_add(bytes) {
        let message = "the node's disk was nearly full while the program wrote its outputs";
        return Err(Failure::new(FailureKind::DiskFull, message));
    }
    Ok(())
}
