//! What a guest does with what it has open.

use super::content::SIZE_MAX;
use super::fault::Fault;
use super::overlay::NodeId;
use super::table::{Descriptor, Handle};
use super::{Stat, Vfs};
use crate::wasi::abi::{Errno, FileType, fdflags, rights};

/// What a position counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whence {
    /// The file's beginning.
    Start,
    /// Where it is.
    Current,
    /// The file's end.
    End,
}

/// What a descriptor is and may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FdStat {
    pub(crate) kind: FileType,
    pub(crate) flags: u16,
    pub(crate) rights: u64,
    pub(crate) inheriting: u64,
}

impl Vfs {
    /// Reads on, or at a place of a file.
    ///
    /// # Errors
    /// `EBADF`, `EISDIR`, `ENOTCAPABLE`, `ESPIPE`; `Broken` when the host fails.
    pub(crate) fn read(
        &mut self,
        fd: u32,
        at: Option<u64>,
        buffer: &mut [u8],
    ) -> Result<usize, Fault> {
        let descriptor = self.table.get_mut(fd)?;
        let offset = at.unwrap_or(descriptor.offset);
        let read = match &descriptor.handle {
            Handle::Dir(_) => return Err(Errno::Isdir.into()),
            Handle::Stdin | Handle::Stream(_) if at.is_some() => return Err(Errno::Spipe.into()),
            Handle::Stdin => 0,
            Handle::Stream(_) => return Err(Errno::Notcapable.into()),
            Handle::InputFile { file, .. } => {
                descriptor.need(rights::FD_READ)?;
                file.read_at(offset, buffer)?
            }
            Handle::OutputFile(id) => {
                descriptor.need(rights::FD_READ)?;
                let (content, room) = self.overlay.content(*id)?;
                content.read_at(room, offset, buffer)?
            }
        };
        if at.is_none() {
            descriptor.offset = offset + read as u64;
        }
        Ok(read)
    }

    /// Writes on, or at a place of a file; says how many bytes there was room for.
    ///
    /// # Errors
    /// As [`Vfs::read`], and `ENOSPC` and `EFBIG`.
    pub(crate) fn write(&mut self, fd: u32, at: Option<u64>, bytes: &[u8]) -> Result<usize, Fault> {
        let descriptor = self.table.get_mut(fd)?;
        let id = match &descriptor.handle {
            Handle::Dir(_) => return Err(Errno::Isdir.into()),
            Handle::Stdin | Handle::Stream(_) if at.is_some() => return Err(Errno::Spipe.into()),
            Handle::Stdin | Handle::InputFile { .. } => return Err(Errno::Notcapable.into()),
            Handle::Stream(stream) => {
                descriptor.need(rights::FD_WRITE)?;
                if !bytes.is_empty() {
                    self.sink.write(*stream, bytes);
                }
                return Ok(bytes.len());
            }
            Handle::OutputFile(id) => *id,
        };
        descriptor.need(rights::FD_WRITE)?;
        let (content, room) = self.overlay.content(id)?;
        let offset = match at {
            Some(at) => at,
            None if descriptor.flags & fdflags::APPEND != 0 => content.size(),
            None => descriptor.offset,
        };
        let written = content.write_at(room, offset, bytes)?;
        if at.is_none() {
            descriptor.offset = offset + written as u64;
        }
        Ok(written)
    }

    /// Moves to a place in a file, and says where that is.
    ///
    /// # Errors
    /// `EBADF`, `EISDIR`, `ESPIPE`; `EINVAL` for a place before its beginning, `EOVERFLOW` for one
    /// beyond the end that any file may have.
    pub(crate) fn seek(&mut self, fd: u32, by: i64, whence: Whence) -> Result<u64, Fault> {
        let size = self.size_of(fd)?;
        let descriptor = self.table.get_mut(fd)?;
        descriptor.need(rights::FD_SEEK)?;
        let from = match whence {
            Whence::Start => 0,
            Whence::Current => descriptor.offset,
            Whence::End => size,
        };
        let to = match u64::try_from(i128::from(from) + i128::from(by)) {
            Ok(to) if to <= SIZE_MAX => to,
            Ok(_) => return Err(Errno::Overflow.into()),
            Err(_) => return Err(if by < 0 { Errno::Inval } else { Errno::Overflow }.into()),
        };
        descriptor.offset = to;
        Ok(to)
    }

    /// Where a file is.
    ///
    /// # Errors
    /// As [`Vfs::seek`].
    pub(crate) fn tell(&self, fd: u32) -> Result<u64, Fault> {
        self.size_of(fd)?;
        let descriptor = self.table.get(fd)?;
        descriptor.need(rights::FD_TELL)?;
        Ok(descriptor.offset)
    }

    fn size_of(&self, fd: u32) -> Result<u64, Fault> {
        match &self.table.get(fd)?.handle {
            Handle::Dir(_) => Err(Errno::Isdir.into()),
            Handle::Stdin | Handle::Stream(_) => Err(Errno::Spipe.into()),
            Handle::InputFile { file, .. } => Ok(file.size()),
            Handle::OutputFile(id) => Ok(self.overlay.stat(*id)?.size),
        }
    }

