//! CAR archives, version 1 (<https://ipld.io/specs/transport/car/carv1/>), and those of version 2
//! (<https://ipld.io/specs/transport/car/carv2/>), which wrap one.

mod frames;
#[cfg(test)]
mod tests;
mod wrapped;

use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;

use gadus_model::Cid;
use gadus_ports::{ContentError, Imported, PinReason};

use self::frames::{Frames, Header, bad};
use super::tally::tally;
use crate::block::{identity, verify};
use crate::content::Core;
use crate::unixfs::BlockSink;

/// Imports an archive: its roots are pinned, and all below them must be in it or here already.
///
/// # Errors
/// `Malformed`, `HashMismatch`, `BlockTooBig`, `Full`, `Io`; then nothing is kept.
pub(crate) fn import_whole(core: &Core, source: impl Read) -> Result<Imported, ContentError> {
    let session = Arc::new(core.store.session(None));
    let roots = import(source, session.as_ref())?;
    let tally = tally(&session, &roots).map_err(|error| {
        if let ContentError::Missing { cid, .. } = error {
            return bad(format!("it lacks block {cid}, which is not here either"));
        }
        error
    })?;
    // The first pin comes with the blocks, in one step.
    for (nth, root) in roots.iter().enumerate() {
        let pin = Some((*root, PinReason::User.into()));
        if nth == 0 {
            session.commit(pin)?
        } else {
            core.store.session(None).commit(pin)?
        }
        core.complete.add(root);
    }
    Ok(Imported { root: roots[0], roots, bytes: tally.bytes, files: tally.files })
}

/// Verifies every block of an archive and gives it to the sink; answers the roots, each once.
///
/// # Errors
/// `Malformed`, `HashMismatch`, `BlockTooBig`, `Io`, and what the sink says.
pub(crate) fn import(
    mut source: impl Read,
    sink: &dyn BlockSink,
) -> Result<Vec<Cid>, ContentError> {
    let Header { version, roots } = Header::read(&mut source)?;
    let roots = match version {
        1 => {
            Frames::new(&mut source).each(|cid, block| take(sink, cid, block))?;
            roots
        }
        2 => wrapped::open(&mut source, |inner| {
            let Header { version, roots } = Header::read(inner)?;
            if version != 1 {
                return Err(bad(format!("a CAR of version {version} is wrapped in it, not of 1")));
            }
            Frames::new(inner).each(|cid, block| take(sink, cid, block))?;
            Ok(roots)
        })?,
        other => return Err(bad(format!("its version is {other}; 1 and 2 are supported"))),
    };
    let mut seen = HashSet::new();
    let roots: Vec<Cid> = roots.into_iter().filter(|root| seen.insert(*root)).collect();
    if roots.is_empty() {
        return Err(bad("it names no root, so that nothing of it would be kept"));
    }
    Ok(roots)
}

fn take(sink: &dyn BlockSink, cid: &Cid, block: &[u8]) -> Result<(), ContentError> {
    verify(cid, block)?;
    // Whoever has the CID of such a block has the block.
    if identity(cid).is_some() { Ok(()) } else { sink.put(cid, block) }
}
