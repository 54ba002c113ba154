//! From a root and a path to what stands there.

use gadus_model::{Cid, RAW};
use gadus_ports::{ContentError, DirEntry, EntryKind, NamespaceId};

use super::route::{Route, route};
use super::tree::{Halt, entries, node};
use crate::content::Core;
use crate::unixfs::node::Link;
use crate::unixfs::parse::{FileNode, Parsed, parse};

/// What was found.
pub(super) enum Stands {
    File { cid: Cid, node: FileNode },
    Directory { cid: Cid, entries: Vec<DirEntry>, mode: Option<u32> },
    Symlink { cid: Cid, target: String },
}

/// Walks down; links are not followed.
pub(super) fn resolve(
    core: &Core,
    namespace: Option<NamespaceId>,
    root: Cid,
    names: &[String],
) -> Result<Stands, Halt> {
    let Route { cid, inside, .. } = route(core, namespace, root, names)?;
    if let Some(name) = inside.first() {
        return Err(ContentError::NoSuchPath { name: name.clone(), cid }.into());
    }
    match node(core, namespace, &cid)? {
        Parsed::File(file) => Ok(Stands::File { cid, node: file }),
        Parsed::Symlink(target) => Ok(Stands::Symlink { cid, target }),
        directory @ (Parsed::Directory(..) | Parsed::Shard(..)) => {
            let mode = directory.mode();
            let links = entries(core, namespace, &cid, directory)?;
            let entries = links.into_iter().map(|link| dir_entry(core, namespace, link));
            let entries = entries.collect::<Result<_, ContentError>>()?;
            Ok(Stands::Directory { cid, entries, mode })
        }
    }
}

fn dir_entry(
    core: &Core,
    namespace: Option<NamespaceId>,
    link: Link,
) -> Result<DirEntry, ContentError> {
    let kind = if link.cid.codec() == RAW {
        EntryKind::File
    } else {
        match core.store.get(&link.cid, namespace)?.map(|bytes| parse(&link.cid, bytes)) {
            Some(Ok(Parsed::File(_))) => EntryKind::File,
            Some(Ok(Parsed::Directory(..) | Parsed::Shard(..))) => EntryKind::Directory,
            Some(Ok(Parsed::Symlink(_))) => EntryKind::Symlink,
            Some(Err(_)) | None => EntryKind::Unknown,
        }
    };
    Ok(DirEntry { name: link.name, cid: link.cid, kind, size: link.size })
}
