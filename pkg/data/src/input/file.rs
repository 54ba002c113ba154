//! A file, read at any place: each time from its root down, by nodes that are mostly kept.

use gadus_model::Cid;
use gadus_ports::{ContentError, InputFile};

use super::Tree;
use crate::error::malformed;
use crate::read::file::FILE_DEPTH_MAX;

/// A file of a tree.
#[derive(Debug)]
pub(super) struct TreeFile {
    tree: Tree,
    cid: Cid,
    size: u64,
}

impl TreeFile {
    pub(super) fn new(tree: Tree, cid: Cid, size: u64) -> Self {
        Self { tree, cid, size }
    }

    /// Copies what one node has from `offset` on; at least a byte.
    fn read_some(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, ContentError> {
        let (mut cid, mut size, mut within) = (self.cid, self.size, offset);
        for _ in 0..=FILE_DEPTH_MAX {
            let node = self.tree.node(&cid)?;
            let part = node.part(&cid, size)?;
            if let Ok(from) = usize::try_from(within)
                && from < part.data.len()
            {
                let length = buffer.len().min(part.data.len() - from);
                buffer[..length].copy_from_slice(&part.data[from..from + length]);
                return Ok(length);
            }
            let child = part.child(within).ok_or_else(|| self.bad("it ends early"))?;
            within -= child.1;
            (cid, size) = (child.0, child.2);
        }
        Err(self.bad("its tree is too deep"))
    }

    fn bad(&self, why: &str) -> ContentError {
        malformed(format!("file {}", self.cid), why)
    }
}

impl InputFile for TreeFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, ContentError> {
        let left = self.size.saturating_sub(offset);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let mut read = 0;
        while read < wanted {
            read += self.read_some(offset + read as u64, &mut buffer[read..wanted])?;
        }
        Ok(read)
    }
}
