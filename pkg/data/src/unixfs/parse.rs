//! What a block is, once it was read.

use bytes::Bytes;
use gadus_model::{Cid, DAG_PB};
use gadus_ports::ContentError;

use super::data::{self, Kind, UnixFs};
use super::hamt::Shape;
use super::node::{self, Link, Node};
use crate::error::malformed;

/// A block of a UnixFS tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    File(FileNode),
    /// A whole directory, with its mode where that was kept.
    Directory(Vec<Link>, Option<u32>),
    /// A part of a HAMT directory; the root has the mode.
    Shard(Shape, Vec<Link>, Option<u32>),
    Symlink(String),
}

impl Parsed {
    /// Permissions, where they were kept.
    pub(crate) fn mode(&self) -> Option<u32> {
        match self {
            Self::File(file) => file.mode,
            Self::Directory(_, mode) | Self::Shard(_, _, mode) => *mode,
            Self::Symlink(_) => None,
        }
    }

    /// The part of a file that its parent told of.
    ///
    /// # Errors
    /// `Malformed` when it is no such thing, or has another size.
    pub(crate) fn into_part(self, cid: &Cid, size: u64) -> Result<FileNode, ContentError> {
        if let Self::File(node) = self
            && node.size == size
        {
            return Ok(node);
        }
        Err(malformed(
            format!("block {cid}"),
            "it is not the part of a file that its parent told of",
        ))
    }
}

/// A file, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileNode {
    /// Bytes that come before those of the children.
    pub(crate) data: Bytes,
    /// Parts, with the bytes that each must come to.
    pub(crate) children: Vec<(Cid, u64)>,
    /// All bytes under it.
    pub(crate) size: u64,
    /// Unix permissions, where they were kept.
    pub(crate) mode: Option<u32>,
}

/// Reads a block. What is not DAG-PB is a file of its bytes.
pub(crate) fn parse(cid: &Cid, bytes: Bytes) -> Result<Parsed, ContentError> {
    if cid.codec() != DAG_PB {
        let size = bytes.len() as u64;
        return Ok(Parsed::File(FileNode { data: bytes, children: Vec::new(), size, mode: None }));
    }
    let parsed = node::decode(&bytes).and_then(|node| {
        let message = data::decode(&node.data)?;
        parse_node(node, message)
    });
    parsed.map_err(|why| malformed(format!("block {cid}"), why))
}

fn parse_node(node: Node, message: UnixFs) -> Result<Parsed, String> {
    match message.kind {
        Kind::Directory => Ok(Parsed::Directory(node.links, message.mode)),
        Kind::HamtShard => Ok(Parsed::Shard(Shape::of(&message)?, node.links, message.mode)),
        Kind::Symlink => {
            let target = String::from_utf8(message.data);
            Ok(Parsed::Symlink(target.map_err(|_| "its target is not UTF-8")?))
        }
        Kind::File | Kind::Raw => {
            if message.block_sizes.len() != node.links.len() {
                return Err("its links and their sizes do not go together".to_owned());
            }
            let mut sizes = message.block_sizes.iter();
            let sum = sizes.try_fold(message.data.len() as u64, |sum, size| sum.checked_add(*size));
            let size = sum.ok_or("its size is beyond all bounds")?;
            if message.file_size.is_some_and(|told| told != size) {
                return Err("its size is not that of its parts".to_owned());
            }
            let links = node.links.into_iter().map(|link| link.cid);
            Ok(Parsed::File(FileNode {
                data: message.data.into(),
                children: links.zip(message.block_sizes).collect(),
                size,
                mode: message.mode,
            }))
        }
    }
}
