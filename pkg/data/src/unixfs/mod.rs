//! UnixFS: how files, directories and links become blocks, in the frozen profile
//! [`PROFILE`]: CIDv1, sha2-256, raw leaves of 1 MiB, balanced, at most 1024 links a node; a
//! directory whose block would exceed 256 KiB becomes a HAMT of fan-out 256. Byte for byte what
//! Kubo makes; `tests/golden.rs` holds it to that.

pub(crate) mod data;
pub(crate) mod directory;
pub(crate) mod file;
pub(crate) mod hamt;
pub(crate) mod murmur3;
pub(crate) mod name;
pub(crate) mod node;
pub(crate) mod parse;
pub(crate) mod protobuf;

use gadus_model::Cid;
use gadus_ports::ContentError;

/// The name of the profile, as receipts carry it.
pub const PROFILE: &str = "unixfs-v1-2025";
/// Bytes of a leaf.
pub const CHUNK_BYTES: usize = 1 << 20;
/// Links of a file's node.
pub(crate) const LINKS_MAX: usize = 1024;
/// A directory's block; a larger one becomes a HAMT.
pub(crate) const DIRECTORY_BLOCK_BYTES_MAX: usize = 256 << 10;

/// Takes the blocks that an import makes. Called by several threads at once.
pub trait BlockSink: Send + Sync {
    /// Takes a block. The bytes are what the CID says.
    ///
    /// # Errors
    /// Whatever keeps it from being stored; the import ends with it.
    fn put(&self, cid: &Cid, bytes: &[u8]) -> Result<(), ContentError>;
}

/// Drops all blocks: for CIDs alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullSink;

impl BlockSink for NullSink {
    fn put(&self, _: &Cid, _: &[u8]) -> Result<(), ContentError> {
        Ok(())
    }
}

/// A tree that was made: what a link to it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Built {
    /// Its root.
    pub cid: Cid,
    /// Bytes of all its blocks, each as often as it is linked.
    pub size: u64,
}

/// Stores a DAG-PB block whose links come to `linked_bytes`.
pub(crate) fn put_node(
    sink: &dyn BlockSink,
    block: &[u8],
    linked_bytes: u64,
) -> Result<Built, ContentError> {
    let cid = crate::block::dag_pb_cid(block);
    sink.put(&cid, block)?;
    Ok(Built { cid, size: linked_bytes.saturating_add(block.len() as u64) })
}

/// Stores a symbolic link.
pub(crate) fn put_symlink(sink: &dyn BlockSink, target: &[u8]) -> Result<Built, ContentError> {
    put_node(sink, &node::encode([].iter(), &data::symlink(target)), 0)
}
