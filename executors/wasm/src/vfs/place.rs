//! A place in the guest's files: in an input or in the outputs.

use std::sync::Arc;

use gadus_ports::{InputDirectory, InputKind, InputNode};
use sha2::{Digest, Sha256};

use super::Stat;
use super::fault::Fault;
use super::overlay::{Kind, NodeId, Overlay};
use crate::wasi::abi::{Errno, FileType};

/// Set in the numbers of inputs, which are hashes of their paths; those of outputs are counted.
const INPUT_INO: u64 = 1 << 63;

/// One file, directory or link.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// Of an input.
    Input(InputPlace),
    /// Of the outputs.
    Output(NodeId),
}

/// A place in an input.
#[derive(Clone, Debug)]
pub(crate) struct InputPlace {
    pub(super) node: InputNode,
    pub(super) ino: u64,
    /// Of the directory above it.
    pub(super) parent_ino: u64,
}

impl InputPlace {
    fn below(&self, name: &str, node: InputNode) -> Self {
        Self { node, ino: ino_below(self.ino, name), parent_ino: self.ino }
    }

    pub(super) fn stat(&self) -> Stat {
        let size = match &self.node {
            InputNode::File(file) => file.size(),
            InputNode::Directory(_) => 0,
            InputNode::Symlink(target) => target.len() as u64,
        };
        Stat { ino: self.ino, kind: file_type(self.node.kind()), size }
    }
}

impl Place {
    /// The root of an input, which the guest knows by this path.
    pub(super) fn input_root(guest: &str, directory: Arc<dyn InputDirectory>) -> Self {
        let ino = ino_below(0, guest);
        let node = InputNode::Directory(directory);
        Self::Input(InputPlace { node, ino, parent_ino: ino })
    }

    /// What a name leads to from here.
    ///
    /// # Errors
    /// `ENOTDIR`, and `Broken` when an input cannot be read.
    pub(super) fn entry(&self, overlay: &Overlay, name: &str) -> Result<Option<Self>, Fault> {
        match self {
            Self::Output(dir) => Ok(overlay.lookup(*dir, name)?.map(Self::Output)),
            Self::Input(place) => match &place.node {
                InputNode::Directory(directory) => {
                    let node = directory.entry(name)?;
                    Ok(node.map(|node| Self::Input(place.below(name, node))))
                }
                InputNode::File(_) | InputNode::Symlink(_) => Err(Errno::Notdir.into()),
            },
        }
    }

    /// What it is.
    ///
    /// # Errors
    /// As [`Overlay::kind`].
    pub(super) fn kind(&self, overlay: &Overlay) -> Result<FileType, Fault> {
        match self {
            Self::Output(id) => Ok(overlay.kind(*id)?.file_type()),
            Self::Input(place) => Ok(file_type(place.node.kind())),
        }
    }

    /// Where a link points; `None` for anything else.
    ///
    /// # Errors
    /// As [`Overlay::kind`].
    pub(super) fn target<'a>(&'a self, overlay: &'a Overlay) -> Result<Option<&'a str>, Fault> {
        match self {
            Self::Output(id) => match overlay.kind(*id)? {
                Kind::Symlink(target) => Ok(Some(target)),
                Kind::Directory(_) | Kind::File(_) => Ok(None),
            },
            Self::Input(place) => match &place.node {
                InputNode::Symlink(target) => Ok(Some(target)),
                InputNode::File(_) | InputNode::Directory(_) => Ok(None),
            },
        }
    }

    /// What a guest may know of it.
    ///
    /// # Errors
    /// As [`Overlay::kind`].
    pub(super) fn stat(&self, overlay: &Overlay) -> Result<Stat, Fault> {
        match self {
            Self::Output(id) => overlay.stat(*id),
            Self::Input(place) => Ok(place.stat()),
        }
    }

    /// Its place in the outputs.
    ///
    /// # Errors
    /// `EROFS`.
    pub(super) fn output(&self) -> Result<NodeId, Fault> {
        match self {
            Self::Output(id) => Ok(*id),
            Self::Input(_) => Err(Errno::Rofs.into()),
        }
    }
}

pub(super) fn file_type(kind: InputKind) -> FileType {
    match kind {
        InputKind::File => FileType::File,
        InputKind::Directory => FileType::Directory,
        InputKind::Symlink => FileType::Symlink,
    }
}

/// The number of an entry of an input: the same in every run that sees it at the same path.
pub(super) fn ino_below(parent: u64, name: &str) -> u64 {
    let digest = Sha256::new().chain_update(parent.to_le_bytes()).chain_update(name).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first) | INPUT_INO
}
