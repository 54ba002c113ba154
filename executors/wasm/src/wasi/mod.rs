//! All of a guest's view of the world: arguments, environment, files, clocks, random, exit. WASI
//! preview 1, every call of it ours.
//!
//! | profile | files | stdout, stderr | clocks | random |
//! |---|---|---|---|---|
//! | `det/1` | [`crate::vfs`] | as they come | virtual, from 0 | from the task's CID |
//! | `wasi/1` | the same | the same | the host's | the host's |
//!
//! No sockets, none of the host's environment, standard streams or file system. What there is not
//! answers `ENOSYS` or `ENOTSUP`, and is counted.

pub(crate) mod abi;
mod ambient;
mod fd;
mod link;
mod memory;
mod path;
mod poll;
mod strings;

use std::path::Path;
use std::sync::Arc;

use gadus_model::{Failure, FailureKind, Network};
use gadus_ports::{ExecRequest, LogSink};

use self::ambient::Ambient;
pub(crate) use self::link::add_to_linker;
use self::strings::Strings;
use crate::guest::{Profile, RunLimits};
use crate::kill::KillSwitch;
use crate::vfs::{self, RoomLimits, Vfs};

/// The name of the module that guests import from.
pub(crate) const MODULE: &str = "wasi_snapshot_preview1";

/// What guests see as `argv[0]`; the same for all, so that no result depends on a file's name.
const PROGRAM: &str = "main";

/// Where files of outputs go that the memory has no room for, below an execution's scratch
/// directory.
const SPILL: &str = "wasm-outputs";

/// Bytes that one call moves between two looks at whether the guest is to end: of inputs that are
/// stored in the smallest pieces, reading as many takes a second.
const STEP_BYTES: usize = 64 << 10;

/// One guest's WASI state. Dropping it takes away what it left in the scratch directory.
pub(crate) struct Wasi {
    pub(crate) vfs: Vfs,
    ambient: Ambient,
    args: Strings,
    env: Strings,
    /// Calls of what there is not.
    pub(crate) unsupported: u64,
}

/// The program called `proc_exit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("exited with code {0}")]
pub(crate) struct Exit(pub(crate) i32);

impl Wasi {
    /// Makes what the request says. Output directories are made.
    ///
    /// # Errors
    /// `Invalid` for arguments or paths that a guest cannot have; `DiskFull` or `Internal` when the
    /// host's files cannot be made or opened.
    pub(crate) fn new(
        request: &ExecRequest,
        sink: &Arc<dyn LogSink>,
        limits: &RunLimits,
        kill: &Arc<KillSwitch>,
    ) -> Result<Self, Failure> {
        check_strings(request)?;
        if request.network != Network::None {
            return Err(invalid("Wasm jobs have no network here")
                .with_hint("leave the network out, or ask for 'None'"));
        }
        let planned = vfs::plan(&request.mounts, &request.outputs)?;
        let args = [PROGRAM].into_iter().chain(request.args.iter().map(String::as_str));
        let env = request.env.iter().map(|(name, value)| format!("{name}={value}"));
        Ok(Self {
            vfs: Vfs::new(
                planned,
                room(limits, &request.scratch),
                limits.open_files_max,
                Arc::clone(sink),
                Arc::clone(kill),
            )?,
            ambient: match limits.profile {
                Profile::Deterministic => Ambient::deterministic(request.seed),
                Profile::Attested => Ambient::of_the_host(),
            },
            args: Strings::new(args),
            env: Strings::new(env),
            unsupported: 0,
        })
    }
}

fn room(limits: &RunLimits, scratch: &Path) -> RoomLimits {
    RoomLimits {
        bytes_max: limits.output_max_bytes,
        files_max: limits.output_max_files,
        memory_max_bytes: limits.overlay_memory_bytes,
        disk_reserve_bytes: limits.disk_reserve_bytes,
        spill_dir: scratch.join(SPILL),
    }
}

fn check_strings(request: &ExecRequest) -> Result<(), Failure> {
    if let Some(arg) = request.args.iter().find(|arg| arg.contains('\0')) {
        return Err(invalid(format!("the argument {arg:?} has a NUL character in it")));
    }
    for (name, value) in &request.env {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(invalid(format!("{name:?} cannot be the name of a variable")));
        }
        if value.contains('\0') {
            return Err(invalid(format!("the variable {name} has a NUL character in it")));
        }
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Invalid, message)
}
