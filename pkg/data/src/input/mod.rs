//! Trees as a job's inputs: read block by block while it runs, on its own thread.
//!
//! Every block is held to its CID again as it is read: a disk that lies must cost the run, and not
//! become a result.

mod file;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use gadus_model::{Cid, RAW};
use gadus_ports::{ContentError, InputDirectory, InputEntry, InputKind, InputNode};

use self::file::TreeFile;
use crate::block::verify;
use crate::content::Core;
use crate::error::io_error;
use crate::read::tree::{Halt, entries_by, entry_by};
use crate::unixfs::name;
use crate::unixfs::parse::{Parsed, parse};

/// What stands at a root.
///
/// # Errors
/// As [`gadus_ports::Content::input`].
pub(crate) fn open(core: &Arc<Core>, root: &Cid) -> Result<InputNode, ContentError> {
    Blocks(Arc::downgrade(core)).node(root)
}

/// Where blocks are read. The store is not kept open for a job that still runs.
#[derive(Clone)]
struct Blocks(Weak<Core>);

impl std::fmt::Debug for Blocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Blocks")
    }
}

impl Blocks {
    fn core(&self) -> Result<Arc<Core>, ContentError> {
        let closed = || io_error("reading an input", io::Error::other("the store is closed"));
        self.0.upgrade().ok_or_else(closed)
    }

    fn get(&self, cid: &Cid) -> Result<Bytes, ContentError> {
        let missing = ContentError::Missing { cid: *cid, asked: 0, waited_ms: 0 };
        let bytes = self.core()?.store.get(cid, None)?.ok_or(missing)?;
        verify(cid, &bytes)?;
        Ok(bytes)
    }

    fn parsed(&self, cid: &Cid) -> Result<Parsed, ContentError> {
        parse(cid, self.get(cid)?)
    }

    fn node(&self, cid: &Cid) -> Result<InputNode, ContentError> {
        Ok(match self.parsed(cid)? {
            Parsed::File(node) => {
                InputNode::File(Arc::new(TreeFile::new(self.clone(), *cid, node)))
            }
            Parsed::Symlink(target) => InputNode::Symlink(target),
            Parsed::Directory(links, _) => {
                let mut entries = BTreeMap::new();
                for link in links {
                    // Of two with one name, readers of paths find the first.
                    entries.entry(link.name).or_insert(link.cid);
                }
                InputNode::Directory(Arc::new(Plain { blocks: self.clone(), entries }))
            }
            shard @ Parsed::Shard(..) => {
                let root = *cid;
                InputNode::Directory(Arc::new(Hamt { blocks: self.clone(), root, shard }))
            }
        })
    }

    fn entry(&self, name: &str, cid: &Cid) -> Result<InputEntry, ContentError> {
        name::check(name)?;
        let kind = if cid.codec() == RAW {
            InputKind::File
        } else {
            match self.parsed(cid)? {
                Parsed::File(_) => InputKind::File,
                Parsed::Directory(..) | Parsed::Shard(..) => InputKind::Directory,
                Parsed::Symlink(_) => InputKind::Symlink,
            }
        };
        Ok(InputEntry { name: name.to_owned(), kind })
    }
}

/// A directory in one block.
#[derive(Debug)]
struct Plain {
    blocks: Blocks,
    entries: BTreeMap<String, Cid>,
}

impl InputDirectory for Plain {
    fn entry(&self, name: &str) -> Result<Option<InputNode>, ContentError> {
        self.entries.get(name).map(|cid| self.blocks.node(cid)).transpose()
    }

    fn list(&self) -> Result<Vec<InputEntry>, ContentError> {
        self.entries.iter().map(|(name, cid)| self.blocks.entry(name, cid)).collect()
    }
}

/// A directory of many blocks, of which the first is at hand.
#[derive(Debug)]
struct Hamt {
    blocks: Blocks,
    root: Cid,
    shard: Parsed,
}

impl Hamt {
    fn read(&self, cid: &Cid) -> Result<Parsed, Halt> {
        Ok(self.blocks.parsed(cid)?)
    }
}

impl InputDirectory for Hamt {
    fn entry(&self, name: &str) -> Result<Option<InputNode>, ContentError> {
        let mut passed = Vec::new();
        let shard = self.shard.clone();
        let found = entry_by(|cid| self.read(cid), &self.root, shard, name, &mut passed);
        let link = found.map_err(of_halt)?;
        link.map(|link| self.blocks.node(&link.cid)).transpose()
    }

    fn list(&self) -> Result<Vec<InputEntry>, ContentError> {
        let max = self.blocks.core()?.config.directory_entries_max;
        let links = entries_by(|cid| self.read(cid), max, &self.root, self.shard.clone());
        let links = links.map_err(of_halt)?;
        links.iter().map(|link| self.blocks.entry(&link.name, &link.cid)).collect()
    }
}

fn of_halt(halt: Halt) -> ContentError {
    match halt {
        Halt::Failed(error) => error,
        // `Blocks::get` never asks for more.
        Halt::Need(_) => io_error("reading an input", io::Error::other("blocks are not here")),
    }
}
