//! Reading trees: what stands at a path, and the bytes of files.

pub(crate) mod file;
pub(crate) mod plain;
mod resolve;
pub(crate) mod route;
#[cfg(test)]
mod tests;
pub(crate) mod tree;

use std::sync::Arc;

use gadus_model::Cid;
use gadus_ports::{ContentError, FetchFrom, NamespaceId, Node, Resolved};

use self::file::FileView;
use self::resolve::Stands;
use self::tree::Halt;
use crate::content::Core;
use crate::fetch;

/// What stands at a path under a root. Blocks that are not here are fetched where `from` is
/// given; the walk then begins again, with them at hand.
pub(crate) async fn open(
    core: &Arc<Core>,
    root: Cid,
    path: &str,
    from: Option<FetchFrom>,
) -> Result<Node, ContentError> {
    Ok(match walk(core, root, path, from.as_ref(), resolve::resolve).await? {
        Stands::File { cid, node } => {
            let (size, mode) = (node.size, node.mode);
            let view = FileView { core: core.clone(), from, cid, root: Arc::new(node) };
            Node::File { cid, size, mode, reader: Arc::new(view) }
        }
        Stands::Directory { cid, entries, mode } => Node::Directory { cid, entries, mode },
        Stands::Symlink { cid, target } => Node::Symlink { cid, target },
    })
}

/// Where a path leads.
pub(crate) async fn resolve(
    core: &Arc<Core>,
    root: Cid,
    path: &str,
    from: Option<&FetchFrom>,
) -> Result<Resolved, ContentError> {
    walk(core, root, path, from, route::resolved).await
}

/// A way of walking down from a root, by names.
type Down<T> = fn(&Core, Option<NamespaceId>, Cid, &[String]) -> Result<T, Halt>;

/// Walks down a path. What is not here is fetched where `from` is given; the walk then begins
/// again, with it at hand.
pub(crate) async fn walk<T: Send + 'static>(
    core: &Arc<Core>,
    root: Cid,
    path: &str,
    from: Option<&FetchFrom>,
    down: Down<T>,
) -> Result<T, ContentError> {
    let names: Vec<String> =
        path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let names = Arc::new(names);
    let namespace = from.and_then(|from| from.namespace);
    loop {
        let names = names.clone();
        let found = core.reading(move |core| Ok(down(core, namespace, root, &names))).await?;
        match (found, from) {
            (Ok(found), _) => return Ok(found),
            (Err(Halt::Failed(error)), _) => return Err(error),
            (Err(Halt::Need(cids)), Some(from)) => fetch::blocks(core, cids, from).await?,
            (Err(Halt::Need(cids)), None) => {
                let cid = cids.first().copied().unwrap_or(root);
                return Err(ContentError::Missing { cid, asked: 0, waited_ms: 0 });
            }
        }
    }
}
