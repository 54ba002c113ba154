//! Files: leaves under a balanced tree of nodes.

use gadus_ports::ContentError;

use super::data;
use super::node::{Link, encode};
use super::{BlockSink, Built, LINKS_MAX, put_node};

/// Builds a file's tree from its leaves, left to right. What it holds grows with the height of the
/// tree only.
#[derive(Debug, Default)]
pub(crate) struct FileTree {
    /// Children that wait for their parent; the leaves' level is the first.
    levels: Vec<Vec<Child>>,
}

/// A leaf or a node.
#[derive(Clone, Copy, Debug)]
struct Child {
    built: Built,
    /// Bytes of the file under it.
    file_bytes: u64,
}

impl FileTree {
    /// Adds a raw leaf that is stored.
    pub(crate) fn leaf(&mut self, sink: &dyn BlockSink, leaf: Built) -> Result<(), ContentError> {
        self.push(sink, 0, Child { built: leaf, file_bytes: leaf.size })
    }

    /// The root and the file's bytes. `None` when there was no leaf.
    pub(crate) fn finish(
        mut self,
        sink: &dyn BlockSink,
    ) -> Result<Option<(Built, u64)>, ContentError> {
        let mut level = 0;
        while level < self.levels.len() {
            let is_top = level + 1 == self.levels.len();
            if let ([root], true) = (self.levels[level].as_slice(), is_top) {
                return Ok(Some((root.built, root.file_bytes)));
            }
            if !self.levels[level].is_empty() {
                self.close(sink, level)?;
            }
            level += 1;
        }
        Ok(None)
    }

    fn push(
        &mut self,
        sink: &dyn BlockSink,
        level: usize,
        child: Child,
    ) -> Result<(), ContentError> {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        if self.levels[level].len() == LINKS_MAX {
            self.close(sink, level)?;
        }
        self.levels[level].push(child);
        Ok(())
    }

    /// Makes a node of what waits at a level, and adds it to the level above.
    fn close(&mut self, sink: &dyn BlockSink, level: usize) -> Result<(), ContentError> {
        let children = std::mem::take(&mut self.levels[level]);
        let file_bytes = children.iter().map(|child| child.file_bytes).sum();
        let linked = children.iter().map(|child| child.built.size).sum();
        let message = data::file(file_bytes, children.iter().map(|child| child.file_bytes));
        let links: Vec<Link> = children
            .iter()
            .map(|Child { built, .. }| Link {
                cid: built.cid,
                name: String::new(),
                size: built.size,
            })
            .collect();
        let built = put_node(sink, &encode(links.iter(), &message), linked)?;
        self.push(sink, level + 1, Child { built, file_bytes })
    }
}
