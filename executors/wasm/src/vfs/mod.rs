//! The file system that a guest sees: its inputs, which never change, and its outputs, an overlay
//! that is written out when it ends. Nothing of the host's shows: times are 0, devices are 0,
//! names come in the order of their bytes.
//!
//! ```text
//! descriptors ──► place ─┬─► input: a tree behind `gadus_ports::input`, or a directory of the host
//!   (open)      (paths)  └─► overlay ──► content: in memory, beyond a limit in a file of the scratch
//! ```

mod calls;
mod content;
mod dir;
mod export;
mod fault;
mod host;
mod layout;
mod listing;
mod open;
mod overlay;
mod paths;
mod place;
mod room;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use calls::Whence;
pub(crate) use fault::{Broken, Fault};
pub(crate) use layout::{Planned, plan};
pub(crate) use open::OpenAs;
pub(crate) use room::RoomLimits;

use std::sync::Arc;

use gadus_model::Failure;
use gadus_ports::LogSink;

use self::listing::Listings;
use self::overlay::{NodeId, Overlay};
use self::table::Table;
use crate::kill::KillSwitch;
use crate::wasi::abi::FileType;

/// Bytes of a path, as on Linux.
pub(crate) const PATH_MAX_BYTES: usize = 4096;

/// Bytes of what a link says: what every file system that outputs are written to can hold. XFS has
/// the least.
const TARGET_MAX_BYTES: usize = 1023;

/// Bytes of a name, as on Linux and in content.
const NAME_MAX_BYTES: usize = 255;

/// Symbolic links that one path may lead through, as on Linux.
const LINKS_MAX: u32 = 40;

/// Everything that one guest has of files.
pub(crate) struct Vfs {
    table: Table,
    overlay: Overlay,
    listings: Listings,
    sink: Arc<dyn LogSink>,
    /// Looked at between the steps of what may take long.
    kill: Arc<KillSwitch>,
    outputs: Vec<(std::path::PathBuf, NodeId)>,
}

/// What a guest may know of a file, directory or link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Names it within the run.
    pub(crate) ino: u64,
    /// What it is.
    pub(crate) kind: FileType,
    /// Bytes of a file, or of a link's target.
    pub(crate) size: u64,
}

impl Vfs {
    /// Lays out what was planned. Output directories are made on the host, so that a run whose
    /// outputs cannot be kept does not begin.
    ///
    /// # Errors
    /// `DiskFull` or `Internal` when they cannot be made.
    pub(crate) fn new(
        planned: Vec<Planned>,
        limits: RoomLimits,
        open_files_max: usize,
        sink: Arc<dyn LogSink>,
        kill: Arc<KillSwitch>,
    ) -> Result<Self, Failure> {
        let mut overlay = Overlay::new(limits);
        let mut table = Table::new(open_files_max);
        let mut outputs = Vec::new();
        for Planned { guest, source } in planned {
            let place = match source {
                layout::Source::Input(directory) => place::Place::input_root(&guest, directory),
                layout::Source::Output(host) => {
                    export::make_dir(&host)?;
                    let root = overlay.add_root();
                    outputs.push((host, root));
                    place::Place::Output(root)
                }
            };
            table.preopen(guest, place);
        }
        Ok(Self { table, overlay, listings: Listings::default(), sink, kill, outputs })
    }

    /// Writes the outputs to where they belong.
    ///
    /// # Errors
    /// `DiskFull`, `OutputUnsafe` for a tree too deep for anyone to read, `Internal`.
    pub(crate) fn export(&mut self) -> Result<(), Failure> {
        export::write_out(&mut self.overlay, &self.outputs)
    }
}
