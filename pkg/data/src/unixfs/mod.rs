//! UnixFS: how files, directories and links become blocks, sha2-256 and balanced, in the frozen
//! profiles of [`gadus_ports::Profile`]. Byte for byte what Kubo makes; `tests/golden.rs` holds it
//! to that.

pub(crate) mod data;
pub(crate) mod directory;
pub(crate) mod file;
pub(crate) mod form;
pub(crate) mod hamt;
pub(crate) mod murmur3;
pub(crate) mod name;
pub(crate) mod node;
pub(crate) mod parse;
pub(crate) mod protobuf;

use gadus_model::Cid;
use gadus_ports::ContentError;

use self::form::Form;
use crate::block::raw_cid;

/// Bytes of the largest leaf of any profile.
pub(crate) const CHUNK_BYTES_MAX: usize = 1 << 20;

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

/// Where blocks go, and how they are made.
#[derive(Clone, Copy)]
pub(crate) struct Maker<'a> {
    pub(crate) sink: &'a dyn BlockSink,
    pub(crate) form: Form,
}

impl Maker<'_> {
    /// Stores a DAG-PB block whose links come to `linked_bytes`.
    pub(crate) fn node(self, block: &[u8], linked_bytes: u64) -> Result<Built, ContentError> {
        let cid = self.form.cid(block);
        self.sink.put(&cid, block)?;
        Ok(Built { cid, size: linked_bytes.saturating_add(block.len() as u64) })
    }

    /// Stores bytes of a file; `mode` is the file's, when they are all of it.
    pub(crate) fn leaf(self, bytes: &[u8], mode: Option<u32>) -> Result<Built, ContentError> {
        if self.form.has_raw_leaves() {
            let cid = raw_cid(bytes);
            self.sink.put(&cid, bytes)?;
            return Ok(Built { cid, size: bytes.len() as u64 });
        }
        let message = data::leaf(bytes, self.form.mode(mode));
        self.node(&node::encode([].iter(), &message), 0)
    }

    /// Stores a symbolic link.
    pub(crate) fn symlink(self, target: &[u8]) -> Result<Built, ContentError> {
        self.node(&node::encode([].iter(), &data::symlink(target)), 0)
    }
}
