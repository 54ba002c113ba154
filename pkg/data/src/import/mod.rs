//! Bytes from outside become blocks: files, directories, tars and CARs.

mod budget;
pub(crate) mod car;
pub(crate) mod links;
pub(crate) mod named;
mod pool;
mod tally;
mod tar_entry;
pub(crate) mod tar_tree;
pub(crate) mod walk;

use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use gadus_ports::{ContentError, Layout};

pub use self::budget::Budget;
pub use self::pool::Pool;
use crate::error::io_error;
use crate::unixfs::file::FileTree;
use crate::unixfs::form::Form;
use crate::unixfs::node::Link;
use crate::unixfs::{BlockSink, Built, Maker, directory};

/// Makes UnixFS trees and gives their blocks to a sink. It works on the calling thread, which may
/// have to wait; large files are hashed and stored by the pool's threads.
#[derive(Clone)]
pub struct Importer {
    sink: Arc<dyn BlockSink>,
    pool: Arc<Pool>,
    form: Form,
}

/// A chunk that is being hashed and stored, and its bytes.
type Pending = (Receiver<Result<Built, ContentError>>, u64);

impl Importer {
    /// An importer into a sink.
    #[must_use]
    pub fn new(sink: Arc<dyn BlockSink>, pool: Arc<Pool>, layout: Layout) -> Self {
        Self { sink, pool, form: layout.into() }
    }

    fn maker(&self) -> Maker<'_> {
        Maker { sink: self.sink(), form: self.form }
    }

    /// Whether permissions are wanted.
    pub(crate) fn keeps_modes(&self) -> bool {
        self.form.keep_modes
    }

    /// Where the blocks go.
    pub(crate) fn sink(&self) -> &dyn BlockSink {
        self.sink.as_ref()
    }

    /// Imports one file; no more than a few chunks of it are in memory at a time. Its `mode` counts
    /// where the layout keeps modes.
    ///
    /// # Errors
    /// `Io` from the source, `TooMuchOutput` from the budget, and what the sink says.
    pub fn file(
        &self,
        source: &mut dyn Read,
        mode: Option<u32>,
        budget: &mut Budget,
    ) -> Result<Built, ContentError> {
        budget.count_file();
        let first = self.read_chunk(source, budget)?;
        let full = self.form.chunk_bytes();
        let mut next = match first.len() == full {
            true => self.read_chunk(source, budget)?,
            false => Vec::new(),
        };
        if next.is_empty() {
            let built = self.maker().leaf(&first, mode)?;
            self.pool.buffers().give_back(first);
            return Ok(built);
        }
        let mut tree = FileTree::default();
        let mut pending = VecDeque::from([self.submit(first)]);
        while !next.is_empty() {
            let is_last = next.len() < full;
            pending.push_back(self.submit(next));
            next = if is_last { Vec::new() } else { self.read_chunk(source, budget)? };
            let waiting_max = if next.is_empty() { 0 } else { 2 * self.pool.threads() };
            while pending.len() > waiting_max {
                let Some((done, bytes)) = pending.pop_front() else { break };
                tree.leaf(self.maker(), wait(&done)?, bytes)?;
            }
        }
        let built = tree.finish(self.maker(), mode)?;
        built.map_or_else(|| self.maker().leaf(&[], mode), Ok)
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
        self.maker().symlink(target)
    }

    /// Stores a directory of trees that are stored.
    pub(crate) fn directory(
        &self,
        entries: Vec<Link>,
        mode: Option<u32>,
    ) -> Result<Built, ContentError> {
        directory::build(self.maker(), entries, mode)
    }

    fn read_chunk(
        &self,
        source: &mut dyn Read,
        budget: &mut Budget,
    ) -> Result<Vec<u8>, ContentError> {
        let mut buffer = self.pool.buffers().take();
        let read = source.take(self.form.chunk_bytes() as u64).read_to_end(&mut buffer);
        read.map_err(|e| io_error("reading what is to be imported", e))?;
        budget.take_bytes(buffer.len() as u64)?;
        Ok(buffer)
    }

    fn submit(&self, chunk: Vec<u8>) -> Pending {
        let (done, pending) = sync_channel(1);
        let (sink, buffers) = (self.sink.clone(), self.pool.buffers().clone());
        let (form, bytes) = (self.form, chunk.len() as u64);
        self.pool.submit(Box::new(move || {
            let stored = Maker { sink: sink.as_ref(), form }.leaf(&chunk, None);
            drop(sink);
            buffers.give_back(chunk);
            // The import may have failed meanwhile.
            let _ = done.send(stored);
        }));
        (pending, bytes)
    }
}

fn wait(done: &Receiver<Result<Built, ContentError>>) -> Result<Built, ContentError> {
    let lost = || io_error("hashing a chunk", std::io::Error::from(std::io::ErrorKind::BrokenPipe));
    done.recv().map_err(|_| lost())?
}

/// A link to a tree, under a name.
pub(crate) fn link(name: String, built: Built) -> Link {
    Link { cid: built.cid, name, size: built.size }
}
