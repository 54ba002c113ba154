//! A guest's descriptors.

use std::sync::Arc;

use gadus_ports::{InputFile, StdStream};

use super::fault::Fault;
use super::listing::Listing;
use super::overlay::NodeId;
use super::place::Place;
use crate::wasi::abi::{Errno, FileType, rights};

/// Descriptors by number. The lowest free number is given out first.
pub(super) struct Table {
    descriptors: Vec<Option<Descriptor>>,
    open: usize,
    open_max: usize,
}

/// An open file, directory or stream.
pub(super) struct Descriptor {
    pub(super) handle: Handle,
    pub(super) rights: u64,
    pub(super) inheriting: u64,
    pub(super) flags: u16,
    /// Where the next byte of a file is read or written.
    pub(super) offset: u64,
}

/// What is open.
pub(super) enum Handle {
    /// Empty.
    Stdin,
    Stream(StdStream),
    InputFile {
        file: Arc<dyn InputFile>,
        ino: u64,
    },
    OutputFile(NodeId),
    Dir(OpenDir),
}

/// An open directory.
pub(super) struct OpenDir {
    pub(super) place: Place,
    /// Its path, if the guest had it from the start.
    pub(super) preopen: Option<String>,
    /// Its entries as they were when they were last read from the beginning.
    pub(super) listing: Option<Listing>,
}

impl Table {
    /// Standard streams alone; so many more may be opened, those that are there from the start not
    /// counted.
    pub(super) fn new(open_max: usize) -> Self {
        let streams = [
            (Handle::Stdin, rights::FD_READ),
            (Handle::Stream(StdStream::Stdout), rights::FD_WRITE),
            (Handle::Stream(StdStream::Stderr), rights::FD_WRITE),
        ];
        let always =
            rights::FD_FDSTAT_SET_FLAGS | rights::FD_FILESTAT_GET | rights::POLL_FD_READWRITE;
        let descriptors: Vec<_> = streams
            .into_iter()
            .map(|(handle, right)| Some(Descriptor::new(handle, right | always, 0)))
            .collect();
        Self { open: descriptors.len(), open_max: open_max + descriptors.len(), descriptors }
    }

    /// Adds a directory that the guest has from the start.
    pub(super) fn preopen(&mut self, guest: String, place: Place) {
        let dir = OpenDir { place, preopen: Some(guest), listing: None };
        let descriptor = Descriptor::new(Handle::Dir(dir), rights::OF_DIRECTORIES, rights::ALL);
        self.descriptors.push(Some(descriptor));
        self.open += 1;
        self.open_max += 1;
    }

    /// Whether there is room for another.
    ///
    /// # Errors
    /// `ENFILE`.
    pub(super) fn check_room(&self) -> Result<(), Fault> {
        if self.open < self.open_max { Ok(()) } else { Err(Errno::Nfile.into()) }
    }

    /// Adds one, and says its number.
    ///
    /// # Errors
    /// `ENFILE`.
    pub(super) fn add(&mut self, descriptor: Descriptor) -> Result<u32, Fault> {
        self.check_room()?;
        let free = self.descriptors.iter().position(Option::is_none);
        let at = free.unwrap_or(self.descriptors.len());
        match self.descriptors.get_mut(at) {
            Some(slot) => *slot = Some(descriptor),
            None => self.descriptors.push(Some(descriptor)),
        }
        self.open += 1;
        Ok(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// One by its number.
    ///
    /// # Errors
    /// `EBADF`.
    pub(super) fn get(&self, fd: u32) -> Result<&Descriptor, Fault> {
        let slot = self.descriptors.get(fd as usize).and_then(Option::as_ref);
        Ok(slot.ok_or(Errno::Badf)?)
    }

    /// One by its number, to be changed.
    ///
    /// # Errors
    /// `EBADF`.
    pub(super) fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor, Fault> {
        let slot = self.descriptors.get_mut(fd as usize).and_then(Option::as_mut);
        Ok(slot.ok_or(Errno::Badf)?)
    }

    /// Takes one away.
    ///
    /// # Errors
    /// `EBADF`.
    pub(super) fn remove(&mut self, fd: u32) -> Result<Descriptor, Fault> {
        let slot = self.descriptors.get_mut(fd as usize).and_then(Option::take);
        let removed = slot.ok_or(Errno::Badf)?;
        self.open -= 1;
        Ok(removed)
    }

    /// Gives one the number of another, which is taken away.
    ///
    /// # Errors
    /// `EBADF`.
    pub(super) fn renumber(&mut self, from: u32, to: u32) -> Result<Option<Descriptor>, Fault> {
        self.get(from)?;
        self.get(to)?;
        if from == to {
            return Ok(None);
        }
        let moved = self.descriptors[from as usize].take();
        self.open -= 1;
        Ok(std::mem::replace(&mut self.descriptors[to as usize], moved))
    }

    /// A directory that paths can begin in.
    ///
    /// # Errors
    /// `EBADF`, `ENOTDIR`, `ENOTCAPABLE`.
    pub(super) fn dir(&self, fd: u32, right: u64) -> Result<&OpenDir, Fault> {
        let descriptor = self.get(fd)?;
        match &descriptor.handle {
            Handle::Dir(dir) => {
                descriptor.need(right)?;
                Ok(dir)
            }
            Handle::Stdin
            | Handle::Stream(_)
            | Handle::InputFile { .. }
            | Handle::OutputFile(_) => Err(Errno::Notdir.into()),
        }
    }
}

impl Descriptor {
    pub(super) fn new(handle: Handle, rights: u64, inheriting: u64) -> Self {
        Self { handle, rights, inheriting, flags: 0, offset: 0 }
    }

    /// Whether it has a right.
    ///
    /// # Errors
    /// `ENOTCAPABLE`.
    pub(super) fn need(&self, right: u64) -> Result<(), Fault> {
        if self.rights & right == right { Ok(()) } else { Err(Errno::Notcapable.into()) }
    }

    pub(super) fn kind(&self) -> FileType {
        match &self.handle {
            Handle::Stdin | Handle::Stream(_) => FileType::Unknown,
            Handle::InputFile { .. } | Handle::OutputFile(_) => FileType::File,
            Handle::Dir(_) => FileType::Directory,
        }
    }
}
