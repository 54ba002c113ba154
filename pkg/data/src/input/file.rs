//! A file, read at any place: the way to the last byte read is remembered.

use std::sync::Arc;

use gadus_model::Cid;
use gadus_ports::{ContentError, InputFile};
use parking_lot::Mutex;

use super::Blocks;
use crate::error::malformed;
use crate::read::file::FILE_DEPTH_MAX;
use crate::unixfs::parse::FileNode;

/// Nodes that an open file remembers: its root, and the lowest of the way.
const WAY_MAX: usize = 4;

/// A file of a tree.
#[derive(Debug)]
pub(super) struct TreeFile {
    blocks: Blocks,
    cid: Cid,
    size: u64,
    /// From the root down; never empty.
    way: Mutex<Vec<Step>>,
}

/// A node on the way to a byte.
#[derive(Clone, Debug)]
struct Step {
    /// Where its bytes begin in the file.
    start: u64,
    /// Nodes above it.
    depth: usize,
    node: Arc<FileNode>,
}

impl Step {
    fn holds(&self, offset: u64) -> bool {
        offset.checked_sub(self.start).is_some_and(|within| within < self.node.size)
    }

    /// The part below it that holds a byte, and where that part begins.
    fn child(&self, offset: u64) -> Option<(Cid, u64, u64)> {
        let mut start = self.start + self.node.data.len() as u64;
        for (cid, size) in &self.node.children {
            if offset < start.saturating_add(*size) {
                return Some((*cid, *size, start));
            }
            start = start.saturating_add(*size);
        }
        None
    }
}

impl TreeFile {
    pub(super) fn new(blocks: Blocks, cid: Cid, root: FileNode) -> Self {
        let size = root.size;
        let way = Mutex::new(vec![Step { start: 0, depth: 0, node: Arc::new(root) }]);
        Self { blocks, cid, size, way }
    }

    /// Copies what one node has from `offset` on; at least a byte.
    fn read_some(
        &self,
        way: &mut Vec<Step>,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, ContentError> {
        while way.len() > 1 && !way.last().is_some_and(|step| step.holds(offset)) {
            way.pop();
        }
        loop {
            let Some(step) = way.last() else { return Err(self.bad("it has no root")) };
            let data = &step.node.data;
            if let Ok(within) = usize::try_from(offset - step.start)
                && within < data.len()
            {
                let length = buffer.len().min(data.len() - within);
                buffer[..length].copy_from_slice(&data[within..within + length]);
                return Ok(length);
            }
            let (cid, size, start) = step.child(offset).ok_or_else(|| self.bad("it ends early"))?;
            let depth = step.depth + 1;
            if depth > FILE_DEPTH_MAX {
                return Err(self.bad("its tree is too deep"));
            }
            let node = Arc::new(self.blocks.parsed(&cid)?.into_part(&cid, size)?);
            if way.len() == WAY_MAX {
                way.remove(1);
            }
            way.push(Step { start, depth, node });
        }
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
        let mut way = self.way.lock();
        let mut read = 0;
        while read < wanted {
            let at = offset + read as u64;
            read += self.read_some(&mut way, at, &mut buffer[read..wanted])?;
        }
        Ok(read)
    }
}
