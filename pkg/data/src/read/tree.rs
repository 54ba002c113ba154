//! Trees as far as their blocks are here.

use gadus_model::Cid;
use gadus_ports::{ContentError, NamespaceId};

use crate::content::Core;
use crate::error::malformed;
use crate::unixfs::hamt::{Shape, Slot};
use crate::unixfs::node::Link;
use crate::unixfs::parse::{Parsed, parse};

/// Links of a HAMT that any directory may have, however few entries are allowed.
const HAMT_LINKS_FREE: usize = 4_096;

/// Why a walk cannot go on.
#[derive(Debug)]
pub(crate) enum Halt {
    /// These blocks are not here.
    Need(Vec<Cid>),
    Failed(ContentError),
}

impl From<ContentError> for Halt {
    fn from(error: ContentError) -> Self {
        Self::Failed(error)
    }
}

/// The block of a tree, read.
pub(crate) fn node(core: &Core, namespace: Option<NamespaceId>, cid: &Cid) -> Result<Parsed, Halt> {
    match core.store.get(cid, namespace)? {
        Some(bytes) => Ok(parse(cid, bytes)?),
        None => Err(Halt::Need(vec![*cid])),
    }
}

/// All entries of a directory, of either form, sorted by name.
pub(crate) fn entries(
    core: &Core,
    namespace: Option<NamespaceId>,
    cid: &Cid,
    directory: Parsed,
) -> Result<Vec<Link>, Halt> {
    let mut entries = Vec::new();
    let mut missing = Vec::new();
    let mut shards = match directory {
        Parsed::Directory(links, _) => {
            entries = links;
            Vec::new()
        }
        Parsed::Shard(shape, links, _) => vec![(shape, links, 1)],
        Parsed::File(_) | Parsed::Symlink(_) => return Err(not_directory(cid).into()),
    };
    // A HAMT has fewer shards than entries, or nearly. One that leads nowhere many times is not
    // followed for ever.
    let mut links_left = 2 * core.config.directory_entries_max + HAMT_LINKS_FREE;
    while let Some((shape, links, depth)) = shards.pop() {
        if links.len() > shape.fanout() {
            return Err(bad(cid, "its HAMT is not well formed").into());
        }
        links_left = links_left
            .checked_sub(links.len())
            .ok_or_else(|| bad(cid, "its HAMT has more shards than entries"))?;
        for link in links {
            let slot = shape.slot(&link.name).map_err(|why| bad(cid, &why))?;
            match slot {
                Slot::Entry(name) => entries.push(Link { name: name.to_owned(), ..link }),
                Slot::Shard => match node(core, namespace, &link.cid) {
                    Ok(Parsed::Shard(below, links, _)) if depth < shape.depth_max() => {
                        same_shape(cid, shape, below)?;
                        shards.push((below, links, depth + 1));
                    }
                    Ok(_) => return Err(bad(cid, "its HAMT is not well formed").into()),
                    Err(Halt::Need(cids)) => missing.extend(cids),
                    Err(halt @ Halt::Failed(_)) => return Err(halt),
                },
            }
        }
        few_enough(core, cid, entries.len())?;
    }
    few_enough(core, cid, entries.len())?;
    if !missing.is_empty() {
        return Err(Halt::Need(missing));
    }
    entries.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    Ok(entries)
}

/// The entry of a name; `None` when there is none. The shards on the way to it are `passed`.
pub(crate) fn entry(
    core: &Core,
    namespace: Option<NamespaceId>,
    cid: &Cid,
    directory: Parsed,
    name: &str,
    passed: &mut Vec<Cid>,
) -> Result<Option<Link>, Halt> {
    let mut at = directory;
    let mut depth = 0;
    loop {
        match at {
            Parsed::Directory(links, _) if depth == 0 => {
                return Ok(links.into_iter().find(|link| link.name == name));
            }
            Parsed::Shard(shape, links, _) => {
                let Some(place) = shape.place(name, depth) else { return Ok(None) };
                let here = |link: &Link| {
                    link.name == place || link.name.strip_prefix(&place) == Some(name)
                };
                let Some(link) = links.into_iter().find(here) else { return Ok(None) };
                if link.name != place {
                    return Ok(Some(Link { name: name.to_owned(), ..link }));
                }
                at = node(core, namespace, &link.cid)?;
                passed.push(link.cid);
                depth += 1;
            }
            Parsed::Directory(..) | Parsed::File(_) | Parsed::Symlink(_) if depth > 0 => {
                return Err(bad(cid, "its HAMT is not well formed").into());
            }
            Parsed::Directory(..) | Parsed::File(_) | Parsed::Symlink(_) => return Ok(None),
        }
    }
}

fn few_enough(core: &Core, cid: &Cid, entries: usize) -> Result<(), ContentError> {
    let max = core.config.directory_entries_max;
    if entries > max {
        return Err(bad(cid, &format!("it has more than {max} entries")));
    }
    Ok(())
}

fn same_shape(cid: &Cid, above: Shape, below: Shape) -> Result<(), ContentError> {
    if above == below { Ok(()) } else { Err(bad(cid, "its HAMT changes its fan-out")) }
}

fn not_directory(cid: &Cid) -> ContentError {
    bad(cid, "it is not a directory")
}

fn bad(cid: &Cid, why: &str) -> ContentError {
    malformed(format!("directory {cid}"), why)
}
