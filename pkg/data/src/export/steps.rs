//! What follows from a block, by how much of it is wanted.

use bytes::Bytes;
use gadus_model::{Cid, DAG_PB};
use gadus_ports::{ContentError, EntityBytes, Scope};

use crate::dag::links;
use crate::unixfs::hamt::Slot;
use crate::unixfs::parse::{FileNode, Parsed, parse};

/// A block to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) cid: Cid,
    pub(crate) want: Want,
}

/// How much is wanted of what is below a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Nothing.
    Only,
    /// Everything.
    All,
    /// What makes an entity of it: see [`Scope::Entity`].
    Entity(EntityBytes),
    /// The shards of a directory, which the block is one of.
    Shards,
    /// Bytes of a file, from here to there (excluded); the block is a part of it of some size.
    Part { begin: u64, end: u64, size: u64 },
}

impl Want {
    /// What stands at the path.
    pub(crate) fn of(scope: Scope, bytes: EntityBytes) -> Self {
        match scope {
            Scope::Block => Self::Only,
            Scope::Entity => Self::Entity(bytes),
            Scope::All => Self::All,
        }
    }

    /// Whether every block below is wanted, so that meeting it again brings nothing new.
    pub(crate) fn is_whole(self) -> bool {
        match self {
            Self::All | Self::Shards => true,
            Self::Part { begin, end, size } => begin == 0 && end == size,
            Self::Only | Self::Entity(_) => false,
        }
    }

    /// The blocks that follow from this one, in order.
    ///
    /// # Errors
    /// `Malformed` for a block that is not of its codec.
    pub(crate) fn below(self, cid: &Cid, block: &Bytes) -> Result<Vec<Step>, ContentError> {
        let pb = cid.codec() == DAG_PB;
        match self {
            Self::Only => Ok(Vec::new()),
            Self::All => {
                let links = links(cid, block)?.into_iter();
                Ok(links.map(|(cid, _)| Step { cid, want: Self::All }).collect())
            }
            Self::Entity(_) | Self::Shards | Self::Part { .. } if !pb => Ok(Vec::new()),
            Self::Entity(bytes) => Ok(match parse(cid, block.clone()) {
                Ok(Parsed::File(file)) => {
                    let (begin, end) = bytes.of(file.size);
                    parts(&file, begin, end)
                }
                Ok(shard @ Parsed::Shard(..)) => shards(shard),
                // DAG-PB that is no UnixFS is an entity of one block.
                Ok(Parsed::Directory(..) | Parsed::Symlink(_)) | Err(_) => Vec::new(),
            }),
            Self::Shards => Ok(shards(parse(cid, block.clone())?)),
            Self::Part { begin, end, size } => {
                let part = parse(cid, block.clone())?.into_part(cid, size)?;
                Ok(parts(&part, begin, end))
            }
        }
    }
}

/// The parts of a file that have bytes between two places of it.
fn parts(file: &FileNode, begin: u64, end: u64) -> Vec<Step> {
    let mut at = file.data.len() as u64;
    let mut steps = Vec::new();
    for (cid, size) in &file.children {
        // The sum was checked when the block was read.
        let (first, after) = (at, at + size);
        at = after;
        if first < end && after > begin {
            let (begin, end) = (begin.max(first) - first, end.min(after) - first);
            steps.push(Step { cid: *cid, want: Want::Part { begin, end, size: *size } });
        }
    }
    steps
}

/// The shards below a shard; its entries are not followed.
fn shards(parsed: Parsed) -> Vec<Step> {
    let Parsed::Shard(shape, links, _) = parsed else { return Vec::new() };
    let shard = |name: &str| matches!(shape.slot(name), Ok(Slot::Shard));
    let links = links.into_iter().filter(|link| shard(&link.name));
    links.map(|link| Step { cid: link.cid, want: Want::Shards }).collect()
}
