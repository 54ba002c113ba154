//! Opening what a path leads to.

use gadus_ports::InputNode;

use super::Vfs;
use super::fault::Fault;
use super::overlay::{Kind, NodeId};
use super::paths::{Follow, Found, resolve};
use super::place::Place;
use super::table::{Descriptor, Handle, OpenDir};
use crate::wasi::abi::{Errno, FileType, fdflags, oflags, rights};

/// How something is to be opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenAs {
    /// A link at the end of the path is followed.
    pub(crate) follow: bool,
    /// [`oflags`].
    pub(crate) oflags: u16,
    /// What is asked for: of a file, reading and writing matter.
    pub(crate) rights: u64,
    /// [`fdflags`].
    pub(crate) flags: u16,
}

impl OpenAs {
    fn has(self, flag: u16) -> bool {
        self.oflags & flag != 0
    }

    fn writes(self) -> bool {
        self.rights & rights::FD_WRITE != 0 || self.has(oflags::TRUNCATE)
    }
}

impl Vfs {
    /// Opens what a path leads to, or makes a file there, and says its number.
    ///
    /// # Errors
    /// As WASI has it; [`Fault::Broken`] when the host fails.
    pub(crate) fn open(&mut self, fd: u32, path: &str, how: OpenAs) -> Result<u32, Fault> {
        let dir = self.table.dir(fd, rights::PATH_OPEN)?;
        let (given, inherited) = (self.table.get(fd)?.rights, self.table.get(fd)?.inheriting);
        if how.oflags & !oflags::ALL != 0 || how.flags & !fdflags::ALL != 0 {
            return Err(Errno::Inval.into());
        }
        if how.rights & rights::ALL & !(inherited | given) != 0 {
            return Err(Errno::Notcapable.into());
        }
        let follow = how.follow && !(how.has(oflags::CREATE) && how.has(oflags::EXCLUSIVE));
        if how.has(oflags::TRUNCATE) && given & rights::PATH_FILESTAT_SET_SIZE == 0 {
            return Err(Errno::Notcapable.into());
        }
        let follow = Follow::asked(follow);
        let found = resolve(&self.overlay, &self.kill, &dir.place, path, follow)?;
        self.table.check_room()?;
        let handle = match &found.target {
            Some(_) if how.has(oflags::CREATE) && how.has(oflags::EXCLUSIVE) => {
                return Err(Errno::Exist.into());
            }
            Some(_) => self.open_existing(found, how)?,
            None if how.has(oflags::CREATE) => self.create(&found, how, given)?,
            None => return Err(Errno::Noent.into()),
        };
        let kept = match &handle {
            Handle::Dir(_) => given & inherited & rights::OF_DIRECTORIES,
            Handle::Stdin
            | Handle::Stream(_)
            | Handle::InputFile { .. }
            | Handle::OutputFile(_) => of_file(how.rights) & inherited,
        };
        let mut descriptor = Descriptor::new(handle, kept, inherited);
        descriptor.flags = how.flags;
        if let Handle::OutputFile(id) = &descriptor.handle {
            self.overlay.hold(*id);
        }
        if let Handle::Dir(OpenDir { place: Place::Output(id), .. }) = &descriptor.handle {
            self.overlay.hold(*id);
        }
        self.table.add(descriptor)
    }

    fn open_existing(&mut self, found: Found, how: OpenAs) -> Result<Handle, Fault> {
        let place = found.existing(&self.overlay)?;
        match place.kind(&self.overlay)? {
            FileType::Directory => {
                if how.writes() {
                    return Err(Errno::Isdir.into());
                }
                return Ok(Handle::Dir(OpenDir { place, preopen: None, listing: None }));
            }
            FileType::Symlink => return Err(Errno::Loop.into()),
            FileType::File | FileType::Unknown => {}
        }
        if how.has(oflags::DIRECTORY) {
            return Err(Errno::Notdir.into());
        }
        match place {
            Place::Output(id) => self.open_output(id, how),
            Place::Input(place) => {
                if how.writes() {
                    return Err(Errno::Rofs.into());
                }
                match place.node {
                    InputNode::File(file) => Ok(Handle::InputFile { file, ino: place.ino }),
                    InputNode::Directory(_) | InputNode::Symlink(_) => Err(Errno::Inval.into()),
                }
            }
        }
    }

    fn open_output(&mut self, id: NodeId, how: OpenAs) -> Result<Handle, Fault> {
        if how.has(oflags::TRUNCATE)
            && let Kind::File(_) = self.overlay.kind(id)?
        {
            let (content, room) = self.overlay.content(id)?;
            content.set_size(room, 0)?;
        }
        Ok(Handle::OutputFile(id))
    }

    fn create(&mut self, found: &Found, how: OpenAs, given: u64) -> Result<Handle, Fault> {
        let dir = found.dir.output()?;
        if given & rights::PATH_CREATE_FILE == 0 {
            return Err(Errno::Notcapable.into());
        }
        if how.has(oflags::DIRECTORY) {
            return Err(Errno::Inval.into());
        }
        if found.wants_dir {
            return Err(Errno::Isdir.into());
        }
        Ok(Handle::OutputFile(self.overlay.create_file(dir, &found.name)?))
    }

    /// Closes a descriptor.
    ///
    /// # Errors
    /// `EBADF`.
    pub(crate) fn close(&mut self, fd: u32) -> Result<(), Fault> {
        let closed = self.table.remove(fd)?;
        self.let_go(closed);
        Ok(())
    }

    /// Gives a descriptor the number of another, which is closed.
    ///
    /// # Errors
    /// `EBADF` when either is not open.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        if let Some(closed) = self.table.renumber(from, to)? {
            self.let_go(closed);
        }
        Ok(())
    }

    fn let_go(&mut self, closed: Descriptor) {
        match closed.handle {
            Handle::OutputFile(id) => self.overlay.release(id),
            Handle::Dir(dir) => {
                self.listings.forget(dir.listing);
                if let Place::Output(id) = dir.place
                    && dir.preopen.is_none()
                {
                    self.overlay.release(id);
                }
            }
            Handle::InputFile { .. } | Handle::Stdin | Handle::Stream(_) => {}
        }
    }
}

/// What a file gives: what was asked for, and what goes with it.
fn of_file(asked: u64) -> u64 {
    let mut kept = rights::OF_ANY_FILE | asked & rights::FD_READ;
    if asked & rights::FD_WRITE != 0 {
        kept |= rights::OF_WRITING;
    }
    kept
}
