//! The CID of what is sent, computed here from the very bytes that go to the node.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::available_parallelism;

use bytes::{Buf, Bytes};
use gadus_api::ImportKind;
use gadus_api::types::ImportResponse;
use gadus_data::import::{Budget, Importer, Pool};
use gadus_data::unixfs::NullSink;
use gadus_ports::Layout;

use crate::exit::Exit;
use crate::failure::Failure;

/// Names of a path, at most: more than a system lets one have.
const DEPTH_MAX: usize = 4_096;

/// The CID that a node must come to.
///
/// # Errors
/// For bytes that break off.
pub(super) fn cid_of(kind: ImportKind, chunks: Receiver<Bytes>) -> Result<String, Failure> {
    let threads = available_parallelism().map_or(1, usize::from);
    let pool = Pool::new(threads).map_err(|e| Failure::io("start threads that hash", &e))?;
    let layout = match kind {
        ImportKind::File(layout) | ImportKind::Tar(layout) => layout,
        ImportKind::Car => Layout::default(),
    };
    let importer = Importer::new(Arc::new(NullSink), Arc::new(pool), layout);
    let mut budget = Budget::new(u64::MAX, u64::MAX);
    let mut source = Chunks { chunks, current: Bytes::new() };
    let built = match kind {
        ImportKind::Tar(_) => importer.tar(source, &mut budget, DEPTH_MAX),
        ImportKind::File(_) | ImportKind::Car => importer.file(&mut source, None, &mut budget),
    };
    built
        .map(|built| built.cid.to_string())
        .map_err(|e| Failure::usage("failed to compute the CID here").because(e.to_string()))
}

/// Holds what the node says against the CID that was computed here.
///
/// # Errors
/// Where they differ; both are named.
pub(super) fn compare(path: &Path, added: &ImportResponse, here: &str) -> Result<(), Failure> {
    if added.cid == here {
        return Ok(());
    }
    Err(Failure::new(Exit::Refused, format!("{} is not what the node took", path.display()))
        .because(format!("the node says it is {}", added.cid))
        .because(format!("what was sent is {here}"))
        .hint(
            "do not trust the node's CID: try again, and if it differs again, add it to another \
             node with --api",
        ))
}

/// Chunks as they come, as one stream.
struct Chunks {
    chunks: Receiver<Bytes>,
    current: Bytes,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.recv() {
                Ok(next) => self.current = next,
                Err(_) => return Ok(0),
            }
        }
        let taken = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..taken]);
        Ok(taken)
    }
}
