//! From a root and names to a CID, with every block on the way.

use gadus_model::{Cid, DAG_CBOR, DAG_PB, RAW};
use gadus_ports::{ContentError, EntryKind, NamespaceId, Resolved};

use super::plain::{Descent, descend};
use super::tree::{Halt, entry, node};
use crate::content::Core;
use crate::dag::DAG_JSON;
use crate::unixfs::parse::{Parsed, parse};

/// A way down.
pub(crate) struct Route {
    /// All blocks that were read, in order; what stands at the end is none of them.
    pub(crate) passed: Vec<Cid>,
    /// The root, and for each name the block that it leads to.
    pub(crate) roots: Vec<Cid>,
    /// What stands at the end.
    pub(crate) cid: Cid,
    /// Names that lead to a place within it.
    pub(crate) inside: Vec<String>,
}

/// Walks down. Symbolic links are not followed.
pub(crate) fn route(
    core: &Core,
    namespace: Option<NamespaceId>,
    root: Cid,
    names: &[String],
) -> Result<Route, Halt> {
    let mut route = Route { passed: Vec::new(), roots: vec![root], cid: root, inside: Vec::new() };
    let mut rest = names;
    while let Some((name, after)) = rest.split_first() {
        let cid = route.cid;
        let none = || Halt::from(ContentError::NoSuchPath { name: name.clone(), cid });
        match cid.codec() {
            DAG_PB => {
                let at = node(core, namespace, &cid)?;
                route.passed.push(cid);
                let link = entry(core, namespace, &cid, at, name, &mut route.passed)?;
                route.cid = link.ok_or_else(none)?.cid;
                route.roots.push(route.cid);
                rest = after;
            }
            DAG_CBOR | DAG_JSON => {
                let block = core.store.get(&cid, namespace)?;
                let block = block.ok_or_else(|| Halt::Need(vec![cid]))?;
                match descend(&cid, &block, rest)? {
                    Descent::Link { to, names } => {
                        route.passed.push(cid);
                        route.roots.extend(std::iter::repeat_n(cid, names - 1));
                        route.roots.push(to);
                        route.cid = to;
                        rest = &rest[names..];
                    }
                    Descent::Inside => {
                        route.roots.extend(std::iter::repeat_n(cid, rest.len()));
                        route.inside = rest.to_vec();
                        rest = &[];
                    }
                }
            }
            _ => return Err(none()),
        }
    }
    Ok(route)
}

/// The same, with what stands at the end.
pub(super) fn resolved(
    core: &Core,
    namespace: Option<NamespaceId>,
    root: Cid,
    names: &[String],
) -> Result<Resolved, Halt> {
    let Route { roots, cid, inside, .. } = route(core, namespace, root, names)?;
    let kind = match cid.codec() {
        RAW => EntryKind::File,
        DAG_PB => {
            let block = core.store.get(&cid, namespace)?;
            match parse(&cid, block.ok_or_else(|| Halt::Need(vec![cid]))?) {
                Ok(Parsed::File(_)) => EntryKind::File,
                Ok(Parsed::Directory(..) | Parsed::Shard(..)) => EntryKind::Directory,
                Ok(Parsed::Symlink(_)) => EntryKind::Symlink,
                // DAG-PB that is no UnixFS.
                Err(_) => EntryKind::Unknown,
            }
        }
        _ => EntryKind::Unknown,
    };
    Ok(Resolved { roots, cid, kind, inside })
}
