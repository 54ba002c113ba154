//! Directories of this machine, walked by descriptors: no link is ever followed, and nothing but
//! regular files is ever opened, whatever whoever wrote them does meanwhile.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use gadus_ports::ContentError;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, readlinkat, statat};

use super::links::Links;
use super::{Budget, Importer, link};
use crate::error::io_error;
use crate::unixfs::Built;
use crate::unixfs::name;
use crate::unixfs::node::Link;

/// How to say that something cannot be taken: (path, why).
pub(crate) type Refuse = fn(String, String) -> ContentError;

/// One walk.
pub(crate) struct Walk<'a> {
    pub(crate) importer: &'a Importer,
    pub(crate) budget: &'a mut Budget,
    pub(crate) refuse: Refuse,
    pub(crate) depth_max: usize,
    /// The links that were met, as they stand.
    pub(crate) links: Links,
    device: u64,
    /// Names from the root to where the walk is.
    path: Vec<String>,
}

const NEVER_FOLLOW: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NOCTTY);

impl<'a> Walk<'a> {
    pub(crate) fn new(
        importer: &'a Importer,
        budget: &'a mut Budget,
        refuse: Refuse,
        depth_max: usize,
    ) -> Self {
        let (links, path) = (Links::default(), Vec::new());
        Self { importer, budget, refuse, depth_max, links, device: 0, path }
    }

    /// Imports what stands at `path`, from the directory `dir`, itself not followed if it is a
    /// link. `shown` stands for it in messages.
    pub(crate) fn root(
        &mut self,
        dir: impl AsFd,
        path: &Path,
        shown: &str,
    ) -> Result<Built, ContentError> {
        let found = statat(&dir, path, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|e| io_error(format!("looking at {}", path.display()), e))?;
        self.device = found.st_dev;
        self.path = vec![shown.to_owned()];
        self.links.back_to(0);
        self.entry(dir, path, FileType::from_raw_mode(found.st_mode))
    }

    /// The directory at `path`, opened; `None` when there is none.
    pub(crate) fn entries_of(
        &mut self,
        path: &Path,
        shown: &str,
    ) -> Result<Option<Vec<Link>>, ContentError> {
        self.path = vec![shown.to_owned()];
        self.links.back_to(0);
        let dir = match openat(CWD, path, NEVER_FOLLOW | OFlags::DIRECTORY, Mode::empty()) {
            Ok(dir) => dir,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR) => {
                return Err(self.refused("is not a directory"));
            }
            Err(errno) => return Err(self.failed("opening", errno)),
        };
        self.device = fstat(&dir).map_err(|e| self.failed("looking at", e))?.st_dev;
        self.entries(dir).map(Some)
    }

    fn entries(&mut self, dir: OwnedFd) -> Result<Vec<Link>, ContentError> {
        if self.path.len() > self.depth_max {
            let why = format!("lies deeper than {} directories", self.depth_max);
            return Err(self.refused(&why));
        }
        let mut links = Vec::new();
        let listing = Dir::read_from(&dir).map_err(|e| self.failed("listing", e))?;
        for entry in listing {
            let entry = entry.map_err(|e| self.failed("listing", e))?;
            let bytes = entry.file_name().to_bytes();
            if matches!(bytes, b"." | b"..") {
                continue;
            }
            let Ok(name) = str::from_utf8(bytes) else {
                self.path.push(bytes.escape_ascii().to_string());
                return Err(self.refused("has a name that is not UTF-8"));
            };
            name::check(name)?;
            self.path.push(name.to_owned());
            let built = self.entry(dir.as_fd(), Path::new(name), entry.file_type())?;
            self.path.pop();
            self.links.back_to(self.path.len());
            links.push(link(name.to_owned(), built));
        }
        Ok(links)
    }

    fn entry(
        &mut self,
        dir: impl AsFd,
        name: &Path,
        kind: FileType,
    ) -> Result<Built, ContentError> {
        self.budget.take_entry()?;
        let mut kind = kind;
        if kind == FileType::Unknown {
            // Some file systems leave it out of the listing.
            let found = statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW);
            kind =
                FileType::from_raw_mode(found.map_err(|e| self.failed("looking at", e))?.st_mode);
        }
        match kind {
            FileType::RegularFile => self.file(dir, name),
            FileType::Directory => {
                let inner = self.open(dir, name, OFlags::DIRECTORY)?;
                let mode = self.mode(&inner)?;
                let entries = self.entries(inner)?;
                self.importer.directory(entries, mode)
            }
            FileType::Symlink => self.symlink(dir, name),
            FileType::Fifo => Err(self.refused("is a FIFO")),
            FileType::Socket => Err(self.refused("is a socket")),
            FileType::CharacterDevice | FileType::BlockDevice => Err(self.refused("is a device")),
            FileType::Unknown => Err(self.refused("is of an unknown kind")),
        }
    }

    /// Opens an entry and sees to it that it lies on the root's file system.
    fn open(&self, dir: impl AsFd, name: &Path, kind: OFlags) -> Result<OwnedFd, ContentError> {
        // Non-blocking: should a FIFO have taken the file's place, opening it must not hang.
        let flags = NEVER_FOLLOW | OFlags::NONBLOCK | kind;
        let opened = match openat(dir, name, flags, Mode::empty()) {
            Ok(opened) => opened,
            Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => {
                return Err(self.refused("cannot be read: permission denied"));
            }
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR) => {
                return Err(self.refused("changed while it was read"));
            }
            Err(errno) => return Err(self.failed("opening", errno)),
        };
        let found = fstat(&opened).map_err(|e| self.failed("looking at", e))?;
        if found.st_dev != self.device {
            return Err(self.refused("lies on another file system"));
        }
        let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
        if kind.is_empty() && !is_file {
            return Err(self.refused("changed while it was read"));
        }
        Ok(opened)
    }

    fn file(&mut self, dir: impl AsFd, name: &Path) -> Result<Built, ContentError> {
        let mut file = File::from(self.open(dir, name, OFlags::empty())?);
        let length = file.metadata().map_err(|e| self.failed("looking at", e))?.len();
        let mode = self.mode(&file)?;
        // A sparse file counts by its length, before a byte of it is read.
        let mut whole = *self.budget;
        whole.take_bytes(length)?;
        self.importer.file(&mut file, mode, self.budget)
    }

    /// Permissions, where they are wanted.
    fn mode(&self, opened: impl AsFd) -> Result<Option<u32>, ContentError> {
        if !self.importer.keeps_modes() {
            return Ok(None);
        }
        let found = fstat(opened).map_err(|e| self.failed("looking at", e))?;
        Ok(Some(found.st_mode & 0o7777))
    }

    fn symlink(&mut self, dir: impl AsFd, name: &Path) -> Result<Built, ContentError> {
        let target = readlinkat(dir, name, Vec::new()).map_err(|e| self.failed("reading", e))?;
        let Ok(target) = target.into_string() else {
            return Err(self.refused("is a link whose target is not UTF-8"));
        };
        let built = self.importer.symlink(target.as_bytes())?;
        self.links.add(&self.path, target);
        Ok(built)
    }

    fn refused(&self, why: &str) -> ContentError {
        (self.refuse)(self.path.join("/"), why.to_owned())
    }

    fn failed(&self, doing: &str, error: impl Into<io::Error>) -> ContentError {
        io_error(format!("{doing} {}", self.path.join("/")), error)
    }
}
