//! Files: leaves under a balanced tree of nodes.

use gadus_ports::ContentError;

use super::data;
use super::node::{Link, encode};
use super::{Built, Maker};

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
    /// Adds a leaf that is stored.
    pub(crate) fn leaf(
        &mut self,
        maker: Maker<'_>,
        leaf: Built,
        file_bytes: u64,
    ) -> Result<(), ContentError> {
        self.push(maker, 0, Child { built: leaf, file_bytes })
    }

    /// The root; one that is a node gets the mode. `None` when there was no leaf.
    pub(crate) fn finish(
        mut self,
        maker: Maker<'_>,
        mode: Option<u32>,
    ) -> Result<Option<Built>, ContentError> {
        let mut level = 0;
        while level < self.levels.len() {
            let is_top = level + 1 == self.levels.len();
            if let ([root], true) = (self.levels[level].as_slice(), is_top) {
                return Ok(Some(root.built));
            }
            if !self.levels[level].is_empty() {
                self.close(maker, level, mode.filter(|_| is_top))?;
            }
            level += 1;
        }
        Ok(None)
    }

    fn push(&mut self, maker: Maker<'_>, level: usize, child: Child) -> Result<(), ContentError> {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        if self.levels[level].len() == maker.form.links_max() {
            self.close(maker, level, None)?;
        }
        self.levels[level].push(child);
        Ok(())
    }

    /// Makes a node of what waits at a level, and adds it to the level above.
    fn close(
        &mut self,
        maker: Maker<'_>,
        level: usize,
        mode: Option<u32>,
    ) -> Result<(), ContentError> {
        let children = std::mem::take(&mut self.levels[level]);
        let file_bytes = children.iter().map(|child| child.file_bytes).sum();
        let linked = children.iter().map(|child| child.built.size).sum();
        let sizes = children.iter().map(|child| child.file_bytes);
        let message = data::file(file_bytes, sizes, maker.form.mode(mode));
        let links: Vec<Link> = children
            .iter()
            .map(|Child { built, .. }| Link {
                cid: built.cid,
                name: String::new(),
                size: built.size,
            })
            .collect();
        let built = maker.node(&encode(links.iter(), &message), linked)?;
        self.push(maker, level + 1, Child { built, file_bytes })
    }
}
