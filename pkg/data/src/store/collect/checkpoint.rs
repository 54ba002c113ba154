//! What the log said up to a place in it, in a file of its own, so that older log packs can go.
//!
//! The file is only read when the index has to be made again. It holds what cannot be told from
//! blocks alone: pins, which namespaces are quarantined and which were published, and where bulk
//! packs end. Blocks that are still in older packs are found by reading those.
//!
//! ```text
//! magic "gadus-c1" | records, as in packs | a record `End`
//! ```

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::path::Path;

use gadus_model::Cid;
use gadus_ports::{ContentError, NamespaceId};
use rustix::fs::fsync;

use super::super::Inner;
use super::super::record::{self, Entry, Extent, PREFIX_BYTES};
use super::super::state::{PinChange, Position};
use crate::block::Key;
use crate::error::io_error;

const MAGIC: &[u8; 8] = b"gadus-c1";
const NAME: &str = "checkpoint";

/// A checkpoint that was read.
#[derive(Debug, Default)]
pub(crate) struct Checkpoint {
    /// Records of the log before this are in it, blocks excepted.
    pub(crate) position: Position,
    pub(crate) extents: Vec<Extent>,
    pub(crate) quarantined: HashSet<NamespaceId>,
    pub(crate) published: HashSet<NamespaceId>,
    /// Blocks that are quarantined though their namespace was published before.
    pub(crate) hidden: HashSet<(NamespaceId, Key)>,
    pub(crate) results: Vec<(NamespaceId, Cid)>,
    pub(crate) pins: Vec<PinChange>,
}

/// Writes down what the index knows; it takes the place of the one before, whole or not at all.
///
/// # Errors
/// `Io`, `Full`.
pub(super) fn write(inner: &Inner) -> Result<(), ContentError> {
    let failed = |e: io::Error| io_error("writing the checkpoint of the content store", e);
    let part = inner.dir.join("checkpoint.part");
    let file = File::create(&part).map_err(failed)?;
    let mut out = BufWriter::new(file);
    out.write_all(MAGIC).map_err(failed)?;
    let exported = inner.index.export(&mut |entry| out.write_all(&record::encode(&entry, 0)));
    exported.map_err(|e| failed(io::Error::other(e)))?.map_err(failed)?;
    let file = out.into_inner().map_err(|e| failed(e.into_error()))?;
    file.sync_data().map_err(failed)?;
    inner.crash.reach("content.gc_checkpoint_part");
    std::fs::rename(&part, inner.dir.join(NAME)).map_err(failed)?;
    let dir = File::open(&inner.dir).map_err(failed)?;
    fsync(dir).map_err(|e| failed(e.into()))
}

/// Reads the checkpoint, where there is one.
///
/// # Errors
/// When it cannot be read, or is not whole.
pub(crate) fn read(dir: &Path) -> io::Result<Option<Checkpoint>> {
    let file = match File::open(dir.join(NAME)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut file = BufReader::new(file);
    let mut magic = [0; 8];
    file.read_exact(&mut magic)?;
    if &magic != MAGIC {
        return Err(damaged());
    }
    let mut found = Checkpoint::default();
    loop {
        match entry(&mut file)? {
            Entry::End { position } => {
                found.position = position;
                return Ok(Some(found));
            }
            Entry::Commit { extents } => found.extents.extend(extents),
            Entry::Known { quarantined, published } => {
                found.quarantined.extend(quarantined);
                found.published.extend(published);
            }
            Entry::Hidden { namespace, digests } => {
                found.hidden.extend(digests.into_iter().map(|digest| (namespace, Key(digest))));
            }
            Entry::Outputs { namespace, root } => found.results.push((namespace, root)),
            Entry::Pin { root, reason, term } => {
                found.pins.push(PinChange::Add(reason, root, term.unwrap_or_default()));
            }
            Entry::Block { .. }
            | Entry::Promote { .. }
            | Entry::Discard { .. }
            | Entry::Unpin { .. } => return Err(damaged()),
        }
    }
}

fn entry(file: &mut impl Read) -> io::Result<Entry> {
    let mut bytes = [0; PREFIX_BYTES];
    file.read_exact(&mut bytes)?;
    let prefix = record::prefix(&bytes).ok_or_else(damaged)?;
    let mut head = vec![0; prefix.head_bytes];
    file.read_exact(&mut head)?;
    record::head(&prefix, &head).ok_or_else(damaged)
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the checkpoint is damaged")
}
