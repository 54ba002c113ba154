//! Trees as a job's inputs: read block by block while it runs, on its own thread.
//!
//! Every block is held to its CID again as it is read: a disk that lies must cost the run, and not
//! become a result. What is open is a CID; the nodes of a tree that were read last are kept beside
//! it, within a limit.

mod cache;
mod file;
mod node;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use gadus_model::{Cid, RAW};
use gadus_ports::{ContentError, InputDirectory, InputEntry, InputKind, InputNode};

use self::cache::Cache;
use self::file::TreeFile;
use self::node::InputBlock;
use crate::block::verify;
use crate::content::Core;
use crate::error::{io_error, malformed};
use crate::read::tree::{Halt, entries_by, entry_by};
use crate::unixfs::name;
use crate::unixfs::parse::{Parsed, parse};

/// What stands at a root.
///
/// # Errors
/// As [`gadus_ports::Content::input`].
pub(crate) fn open(core: &Arc<Core>, root: &Cid) -> Result<InputNode, ContentError> {
    let tree = Tree { core: Arc::downgrade(core), cache: Arc::default() };
    tree.stands(root)
}

/// Where blocks are read, and what is kept of them. The store is not kept open for a job that still
/// runs.
#[derive(Clone)]
struct Tree {
    core: Weak<Core>,
    cache: Arc<Cache>,
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tree")
    }
}

impl Tree {
    fn core(&self) -> Result<Arc<Core>, ContentError> {
        let closed = || io_error("reading an input", io::Error::other("the store is closed"));
        self.core.upgrade().ok_or_else(closed)
    }

    fn get(&self, cid: &Cid) -> Result<Bytes, ContentError> {
        let missing = ContentError::Missing { cid: *cid, asked: 0, waited_ms: 0 };
        let bytes = self.core()?.store.get(cid, None)?.ok_or(missing)?;
        verify(cid, &bytes)?;
        Ok(bytes)
    }

    /// A block, read now and not kept.
    fn parsed(&self, cid: &Cid) -> Result<Parsed, ContentError> {
        parse(cid, self.get(cid)?)
    }

    /// A block that is kept, or read now.
    fn node(&self, cid: &Cid) -> Result<Arc<InputBlock>, ContentError> {
        // Held to the end: what is kept is no answer for a store that is closed.
        let _core = self.core()?;
        if let Some(node) = self.cache.get(cid) {
            return Ok(node);
        }
        let node = Arc::new(InputBlock::of(self.parsed(cid)?));
        self.cache.put(cid, &node);
        Ok(node)
    }

    fn stands(&self, cid: &Cid) -> Result<InputNode, ContentError> {
        let (tree, cid) = (self.clone(), *cid);
        Ok(match &*self.node(&cid)? {
            InputBlock::File(part) => {
                InputNode::File(Arc::new(TreeFile::new(tree, cid, part.size)))
            }
            InputBlock::Symlink(target) => InputNode::Symlink(target.clone()),
            InputBlock::Directory(_) | InputBlock::Shard(_) => {
                InputNode::Directory(Arc::new(TreeDirectory { tree, cid }))
            }
        })
    }
}

/// A directory, in one block or of many.
#[derive(Debug)]
struct TreeDirectory {
    tree: Tree,
    cid: Cid,
}

impl TreeDirectory {
    /// A shard below the first.
    fn shard(&self, cid: &Cid) -> Result<Parsed, Halt> {
        match &*self.tree.node(cid)? {
            InputBlock::Shard(shard) => Ok(shard.clone()),
            InputBlock::File(_) | InputBlock::Directory(_) | InputBlock::Symlink(_) => {
                Err(self.bad("its HAMT is not well formed").into())
            }
        }
    }

    fn bad(&self, why: &str) -> ContentError {
        malformed(format!("directory {}", self.cid), why)
    }
}