    /// What a guest may know of what is open.
    ///
    /// # Errors
    /// `EBADF`, `ENOTCAPABLE`.
    pub(crate) fn stat_fd(&self, fd: u32) -> Result<Stat, Fault> {
        let descriptor = self.table.get(fd)?;
        descriptor.need(rights::FD_FILESTAT_GET)?;
        match &descriptor.handle {
            Handle::Stdin | Handle::Stream(_) => {
                Ok(Stat { ino: 0, kind: FileType::Unknown, size: 0 })
            }
            Handle::InputFile { file, ino } => {
                Ok(Stat { ino: *ino, kind: FileType::File, size: file.size() })
            }
            Handle::OutputFile(id) => self.overlay.stat(*id),
            Handle::Dir(dir) => dir.place.stat(&self.overlay),
        }
    }

    /// Cuts a file off, or adds zeros to it.
    ///
    /// # Errors
    /// `EBADF`, `ENOTCAPABLE`, `EINVAL` for a directory; `ENOSPC`, `EFBIG`.
    pub(crate) fn set_size(&mut self, fd: u32, size: u64) -> Result<(), Fault> {
        let id = self.written_file(fd, rights::FD_FILESTAT_SET_SIZE)?;
        let (content, room) = self.overlay.content(id)?;
        content.set_size(room, size)
    }

    /// Sees to it that a file has at least so many bytes.
    ///
    /// # Errors
    /// As [`Vfs::set_size`].
    pub(crate) fn allocate(&mut self, fd: u32, offset: u64, length: u64) -> Result<(), Fault> {
        let id = self.written_file(fd, rights::FD_ALLOCATE)?;
        let end = offset.checked_add(length).ok_or(Errno::Fbig)?;
        let (content, room) = self.overlay.content(id)?;
        if end > content.size() { content.set_size(room, end) } else { Ok(()) }
    }

    fn written_file(&self, fd: u32, right: u64) -> Result<NodeId, Fault> {
        let descriptor = self.table.get(fd)?;
        match &descriptor.handle {
            Handle::OutputFile(id) => {
                descriptor.need(right)?;
                Ok(*id)
            }
            Handle::InputFile { .. } => Err(Errno::Rofs.into()),
            Handle::Stdin | Handle::Stream(_) | Handle::Dir(_) => Err(Errno::Inval.into()),
        }
    }

    /// Whether something is open, and has a right: for calls that have nothing else to do.
    ///
    /// # Errors
    /// `EBADF`, `ENOTCAPABLE`; `EINVAL` where only a file has the right.
    pub(crate) fn check(&self, fd: u32, right: u64) -> Result<(), Fault> {
        let descriptor = self.table.get(fd)?;
        match descriptor.kind() {
            FileType::Directory | FileType::Unknown if right & rights::OF_FILES_ONLY != 0 => {
                Err(Errno::Inval.into())
            }
            FileType::Directory | FileType::Unknown | FileType::File | FileType::Symlink => {
                descriptor.need(right)
            }
        }
    }

    /// Whether something is open at all.
    pub(crate) fn is_open(&self, fd: u32) -> bool {
        self.table.get(fd).is_ok()
    }

    /// What a descriptor is and may do.
    ///
    /// # Errors
    /// `EBADF`.
    pub(crate) fn fdstat(&self, fd: u32) -> Result<FdStat, Fault> {
        let Descriptor { flags, rights, inheriting, .. } = *self.table.get(fd)?;
        Ok(FdStat { kind: self.table.get(fd)?.kind(), flags, rights, inheriting })
    }

    /// Changes a descriptor's flags; only appending means something.
    ///
    /// # Errors
    /// `EBADF`, `EINVAL`, `ENOTCAPABLE`.
    pub(crate) fn set_flags(&mut self, fd: u32, flags: u16) -> Result<(), Fault> {
        if flags & !fdflags::ALL != 0 {
            return Err(Errno::Inval.into());
        }
        let descriptor = self.table.get_mut(fd)?;
        descriptor.need(rights::FD_FDSTAT_SET_FLAGS)?;
        descriptor.flags = flags;
        Ok(())
    }

    /// Takes rights away.
    ///
    /// # Errors
    /// `EBADF`; `ENOTCAPABLE` for rights that it has not.
    pub(crate) fn set_rights(
        &mut self,
        fd: u32,
        rights: u64,
        inheriting: u64,
    ) -> Result<(), Fault> {
        let descriptor = self.table.get_mut(fd)?;
        if rights & !descriptor.rights != 0 || inheriting & !descriptor.inheriting != 0 {
            return Err(Errno::Notcapable.into());
        }
        (descriptor.rights, descriptor.inheriting) = (rights, inheriting);
        Ok(())
    }

    /// The path of a directory that the guest had from the start.
    ///
    /// # Errors
    /// `EBADF` for anything else: the guest looks for the end of them.
    pub(crate) fn preopen(&self, fd: u32) -> Result<&str, Fault> {
        match &self.table.get(fd)?.handle {
            Handle::Dir(dir) => Ok(dir.preopen.as_deref().ok_or(Errno::Badf)?),
            Handle::Stdin
            | Handle::Stream(_)
            | Handle::InputFile { .. }
            | Handle::OutputFile(_) => Err(Errno::Badf.into()),
        }
    }
}
