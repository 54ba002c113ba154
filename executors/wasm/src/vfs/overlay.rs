//! The outputs: a tree of directories, files and links that a guest makes.
//!
//! A node lives as long as it has a name or is open. All trees share one [`Room`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Stat;
use super::content::Content;
use super::fault::Fault;
use super::room::{Room, RoomLimits};
use crate::wasi::abi::{Errno, FileType};

/// Names a node while it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(usize);

/// All nodes.
#[derive(Debug)]
pub(crate) struct Overlay {
    nodes: Vec<Option<Node>>,
    free: Vec<usize>,
    next_ino: u64,
    pub(super) room: Room,
}

#[derive(Debug)]
struct Node {
    ino: u64,
    kind: Kind,
    /// Descriptors that have it open.
    opens: u32,
    /// The directory that has its name; itself for a root, `None` once it is removed.
    parent: Option<NodeId>,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Kind {
    Directory(BTreeMap<Arc<str>, NodeId>),
    File(Content),
    Symlink(String),
}

impl Kind {
    pub(super) fn file_type(&self) -> FileType {
        match self {
            Self::Directory(_) => FileType::Directory,
            Self::File(_) => FileType::File,
            Self::Symlink(_) => FileType::Symlink,
        }
    }
}

impl Overlay {
    pub(crate) fn new(limits: RoomLimits) -> Self {
        Self { nodes: Vec::new(), free: Vec::new(), next_ino: 1, room: Room::new(limits) }
    }

    /// Makes a directory that has no name and never goes.
    pub(crate) fn add_root(&mut self) -> NodeId {
        let root = self.add(Kind::Directory(BTreeMap::new()), None);
        if let Some(node) = self.nodes[root.0].as_mut() {
            node.parent = Some(root);
        }
        root
    }

    /// What a node is.
    ///
    /// # Errors
    /// `EBADF` for one that is gone, which no place that is held names.
    pub(super) fn kind(&self, id: NodeId) -> Result<&Kind, Fault> {
        Ok(&self.node(id)?.kind)
    }

    /// What a guest may know of a node.
    ///
    /// # Errors
    /// As [`Overlay::kind`].
    pub(super) fn stat(&self, id: NodeId) -> Result<Stat, Fault> {
        let node = self.node(id)?;
        let size = match &node.kind {
            Kind::Directory(_) => 0,
            Kind::File(content) => content.size(),
            Kind::Symlink(target) => target.len() as u64,
        };
        Ok(Stat { ino: node.ino, kind: node.kind.file_type(), size })
    }

    /// The number of the directory above one.
    pub(super) fn parent_ino(&self, id: NodeId) -> Result<u64, Fault> {
        let node = self.node(id)?;
        match node.parent {
            Some(parent) => Ok(self.node(parent)?.ino),
            None => Ok(node.ino),
        }
    }

    /// The entries of a directory.
    ///
    /// # Errors
    /// `ENOTDIR`.
    pub(super) fn entries(&self, dir: NodeId) -> Result<&BTreeMap<Arc<str>, NodeId>, Fault> {
        match &self.node(dir)?.kind {
            Kind::Directory(entries) => Ok(entries),
            Kind::File(_) | Kind::Symlink(_) => Err(Errno::Notdir.into()),
        }
    }

    /// What a name leads to.
    ///
    /// # Errors
    /// `ENOTDIR`.
    pub(super) fn lookup(&self, dir: NodeId, name: &str) -> Result<Option<NodeId>, Fault> {
        Ok(self.entries(dir)?.get(name).copied())
    }

    /// The bytes of a file, with the room that they come from.
    ///
    /// # Errors
    /// `EISDIR`, and `EINVAL` for a link.
    pub(super) fn content(&mut self, id: NodeId) -> Result<(&mut Content, &mut Room), Fault> {
        match &mut self.nodes[id.0].as_mut().ok_or(Errno::Badf)?.kind {
            Kind::File(content) => Ok((content, &mut self.room)),
            Kind::Directory(_) => Err(Errno::Isdir.into()),
            Kind::Symlink(_) => Err(Errno::Inval.into()),
        }
    }

    /// Makes an empty file.
    ///
    /// # Errors
    /// `EEXIST`, `ENOENT` in a directory that is gone, `ENOSPC`.
    pub(super) fn create_file(&mut self, dir: NodeId, name: &str) -> Result<NodeId, Fault> {
        self.create(dir, name, Kind::File(Content::default()))
    }

    /// Makes an empty directory.
    ///
    /// # Errors
    /// As [`Overlay::create_file`].
    pub(super) fn create_dir(&mut self, dir: NodeId, name: &str) -> Result<NodeId, Fault> {
        self.create(dir, name, Kind::Directory(BTreeMap::new()))
    }

    /// Makes a link.
    ///
    /// # Errors
    /// As [`Overlay::create_file`].
    pub(super) fn create_link(
        &mut self,
        dir: NodeId,
        name: &str,
        target: &str,
    ) -> Result<NodeId, Fault> {
        self.can_create(dir, name)?;
        let bytes = target.len() as u64;
        self.room.take_target(bytes)?;
        let made = self.create(dir, name, Kind::Symlink(target.to_owned()));
        if made.is_err() {
            self.room.give_target(bytes);
        }
        made
    }

    fn create(&mut self, dir: NodeId, name: &str, kind: Kind) -> Result<NodeId, Fault> {
        self.can_create(dir, name)?;
        self.room.take_file()?;
        let id = self.add(kind, Some(dir));
        self.entries_mut(dir)?.insert(name.into(), id);
        Ok(id)
    }

