//! What an execution made becomes a result: a directory `stdout  stderr  exitCode  <output name>/`
//! in the execution's namespace.

mod links;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use gadus_model::Cid;
use gadus_model::message::INLINE_BYTES_MAX;
use gadus_ports::{ContentError, ImportedResult, ResultTree};
use parking_lot::Mutex;

use crate::content::Core;
use crate::import::walk::Walk;
use crate::import::{Budget, Importer, link};
use crate::store::Session;
use crate::unixfs::node::Link;
use crate::unixfs::{BlockSink, name};

/// A result whose session has yet to be committed: until then it is nowhere.
pub(crate) struct Made {
    pub(crate) session: Arc<Session>,
    pub(crate) result: ImportedResult,
}

/// Makes a result's blocks in a session.
///
/// # Errors
/// `TooMuchOutput`, `UnsafeOutput`, `UnsafeName`, `Full`, `Io`; then nothing of it is kept.
pub(crate) fn make(
    core: &Core,
    session: Arc<Session>,
    tree: &ResultTree,
) -> Result<Made, ContentError> {
    let tee = Arc::new(Tee { session: session.clone(), inline: Mutex::default() });
    let importer = core.importer(tee.clone());
    let mut warnings = Vec::new();
    let mut streams = Budget::new(u64::MAX, u64::MAX);
    let mut output = Budget::new(tree.caps.output_max_bytes, tree.caps.output_max_files);
    let mut stream = |bytes: &[u8]| importer.file(&mut &*bytes, None, &mut streams);
    let stdout = stream(&tree.stdout)?;
    let stderr = stream(&tree.stderr)?;
    let exit_code = stream(tree.exit_code.to_string().as_bytes())?;
    let mut entries = vec![
        link("stdout".to_owned(), stdout),
        link("stderr".to_owned(), stderr),
        link("exitCode".to_owned(), exit_code),
    ];
    for (name, dir) in &tree.outputs {
        name::check(name)?;
        let links = walk(&importer, &mut output, core, name, dir)?;
        if links.is_empty() {
            warnings.push(format!("output '{name}' is empty"));
        }
        entries.push(link(name.clone(), importer.directory(links, None)?));
    }
    let result = importer.directory(entries, None)?;
    let inline = tee.inline.lock().take();
    let result = ImportedResult {
        result: result.cid,
        stdout: stdout.cid,
        stderr: stderr.cid,
        bytes: streams.bytes() + output.bytes(),
        inline,
        warnings,
    };
    Ok(Made { session, result })
}

/// The entries of one output directory.
fn walk(
    importer: &Importer,
    budget: &mut Budget,
    core: &Core,
    name: &str,
    dir: &Path,
) -> Result<Vec<Link>, ContentError> {
    let refuse = |path, why| ContentError::UnsafeOutput { path, why };
    let mut walk = Walk::new(importer, budget, refuse, core.config.path_depth_max);
    let entries = walk.entries_of(dir, name)?.unwrap_or_default();
    links::check(&walk.links)?;
    Ok(entries)
}

/// Keeps the blocks of a small result for the message that tells of it.
struct Tee {
    session: Arc<Session>,
    inline: Mutex<Inline>,
}

/// Blocks, as long as all of them are small enough to be sent along.
#[derive(Default)]
struct Inline {
    blocks: Vec<(Cid, Bytes)>,
    bytes: usize,
    is_too_large: bool,
}

impl Inline {
    fn add(&mut self, cid: &Cid, bytes: &[u8]) {
        if self.is_too_large || self.blocks.iter().any(|(known, _)| known == cid) {
            return;
        }
        self.bytes += bytes.len();
        if self.bytes > INLINE_BYTES_MAX {
            self.is_too_large = true;
            self.blocks = Vec::new();
            return;
        }
        self.blocks.push((*cid, Bytes::copy_from_slice(bytes)));
    }

    fn take(&mut self) -> Vec<(Cid, Bytes)> {
        std::mem::take(&mut self.blocks)
    }
}

impl BlockSink for Tee {
    fn put(&self, cid: &Cid, bytes: &[u8]) -> Result<(), ContentError> {
        self.inline.lock().add(cid, bytes);
        self.session.put(cid, bytes)
    }
}
