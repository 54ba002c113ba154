//! A block of an input, in the form that it is looked things up in.

use bytes::Bytes;
use gadus_model::Cid;
use gadus_ports::{ContentError, InputKind};

use crate::error::malformed;
use crate::unixfs::node::Link;
use crate::unixfs::parse::{FileNode, Parsed};

/// What a node takes besides what it holds, in the cache as well.
const NODE_BYTES: usize = 512;

/// What the allocator takes for a name besides its bytes.
const NAME_BYTES: usize = 16;

/// A block that was read.
#[derive(Debug)]
pub(super) enum InputBlock {
    File(Part),
    Directory(Entries),
    /// A part of a HAMT.
    Shard(Parsed),
    Symlink(String),
}

impl InputBlock {
    pub(super) fn of(parsed: Parsed) -> Self {
        match parsed {
            Parsed::File(node) => Self::File(Part::of(node)),
            Parsed::Directory(links, _) => Self::Directory(Entries::of(links)),
            shard @ Parsed::Shard(..) => Self::Shard(shard),
            Parsed::Symlink(target) => Self::Symlink(target),
        }
    }

    pub(super) fn kind(&self) -> InputKind {
        match self {
            Self::File(_) => InputKind::File,
            Self::Directory(_) | Self::Shard(_) => InputKind::Directory,
            Self::Symlink(_) => InputKind::Symlink,
        }
    }

    /// The part of a file that its parent told of.
    ///
    /// # Errors
    /// `Malformed` when it is no such thing, or has another size.
    pub(super) fn part(&self, cid: &Cid, size: u64) -> Result<&Part, ContentError> {
        match self {
            Self::File(part) if part.size == size => Ok(part),
            Self::File(_) | Self::Directory(_) | Self::Shard(_) | Self::Symlink(_) => {
                let why = "it is not the part of a file that its parent told of";
                Err(malformed(format!("block {cid}"), why))
            }
        }
    }

    /// About as much memory as it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        let held = match self {
            Self::File(part) => part.data.len() + part.children.len() * size_of::<(Cid, u64)>(),
            Self::Directory(Entries(entries)) => {
                let names = entries.iter().map(|(name, _)| name.len() + NAME_BYTES);
                names.sum::<usize>() + entries.len() * size_of::<(Box<str>, Cid)>()
            }
            Self::Shard(Parsed::Shard(_, links, _)) => {
                let names = links.iter().map(|link| link.name.capacity() + NAME_BYTES);
                names.sum::<usize>() + links.capacity() * size_of::<Link>()
            }
            Self::Shard(Parsed::File(_) | Parsed::Directory(..) | Parsed::Symlink(_)) => 0,
            Self::Symlink(target) => target.capacity(),
        };
        NODE_BYTES + held
    }
}

/// A file, or a part of one.
#[derive(Debug)]
pub(super) struct Part {
    /// Bytes that come before those of the children.
    pub(super) data: Bytes,
    /// Parts, each with where it ends, counted from this one's beginning.
    children: Box<[(Cid, u64)]>,
    pub(super) size: u64,
}

impl Part {
    fn of(node: FileNode) -> Self {
        let mut end = node.data.len() as u64;
        let children = node.children.into_iter().map(|(cid, size)| {
            // The sum of all was found to fit.
            end = end.saturating_add(size);
            (cid, end)
        });
        Self { children: children.collect(), data: node.data, size: node.size }
    }

    /// The child that holds a byte, where it begins, and its size.
    pub(super) fn child(&self, offset: u64) -> Option<(Cid, u64, u64)> {
        let at = self.children.partition_point(|(_, end)| *end <= offset);
        let (cid, end) = self.children.get(at)?;
        let before = at.checked_sub(1).and_then(|before| self.children.get(before));
        let start = before.map_or(self.data.len() as u64, |(_, end)| *end);
        Some((*cid, start, end - start))
    }
}

/// The entries of a directory in one block, sorted by the bytes of their names.
#[derive(Debug)]
pub(super) struct Entries(Box<[(Box<str>, Cid)]>);

impl Entries {
    fn of(links: Vec<Link>) -> Self {
        let named = links.into_iter().map(|link| (link.name.into_boxed_str(), link.cid));
        let mut entries: Vec<_> = named.collect();
        // Of two with one name, readers of paths find the first: the sort is stable.
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.dedup_by(|(later, _), (first, _)| later == first);
        Self(entries.into_boxed_slice())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Cid> {
        let at = self.0.binary_search_by(|(entry, _)| (**entry).cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Cid)> {
        self.0.iter().map(|(name, cid)| (&**name, cid))
    }
}
