//! Reading trees: what stands at a path, and the bytes of files.

pub(crate) mod file;
mod resolve;
#[cfg(test)]
mod tests;
pub(crate) mod tree;

use std::sync::Arc;

use gadus_model::Cid;
use gadus_ports::{ContentError, FetchFrom, Node};

use self::file::FileView;
use self::resolve::Stands;
use self::tree::Halt;
use crate::content::{Core, blocking};
use crate::fetch;

/// What stands at a path under a root. Blocks that are not here are fetched where `from` is
/// given; the walk then begins again, with them at hand.
pub(crate) async fn open(
    core: &Arc<Core>,
    root: Cid,
    path: &str,
    from: Option<FetchFrom>,
) -> Result<Node, ContentError> {
    let names: Vec<String> =
        path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let names = Arc::new(names);
    let namespace = from.as_ref().and_then(|from| from.namespace);
    loop {
        let (local, names) = (core.clone(), names.clone());
        let found = blocking(move || Ok(resolve::resolve(&local, namespace, root, &names))).await?;
        match (found, &from) {
            (Ok(Stands::File { cid, node }), _) => {
                let (size, mode) = (node.size, node.mode);
                let view = FileView { core: core.clone(), from, cid, root: Arc::new(node) };
                return Ok(Node::File { cid, size, mode, reader: Arc::new(view) });
            }
            (Ok(Stands::Directory { cid, entries, mode }), _) => {
                return Ok(Node::Directory { cid, entries, mode });
            }
            (Ok(Stands::Symlink { cid, target }), _) => return Ok(Node::Symlink { cid, target }),
            (Err(Halt::Failed(error)), _) => return Err(error),
            (Err(Halt::Need(cids)), Some(from)) => fetch::blocks(core, cids, from).await?,
            (Err(Halt::Need(cids)), None) => {
                let cid = cids.first().copied().unwrap_or(root);
                return Err(ContentError::Missing { cid, asked: 0, waited_ms: 0 });
            }
        }
    }
}
