//! Bytes from outside become blocks: files, directories, tars and CARs.

mod budget;
pub(crate) mod car;
mod pool;
mod tally;
mod tar_entry;
pub(crate) mod tar_tree;
pub(crate) mod walk;

use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use gadus_ports::ContentError;

pub use self::budget::Budget;
pub use self::pool::Pool;
use crate::block::raw_cid;
use crate::error::io_error;
use crate::unixfs::file::FileTree;
use crate::unixfs::node::Link;
use crate::unixfs::{BlockSink, Built, CHUNK_BYTES, directory, put_symlink};

/// Makes UnixFS trees and gives their blocks to a sink. It works on the calling thread, which may
/// have to wait; large files are hashed and stored by the pool's threads.
#[derive(Clone)]
pub struct Importer {
    sink: Arc<dyn BlockSink>,
    pool: Arc<Pool>,
}

/// A chunk that is being hashed and stored.
type Pending = Receiver<Result<Built, ContentError>>;

impl Importer {
    /// An importer into a sink.
    #[must_use]
    pub fn new(sink: Arc<dyn BlockSink>, pool: Arc<Pool>) -> Self {
        Self { sink, pool }
    }

    /// Where the blocks go.
    pub(crate) fn sink(&self) -> &dyn BlockSink {
        self.sink.as_ref()
    }

    /// Imports one file; no more than a few chunks of it are in memory at a time.
    ///
    /// # Errors
    /// `Io` from the source, `TooMuchOutput` from the budget, and what the sink says.
    pub fn file(&self, source: &mut dyn Read, budget: &mut Budget) -> Result<Built, ContentError> {
        budget.count_file();
        let first = self.read_chunk(source, budget)?;
        if first.len() < CHUNK_BYTES {
            let built = store_leaf(self.sink(), &first)?;
            self.pool.buffers().give_back(first);
            return Ok(built);
        }
        let mut tree = FileTree::default();
        let mut pending = VecDeque::from([self.submit(first)]);
        loop {
            let chunk = self.read_chunk(source, budget)?;
            let is_last = chunk.len() < CHUNK_BYTES;
            if !chunk.is_empty() {
                pending.push_back(self.submit(chunk));
            }
            let waiting_max = if is_last { 0 } else { 2 * self.pool.threads() };
            while pending.len() > waiting_max {
                let Some(next) = pending.pop_front() else { break };
                tree.leaf(self.sink(), wait(&next)?)?;
            }
            if is_last {
                break;
            }
        }
        let built = tree.finish(self.sink())?.map(|(built, _)| built);
        built.map_or_else(|| store_leaf(self.sink(), &[]), Ok)
    }

    /// Imports a tree from a tar archive, as a node does with what it is sent; `depth_max` is in
    /// names of a path.
    ///
    /// # Errors
    /// `Malformed`, `UnsafeName`, and as [`Importer::file`].
    pub fn tar(
        &self,
        source: impl Read,
        budget: &mut Budget,
        depth_max: usize,
    ) -> Result<Built, ContentError> {
        tar_tree::import(self, source, budget, depth_max)
    }

    /// Stores a symbolic link.
    pub(crate) fn symlink(&self, target: &[u8]) -> Result<Built, ContentError> {
        put_symlink(self.sink(), target)
    }

    /// Stores a directory of trees that are stored.
    pub(crate) fn directory(&self, entries: Vec<Link>) -> Result<Built, ContentError> {
        directory::build(self.sink(), entries)
    }

    fn read_chunk(
        &self,
        source: &mut dyn Read,
        budget: &mut Budget,
    ) -> Result<Vec<u8>, ContentError> {
        let mut buffer = self.pool.buffers().take();
        let read = source.take(CHUNK_BYTES as u64).read_to_end(&mut buffer);
        read.map_err(|e| io_error("reading what is to be imported", e))?;
        budget.take_bytes(buffer.len() as u64)?;
        Ok(buffer)
    }

    fn submit(&self, chunk: Vec<u8>) -> Pending {
        let (done, pending) = sync_channel(1);
        let (sink, buffers) = (self.sink.clone(), self.pool.buffers().clone());
        self.pool.submit(Box::new(move || {
            let stored = store_leaf(sink.as_ref(), &chunk);
            drop(sink);
            buffers.give_back(chunk);
            // The import may have failed meanwhile.
            let _ = done.send(stored);
        }));
        pending
    }
}

fn store_leaf(sink: &dyn BlockSink, bytes: &[u8]) -> Result<Built, ContentError> {
    let cid = raw_cid(bytes);
    sink.put(&cid, bytes)?;
    Ok(Built { cid, size: bytes.len() as u64 })
}

fn wait(pending: &Pending) -> Result<Built, ContentError> {
    let lost = || io_error("hashing a chunk", std::io::Error::from(std::io::ErrorKind::BrokenPipe));
    pending.recv().map_err(|_| lost())?
}

/// A link to a tree, under a name.
pub(crate) fn link(name: String, built: Built) -> Link {
    Link { cid: built.cid, name, size: built.size }
}
