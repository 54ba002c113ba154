//! A result as entries, one after the other: parents first, names in order.

use futures::{Stream, stream};
use gadus_model::Cid;
use gadus_ports::{Content as _, ContentError, Node};

use crate::EmbeddedContent;
use crate::error::malformed;
use crate::unixfs::name;

/// A walk that can be gone on with.
struct Walk {
    content: EmbeddedContent,
    /// What is still to come, the next one last.
    stack: Vec<(String, Cid)>,
    bytes_left: u64,
    entries_left: u64,
}

/// Everything below a directory, each with its path from there.
pub(super) fn entries(
    content: &EmbeddedContent,
    root: Cid,
) -> impl Stream<Item = Result<(String, Node), ContentError>> + Send + use<> {
    let config = &content.core.config;
    let walk = Walk {
        content: content.clone(),
        stack: vec![(String::new(), root)],
        bytes_left: config.tree_bytes_max,
        entries_left: config.tree_entries_max,
    };
    stream::try_unfold(walk, |mut walk| async move {
        loop {
            let Some((path, node)) = walk.next().await? else { return Ok(None) };
            // The root itself is no entry.
            if !path.is_empty() {
                return Ok(Some(((path, node), walk)));
            }
        }
    })
}

impl Walk {
    async fn next(&mut self) -> Result<Option<(String, Node)>, ContentError> {
        let Some((path, cid)) = self.stack.pop() else { return Ok(None) };
        self.entries_left = self.entries_left.checked_sub(1).ok_or_else(|| self.too_large())?;
        let node = self.content.open(cid, "", None).await?;
        match &node {
            Node::Directory { entries, .. } => {
                if path.split('/').count() > self.content.core.config.path_depth_max {
                    return Err(malformed(format!("'{path}'"), "it lies too deep"));
                }
                for entry in entries.iter().rev() {
                    name::check(&entry.name)?;
                    let slash = if path.is_empty() { "" } else { "/" };
                    self.stack.push((format!("{path}{slash}{}", entry.name), entry.cid));
                }
            }
            Node::File { .. } | Node::Symlink { .. } if path.is_empty() => {
                return Err(malformed(format!("the result {cid}"), "it is no directory"));
            }
            Node::File { size, .. } => {
                let left = self.bytes_left.checked_sub(*size);
                self.bytes_left = left.ok_or_else(|| self.too_large())?;
            }
            Node::Symlink { .. } => {}
        }
        Ok(Some((path, node)))
    }

    fn too_large(&self) -> ContentError {
        let config = &self.content.core.config;
        let (bytes, entries) = (config.tree_bytes_max, config.tree_entries_max);
        let why = format!("a tree may come to {bytes} bytes and {entries} entries when written");
        ContentError::Full { why }
    }
}
