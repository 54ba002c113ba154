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
    let read = |cid: &Cid| node(core, namespace, cid);
    entries_by(read, core.config.directory_entries_max, cid, directory)
}

/// The same, of blocks that are read in some way; a directory has so many entries at most.
pub(crate) fn entries_by(
    read: impl Fn(&Cid) -> Result<Parsed, Halt>,
    entries_max: usize,
    cid: &Cid,
    directory: Parsed,
) -> Result<Vec<Link>, Halt> {
    let (shape, links) = match directory {
        Parsed::Directory(links, _) => return few_and_sorted(entries_max, cid, links),
        Parsed::Shard(shape, links, _) => (shape, links),
        Parsed::File(_) | Parsed::Symlink(_) => return Err(not_directory(cid).into()),
    };
    let links_left = 2 * entries_max + HAMT_LINKS_FREE;
    let (entries, shards) = (Vec::new(), Vec::new());
    let mut walk = Walk { cid, shape, entries_max, links_left, entries, shards };
    let mut missing = Vec::new();
    walk.take(links, 1)?;
    while let Some((shard, depth)) = walk.shards.pop() {
        match read(&shard) {
            Ok(Parsed::Shard(below, links, _)) if depth < shape.depth_max() => {
                same_shape(cid, shape, below)?;
                walk.take(links, depth + 1)?;
            }
            Ok(_) => return Err(bad(cid, "its HAMT is not well formed").into()),
            Err(Halt::Need(cids)) => missing.extend(cids),
            Err(halt @ Halt::Failed(_)) => return Err(halt),
        }
    }
    if !missing.is_empty() {
        return Err(Halt::Need(missing));
    }
    few_and_sorted(entries_max, cid, walk.entries)
}

/// A HAMT on its way to a list. Of the shards that are still to be read it holds the content ids
/// alone: each of them may name as many again.
struct Walk<'a> {
    cid: &'a Cid,
    shape: Shape,
    entries_max: usize,
    /// A HAMT has fewer shards than entries, or nearly. One that leads nowhere many times is not
    /// followed for ever.
    links_left: usize,
    entries: Vec<Link>,
    /// With their depths; the next is the last.
    shards: Vec<(Cid, u32)>,
}

impl Walk<'_> {
    fn take(&mut self, links: Vec<Link>, depth: u32) -> Result<(), ContentError> {
        if links.len() > self.shape.fanout() {
            return Err(bad(self.cid, "its HAMT is not well formed"));
        }
        self.links_left = self
            .links_left
            .checked_sub(links.len())
            .ok_or_else(|| bad(self.cid, "its HAMT has more shards than entries"))?;
        let first = self.shards.len();
        for link in links {
            match self.shape.slot(&link.name).map_err(|why| bad(self.cid, &why))? {
                Slot::Entry(name) => self.entries.push(Link { name: name.to_owned(), ..link }),
                Slot::Shard => self.shards.push((link.cid, depth)),
            }
        }
        self.shards[first..].reverse();
        few_enough(self.entries_max, self.cid, self.entries.len())
    }
}

fn few_and_sorted(max: usize, cid: &Cid, mut entries: Vec<Link>) -> Result<Vec<Link>, Halt> {
    few_enough(max, cid, entries.len())?;
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
    entry_by(|cid| node(core, namespace, cid), cid, directory, name, passed)
}

/// The same, of blocks that are read in some way.
pub(crate) fn entry_by(
    read: impl Fn(&Cid) -> Result<Parsed, Halt>,
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
                at = read(&link.cid)?;
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

fn few_enough(max: usize, cid: &Cid, entries: usize) -> Result<(), ContentError> {
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
