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

    /// Makes a new file on the disk.
    ///
    /// # Errors
    /// `DiskFull` or `Internal`.
    pub(super) fn spill_file(&mut self) -> Result<(PathBuf, File), Failure> {
        let dir = &self.limits.spill_dir;
        let made = fs::create_dir_all(dir);
        made.map_err(|e| io_failure(&format!("making {}", dir.display()), &e))?;
        let path = dir.join(self.spilled.to_string());
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
        Ok((path, file))
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
