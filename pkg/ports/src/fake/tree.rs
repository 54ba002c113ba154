//! The fake's trees as inputs.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gadus_model::Cid;
use gadus_model::codec::{self, DAG_CBOR};

use crate::content::ContentError;
use crate::input::{InputDirectory, InputEntry, InputFile, InputNode};

/// All blocks of one tree: maps of names to links, and files.
#[derive(Clone, Debug)]
pub(super) struct FakeTree(pub(super) Arc<BTreeMap<Cid, Bytes>>);

#[derive(Debug)]
struct Directory {
    tree: FakeTree,
    entries: BTreeMap<String, Cid>,
}

impl FakeTree {
    /// What stands at one of its blocks.
    pub(super) fn node(&self, cid: Cid) -> Result<InputNode, ContentError> {
        let missing = ContentError::Missing { cid, asked: 0, waited_ms: 0 };
        let block = self.0.get(&cid).cloned().ok_or(missing)?;
        if cid.codec() != DAG_CBOR {
            return Ok(InputNode::File(Arc::new(block)));
        }
        let entries = codec::decode(&block).unwrap_or_default();
        Ok(InputNode::Directory(Arc::new(Directory { tree: self.clone(), entries })))
    }
}

impl InputDirectory for Directory {
    fn entry(&self, name: &str) -> Result<Option<InputNode>, ContentError> {
        self.entries.get(name).map(|cid| self.tree.node(*cid)).transpose()
    }

    fn list(&self) -> Result<Vec<InputEntry>, ContentError> {
        let entry = |(name, cid): (&String, &Cid)| {
            Ok(InputEntry { name: name.clone(), kind: self.tree.node(*cid)?.kind() })
        };
        self.entries.iter().map(entry).collect()
    }
}

impl InputFile for Bytes {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, ContentError> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let length = buffer.len().min(self.len() - from);
        buffer[..length].copy_from_slice(&self[from..from + length]);
        Ok(length)
    }
}
