//! A tree as files of this machine. Files are read-only; directories stay writable for their
//! owner alone, so that whoever made them can remove them.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use gadus_model::Cid;
use gadus_ports::ContentError;
use rustix::fs::{CWD, Mode, OFlags, fchmod, mkdirat, openat, symlinkat};

use crate::content::Core;
use crate::error::{io_error, malformed};
use crate::read::file::FILE_DEPTH_MAX;
use crate::read::tree::{Halt, entries, node};
use crate::unixfs::name;
use crate::unixfs::parse::{FileNode, Parsed};

/// Writes the tree under `root` to `dest`, which must not exist. What was written before an error
/// is removed. It ends early, as an error, when `is_over`: nobody waits for it any more.
///
/// # Errors
/// `Missing`, `Malformed`, `UnsafeName`, `Full`, `Io`.
pub(crate) fn write(
    core: &Core,
    root: &Cid,
    dest: &Path,
    is_over: &AtomicBool,
) -> Result<(), ContentError> {
    if dest.symlink_metadata().is_ok() {
        let why = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(io_error(format!("writing a tree to {}", dest.display()), why));
    }
    let mut writer = Writer {
        core,
        bytes_left: core.config.tree_bytes_max,
        entries_left: core.config.tree_entries_max,
        unlooked_bytes: LOOK_BYTES,
        disk: dest.parent().and_then(|dir| File::open(dir).ok()),
        is_over,
    };
    let written = writer.entry(CWD, dest, root, 0);
    if written.is_err() {
        // The error that is told is the first one.
        let _ = std::fs::remove_dir_all(dest).or_else(|_| std::fs::remove_file(dest));
    }
    written
}

/// One tree on its way out, and what it may still come to.
struct Writer<'a> {
    core: &'a Core,
    bytes_left: u64,
    entries_left: u64,
    /// Written since the disk was looked at.
    unlooked_bytes: u64,
    /// Some directory of the disk that is written to.
    disk: Option<File>,
    is_over: &'a AtomicBool,
}

/// Between two looks at how much room the disk has.
const LOOK_BYTES: u64 = 16 << 20;
/// What an entry takes of a disk, about, beside its bytes.
const ENTRY_BYTES: u64 = 4 << 10;

impl Writer<'_> {
    /// Writes what a CID names as `name` in a directory. Everything is made new and nothing that
    /// is there is followed or written over.
    fn entry(
        &mut self,
        dir: impl AsFd,
        name: &Path,
        cid: &Cid,
        depth: usize,
    ) -> Result<(), ContentError> {
        let failed = |e: rustix::io::Errno| match e {
            rustix::io::Errno::EXIST => {
                malformed("a directory", format!("the name '{}' is there twice", name.display()))
            }
            other => io_error(format!("writing {}", name.display()), other),
        };
        self.entries_left = self.entries_left.checked_sub(1).ok_or_else(|| self.too_large())?;
        self.look(ENTRY_BYTES)?;
        match self.node(cid)? {
            Parsed::File(file) => {
                // Smaller ones are looked at together.
                if file.size > LOOK_BYTES {
                    self.fits(file.size)?;
                }
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                let mode = Mode::from_raw_mode(0o444 | (file.mode.unwrap_or(0) & 0o555));
                let out = openat(dir, name, flags, mode).map_err(failed)?;
                // Whatever the process's mask: a job runs as another user.
                fchmod(&out, mode).map_err(failed)?;
                self.file(&mut File::from(out), file, 0)
            }
            Parsed::Symlink(target) => symlinkat(target, dir, name).map_err(failed),
            directory @ (Parsed::Directory(..) | Parsed::Shard(..)) => {
                if depth >= self.core.config.path_depth_max {
                    let why = format!("it is deeper than {} directories", depth);
                    return Err(malformed(format!("the tree above {cid}"), why));
                }
                let mode = Mode::from_raw_mode(0o755);
                mkdirat(&dir, name, mode).map_err(failed)?;
                let inner = openat(dir, name, DIRECTORY, Mode::empty()).map_err(failed)?;
                fchmod(&inner, mode).map_err(failed)?;
                self.directory(&inner, cid, directory, depth)
            }
        }
    }

    fn directory(
        &mut self,
        dir: &OwnedFd,
        cid: &Cid,
        directory: Parsed,
        depth: usize,
    ) -> Result<(), ContentError> {
        for link in entries(self.core, None, cid, directory).map_err(missing)? {
            name::check(&link.name)?;
            self.entry(dir, Path::new(&link.name), &link.cid, depth + 1)?;
        }
        Ok(())
    }

    fn file(&mut self, out: &mut File, node: FileNode, depth: usize) -> Result<(), ContentError> {
        if depth > FILE_DEPTH_MAX {
            return Err(malformed("a file", "its tree is too deep"));
        }
        let inline = node.data.len() as u64;
        self.bytes_left = self.bytes_left.checked_sub(inline).ok_or_else(|| self.too_large())?;
        self.look(inline)?;
        out.write_all(&node.data).map_err(|e| io_error("writing a file of a tree", e))?;
        // What is empty is not looked at: a few blocks could name it more often than time allows.
        for (cid, size) in node.children.into_iter().filter(|(_, size)| *size > 0) {
            let child = self.node(&cid)?.into_part(&cid, size)?;
            self.file(out, child, depth + 1)?;
        }
        Ok(())
    }

    /// Before so much is written: whether it is still wanted, and, now and then, whether the disk
    /// has room for it. Small blocks can name a tree that is larger than any disk.
    fn look(&mut self, bytes: u64) -> Result<(), ContentError> {
        if self.is_over.load(Ordering::Relaxed) {
            let why = std::io::Error::from(std::io::ErrorKind::Interrupted);
            return Err(io_error("writing a tree that nobody wants any more", why));
        }
        self.unlooked_bytes = self.unlooked_bytes.saturating_add(bytes);
        if self.unlooked_bytes < LOOK_BYTES {
            return Ok(());
        }
        self.unlooked_bytes = 0;
        self.fits(LOOK_BYTES)
    }

    /// Whether the disk has room for so much.
    fn fits(&self, bytes: u64) -> Result<(), ContentError> {
        // A file system that does not say is one that is written to until it refuses.
        let disk = self.disk.as_ref().and_then(|dir| rustix::fs::fstatvfs(dir).ok());
        let Some(disk) = disk else { return Ok(()) };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let reserve = self.core.config.disk_reserve_bytes;
        if free >= reserve.saturating_add(bytes) {
            return Ok(());
        }
        let why = format!(
            "{bytes} bytes are to be written to a disk that has {free} left, of which {reserve} \
             stay free (content.disk_reserve_bytes)"
        );
        Err(ContentError::Full { why })
    }

    fn node(&self, cid: &Cid) -> Result<Parsed, ContentError> {
        node(self.core, None, cid).map_err(missing)
    }

    fn too_large(&self) -> ContentError {
        let config = &self.core.config;
        let (bytes, entries) = (config.tree_bytes_max, config.tree_entries_max);
        let why = format!("a tree may come to {bytes} bytes and {entries} entries when written");
        ContentError::Full { why }
    }
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn missing(halt: Halt) -> ContentError {
    match halt {
        Halt::Failed(error) => error,
        Halt::Need(cids) => match cids.first() {
            Some(cid) => ContentError::Missing { cid: *cid, asked: 0, waited_ms: 0 },
            None => malformed("a tree", "it lacks blocks"),
        },
    }
}
