//! What a guest does with names.

use super::fault::Fault;
use super::paths::{Follow, Found, resolve};
use super::table::Handle;
use super::{Stat, TARGET_MAX_BYTES, Vfs};
use crate::wasi::abi::{Errno, FileType, rights};

impl Vfs {
    /// Writes the entries of a directory from a place on, and says how many bytes those were.
    ///
    /// # Errors
    /// `EBADF`, `ENOTDIR`, `ENOTCAPABLE`, `ENOMEM`; `Broken` when an input cannot be read.
    pub(crate) fn read_dir(
        &mut self,
        fd: u32,
        cookie: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Fault> {
        self.table.dir(fd, rights::FD_READDIR)?;
        let Handle::Dir(dir) = &mut self.table.get_mut(fd)?.handle else {
            return Err(Errno::Notdir.into());
        };
        self.kill.check()?;
        if cookie == 0 {
            self.listings.forget(dir.listing.take());
        }
        let listing = match dir.listing.take() {
            Some(listing) => listing,
            None => self.listings.list(&self.overlay, &self.kill, &dir.place)?,
        };
        Ok(dir.listing.insert(listing).write(cookie, buffer))
    }

    /// What a guest may know of what a path leads to.
    ///
    /// # Errors
    /// As those of paths.
    pub(crate) fn stat(&self, fd: u32, path: &str, follow: bool) -> Result<Stat, Fault> {
        let found = self.find(fd, path, Follow::asked(follow), rights::PATH_FILESTAT_GET)?;
        found.existing(&self.overlay)?.stat(&self.overlay)
    }

    /// Whether the times of what a path leads to could be set: they are always 0.
    ///
    /// # Errors
    /// As those of paths.
    pub(crate) fn set_times(&self, fd: u32, path: &str, follow: bool) -> Result<(), Fault> {
        let found = self.find(fd, path, Follow::asked(follow), rights::PATH_FILESTAT_SET_TIMES)?;
        found.existing(&self.overlay).map(|_| ())
    }

    /// Where a link points.
    ///
    /// # Errors
    /// `EINVAL` for what is no link, and as those of paths.
    pub(crate) fn read_link(&self, fd: u32, path: &str) -> Result<String, Fault> {
        let found = self.find(fd, path, Follow::BeforeSlash, rights::PATH_READLINK)?;
        let place = found.existing(&self.overlay)?;
        Ok(place.target(&self.overlay)?.ok_or(Errno::Inval)?.to_owned())
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// `EEXIST`, `EROFS`, `ENOSPC`, and as those of paths.
    pub(crate) fn make_dir(&mut self, fd: u32, path: &str) -> Result<(), Fault> {
        let found = self.find(fd, path, Follow::None, rights::PATH_CREATE_DIRECTORY)?;
        if found.target.is_some() {
            return Err(Errno::Exist.into());
        }
        self.overlay.create_dir(found.dir.output()?, &found.name).map(|_| ())
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `ENOTEMPTY`, `ENOTDIR` (for a link too, whatever it leads to), `EROFS`, and as those of
    /// paths; `EINVAL` for `.`.
    pub(crate) fn remove_dir(&mut self, fd: u32, path: &str) -> Result<(), Fault> {
        let found = self.find(fd, path, Follow::None, rights::PATH_REMOVE_DIRECTORY)?;
        if found.is_dot() {
            return Err(Errno::Inval.into());
        }
        found.target.ok_or(Errno::Noent)?;
        self.overlay.remove_dir(found.dir.output()?, &found.name)
    }

    /// Takes the name of a file or link away.
    ///
    /// # Errors
    /// `EISDIR`, `EROFS`, and as those of paths.
    pub(crate) fn unlink(&mut self, fd: u32, path: &str) -> Result<(), Fault> {
        let found = self.find(fd, path, Follow::None, rights::PATH_UNLINK_FILE)?;
        let target = found.target.as_ref().ok_or(Errno::Noent)?;
        let is_dir = target.kind(&self.overlay)? == FileType::Directory;
        let dir = found.dir.output()?;
        match (is_dir, found.wants_dir) {
            (true, _) => Err(Errno::Isdir.into()),
            (false, true) => Err(Errno::Notdir.into()),
            (false, false) => self.overlay.unlink(dir, &found.name),
        }
    }

    /// Gives something another name.
    ///
    /// # Errors
    /// `EROFS` where either is an input's, those of [`super::overlay::Overlay::rename`], and as
    /// those of paths; `EINVAL` for `.`.
    pub(crate) fn rename(
        &mut self,
        (from_fd, old): (u32, &str),
        (to_fd, new): (u32, &str),
    ) -> Result<(), Fault> {
        let from = self.find(from_fd, old, Follow::None, rights::PATH_RENAME_SOURCE)?;
        let to = self.find(to_fd, new, Follow::None, rights::PATH_RENAME_TARGET)?;
        if from.is_dot() || to.is_dot() {
            return Err(Errno::Inval.into());
        }
        let source = from.target.as_ref().ok_or(Errno::Noent)?;
        let (old_dir, new_dir) = (from.dir.output()?, to.dir.output()?);
        let is_dir = source.kind(&self.overlay)? == FileType::Directory;
        if !is_dir && (from.wants_dir || to.wants_dir) {
            return Err(Errno::Notdir.into());
        }
        self.overlay.rename((old_dir, &from.name), (new_dir, &to.name))
    }

    /// Makes a link. What it points to is looked at when it is followed; that it begins with a
    /// slash leads out for sure.
    ///
    /// # Errors
    /// `EEXIST`, `EROFS`, `ENOSPC`, `ENOTCAPABLE`, `ENAMETOOLONG` for a target that not every file
    /// system could hold, and as those of paths.
    pub(crate) fn symlink(&mut self, target: &str, fd: u32, path: &str) -> Result<(), Fault> {
        let found = self.find(fd, path, Follow::None, rights::PATH_SYMLINK)?;
        let errno = match target {
            "" => Errno::Noent,
            _ if target.starts_with('/') => Errno::Notcapable,
            _ if target.len() > TARGET_MAX_BYTES => Errno::Nametoolong,
            _ if target.contains('\0') => Errno::Inval,
            _ if found.target.is_some() => Errno::Exist,
            _ if found.wants_dir => Errno::Noent,
            _ => {
                let dir = found.dir.output()?;
                return self.overlay.create_link(dir, &found.name, target).map(|_| ());
            }
        };
        Err(errno.into())
    }

    fn find(&self, fd: u32, path: &str, follow: Follow, right: u64) -> Result<Found, Fault> {
        let dir = self.table.dir(fd, right)?;
        resolve(&self.overlay, &self.kill, &dir.place, path, follow)
    }
}