impl InputDirectory for TreeDirectory {
    fn entry(&self, name: &str) -> Result<Option<InputNode>, ContentError> {
        let found = match &*self.tree.node(&self.cid)? {
            InputBlock::Directory(entries) => entries.get(name).copied(),
            InputBlock::Shard(shard) => {
                let mut passed = Vec::new();
                let read = |cid: &Cid| self.shard(cid);
                let link = entry_by(read, &self.cid, shard.clone(), name, &mut passed);
                link.map_err(of_halt)?.map(|link| link.cid)
            }
            InputBlock::File(_) | InputBlock::Symlink(_) => {
                return Err(self.bad("it is not a directory"));
            }
        };
        found.map(|cid| self.tree.stands(&cid)).transpose()
    }

    fn list(&self) -> Result<Vec<InputEntry>, ContentError> {
        Ok(self.list_while(&mut |_| true)?.unwrap_or_default())
    }

    fn list_while(
        &self,
        wants: &mut dyn FnMut(Option<&str>) -> bool,
    ) -> Result<Option<Vec<InputEntry>>, ContentError> {
        let mut kinds = Kinds { tree: &self.tree, known: HashMap::new() };
        match &*self.tree.node(&self.cid)? {
            InputBlock::Directory(entries) => kinds.entries(entries.iter(), wants),
            InputBlock::Shard(shard) => {
                let max = self.tree.core()?.config.directory_entries_max;
                let asking = RefCell::new(&mut *wants);
                // That it stops is no failure: `Need` of nothing says so.
                let read = |cid: &Cid| match (asking.borrow_mut())(None) {
                    true => self.shard(cid),
                    false => Err(Halt::Need(Vec::new())),
                };
                let links = match entries_by(read, max, &self.cid, shard.clone()) {
                    Ok(links) if (asking.borrow_mut())(None) => links,
                    Ok(_) => return Ok(None),
                    Err(Halt::Need(_)) => return Ok(None),
                    Err(halt @ Halt::Failed(_)) => return Err(of_halt(halt)),
                };
                kinds.entries(links.iter().map(|link| (&*link.name, &link.cid)), wants)
            }
            InputBlock::File(_) | InputBlock::Symlink(_) => Err(self.bad("it is not a directory")),
        }
    }
}

/// What the entries of one directory are. Blocks are read for that, each of them once, however
/// often it is named.
struct Kinds<'a> {
    tree: &'a Tree,
    known: HashMap<Cid, InputKind>,
}

impl Kinds<'_> {
    fn entries<'e>(
        &mut self,
        links: impl Iterator<Item = (&'e str, &'e Cid)>,
        wants: &mut dyn FnMut(Option<&str>) -> bool,
    ) -> Result<Option<Vec<InputEntry>>, ContentError> {
        let mut entries = Vec::new();
        for (name, cid) in links {
            if !wants(Some(name)) {
                return Ok(None);
            }
            entries.push(self.entry(name, cid)?);
        }
        Ok(Some(entries))
    }

    fn entry(&mut self, name: &str, cid: &Cid) -> Result<InputEntry, ContentError> {
        name::check(name)?;
        Ok(InputEntry { name: name.to_owned(), kind: self.of(cid)? })
    }

    fn of(&mut self, cid: &Cid) -> Result<InputKind, ContentError> {
        if cid.codec() == RAW {
            return Ok(InputKind::File);
        }
        if let Some(kind) = self.known.get(cid) {
            return Ok(*kind);
        }
        let kind = match self.tree.cache.get(cid) {
            Some(node) => node.kind(),
            None => match self.tree.parsed(cid)? {
                Parsed::File(_) => InputKind::File,
                Parsed::Directory(..) | Parsed::Shard(..) => InputKind::Directory,
                Parsed::Symlink(_) => InputKind::Symlink,
            },
        };
        self.known.insert(*cid, kind);
        Ok(kind)
    }
}

fn of_halt(halt: Halt) -> ContentError {
    match halt {
        Halt::Failed(error) => error,
        // `Tree::get` never asks for more.
        Halt::Need(_) => io_error("reading an input", io::Error::other("blocks are not here")),
    }
}