    fn can_create(&self, dir: NodeId, name: &str) -> Result<(), Fault> {
        if self.lookup(dir, name)?.is_some() {
            return Err(Errno::Exist.into());
        }
        // It was removed while it was open.
        if self.node(dir)?.parent.is_none() {
            return Err(Errno::Noent.into());
        }
        Ok(())
    }

    /// Takes the name of a file or link away.
    ///
    /// # Errors
    /// `ENOENT`, `EISDIR`.
    pub(super) fn unlink(&mut self, dir: NodeId, name: &str) -> Result<(), Fault> {
        let id = self.lookup(dir, name)?.ok_or(Errno::Noent)?;
        if matches!(self.kind(id)?, Kind::Directory(_)) {
            return Err(Errno::Isdir.into());
        }
        self.take_name(dir, name, id)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `ENOTEMPTY`.
    pub(super) fn remove_dir(&mut self, dir: NodeId, name: &str) -> Result<(), Fault> {
        let id = self.lookup(dir, name)?.ok_or(Errno::Noent)?;
        if !self.entries(id)?.is_empty() {
            return Err(Errno::Notempty.into());
        }
        self.take_name(dir, name, id)
    }

    /// Gives something another name; what had it goes.
    ///
    /// # Errors
    /// `ENOENT`; `EINVAL` for a directory into itself; `EISDIR`, `ENOTDIR` and `ENOTEMPTY` for what
    /// cannot take another's place.
    pub(super) fn rename(
        &mut self,
        (from, old): (NodeId, &str),
        (to, new): (NodeId, &str),
    ) -> Result<(), Fault> {
        let id = self.lookup(from, old)?.ok_or(Errno::Noent)?;
        let replaced = self.lookup(to, new)?;
        if replaced == Some(id) {
            return Ok(());
        }
        if self.node(to)?.parent.is_none() {
            return Err(Errno::Noent.into());
        }
        let is_dir = matches!(self.kind(id)?, Kind::Directory(_));
        if is_dir && self.is_within(to, id)? {
            return Err(Errno::Inval.into());
        }
        if let Some(replaced) = replaced {
            match (is_dir, self.kind(replaced)?) {
                (true, Kind::Directory(entries)) if entries.is_empty() => {}
                (true, Kind::Directory(_)) => return Err(Errno::Notempty.into()),
                (true, Kind::File(_) | Kind::Symlink(_)) => return Err(Errno::Notdir.into()),
                (false, Kind::Directory(_)) => return Err(Errno::Isdir.into()),
                (false, Kind::File(_) | Kind::Symlink(_)) => {}
            }
            self.take_name(to, new, replaced)?;
        }
        self.entries_mut(from)?.remove(old);
        self.entries_mut(to)?.insert(new.into(), id);
        if let Some(node) = self.nodes[id.0].as_mut() {
            node.parent = Some(to);
        }
        Ok(())
    }

    /// Whether a directory is another or lies below it.
    fn is_within(&self, mut dir: NodeId, outer: NodeId) -> Result<bool, Fault> {
        loop {
            if dir == outer {
                return Ok(true);
            }
            match self.node(dir)?.parent {
                Some(parent) if parent != dir => dir = parent,
                Some(_) | None => return Ok(false),
            }
        }
    }

    /// A descriptor has it open.
    pub(super) fn hold(&mut self, id: NodeId) {
        if let Some(node) = self.nodes[id.0].as_mut() {
            node.opens += 1;
        }
    }

    /// A descriptor has it open no more.
    pub(super) fn release(&mut self, id: NodeId) {
        let Some(node) = self.nodes[id.0].as_mut() else { return };
        node.opens = node.opens.saturating_sub(1);
        if node.opens > 0 {
            return;
        }
        if node.parent.is_none() {
            self.remove(id);
        } else if let Kind::File(content) = &node.kind {
            content.rest(&mut self.room);
        }
    }

    fn take_name(&mut self, dir: NodeId, name: &str, id: NodeId) -> Result<(), Fault> {
        self.entries_mut(dir)?.remove(name);
        let node = self.nodes[id.0].as_mut().ok_or(Errno::Badf)?;
        node.parent = None;
        if node.opens == 0 {
            self.remove(id);
        }
        Ok(())
    }

    fn remove(&mut self, id: NodeId) {
        let Some(node) = self.nodes[id.0].take() else { return };
        self.free.push(id.0);
        self.room.give_file();
        match node.kind {
            Kind::File(content) => content.discard(&mut self.room),
            Kind::Symlink(target) => self.room.give_target(target.len() as u64),
            Kind::Directory(_) => {}
        }
    }

    fn add(&mut self, kind: Kind, parent: Option<NodeId>) -> NodeId {
        let node = Some(Node { ino: self.next_ino, kind, opens: 0, parent });
        self.next_ino += 1;
        match self.free.pop() {
            Some(at) => {
                self.nodes[at] = node;
                NodeId(at)
            }
            None => {
                self.nodes.push(node);
                NodeId(self.nodes.len() - 1)
            }
        }
    }

    fn node(&self, id: NodeId) -> Result<&Node, Fault> {
        Ok(self.nodes[id.0].as_ref().ok_or(Errno::Badf)?)
    }

    fn entries_mut(&mut self, dir: NodeId) -> Result<&mut BTreeMap<Arc<str>, NodeId>, Fault> {
        match &mut self.nodes[dir.0].as_mut().ok_or(Errno::Badf)?.kind {
            Kind::Directory(entries) => Ok(entries),
            Kind::File(_) | Kind::Symlink(_) => Err(Errno::Notdir.into()),
        }
    }
}
