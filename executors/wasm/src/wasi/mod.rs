//! All of a guest's view of the world: arguments, environment, files, clocks, random, exit.
//!
//! WASI preview 1 over wasmtime-wasi for now: inputs and outputs are preopened directories, the
//! clocks and the random numbers are the host's. Nothing outside this folder knows any of that, so
//! that a virtual file system can take its place. No sockets, none of the host's environment or
//! standard streams.

mod clock;
mod poll;
mod preopens;
mod stdio;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use gadus_model::{Failure, FailureKind, Network};
use gadus_ports::{ExecRequest, LogSink, StdStream};
use wasmtime::Linker;
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder, WasiView};

use crate::guest::Guest;
use clock::GuestClock;
use preopens::{Planned, Source};
use stdio::StdioPipe;

/// The name of the module that guests import from.
pub(crate) const MODULE: &str = "wasi_snapshot_preview1";

/// What guests see as `argv[0]`; the same for all, so that no result depends on a file's name.
const PROGRAM: &str = "main";

/// Where single input files are put, below an execution's scratch directory.
const STAGE: &str = "wasm-inputs";

/// One guest's WASI state. Dropping it takes the staged inputs away.
pub(crate) struct Wasi {
    ctx: WasiP1Ctx,
    clock: GuestClock,
    _stage: Option<Stage>,
}

/// The program called `proc_exit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("exited with code {0}")]
pub(crate) struct Exit(pub(crate) i32);

/// Defines all that a guest may import.
///
/// # Errors
/// Never in practice: when wasmtime finds a name defined twice.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    p1::add_to_linker_sync(linker, |guest| &mut guest.wasi.ctx)?;
    linker.allow_shadowing(true);
    // wasmtime-wasi knows no exit code above 125, and sleeps without an end that we could reach.
    linker.func_wrap(MODULE, "proc_exit", |code: i32| -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(Exit(code)))
    })?;
    linker.func_wrap(MODULE, "poll_oneoff", poll::poll_oneoff)?;
    linker.allow_shadowing(false);
    Ok(())
}

impl Wasi {
    /// Makes what the request says. Output directories are made; single input files are staged
    /// below the request's scratch directory.
    ///
    /// # Errors
    /// `Invalid` for arguments or paths that a guest cannot have; `DiskFull` or `Internal` when the
    /// host's files cannot be made or opened.
    pub(crate) fn new(
        request: &ExecRequest,
        sink: &Arc<dyn LogSink>,
        open_files_max: usize,
    ) -> Result<Self, Failure> {
        check_strings(request)?;
        if request.network != Network::None {
            return Err(invalid("Wasm jobs have no network here")
                .with_hint("leave the network out, or ask for 'None'"));
        }
        let clock = GuestClock::new();
        let mut builder = WasiCtxBuilder::new();
        builder.arg(PROGRAM).args(&request.args);
        for (name, value) in &request.env {
            builder.env(name, value);
        }
        builder
            .stdout(StdioPipe::new(Arc::clone(sink), StdStream::Stdout))
            .stderr(StdioPipe::new(Arc::clone(sink), StdStream::Stderr))
            .monotonic_clock(clock.clone())
            // The guest has a thread of its own, which may wait for a disk.
            .allow_blocking_current_thread(true);
        let planned = preopens::plan(&request.mounts, &request.outputs)?;
        let stage = open_all(&mut builder, &planned, request)?;
        let mut ctx = builder.build_p1();
        // Standard streams and preopened directories take places too.
        ctx.ctx().table.set_max_capacity(open_files_max + planned.len() + 8);
        Ok(Self { ctx, clock, _stage: stage })
    }

    /// When the guest's monotonic clock shows this many nanoseconds; `None` when never.
    pub(crate) fn instant_at(&self, nanos: u64) -> Option<Instant> {
        self.clock.instant_at(nanos)
    }
}

fn open_all(
    builder: &mut WasiCtxBuilder,
    planned: &[Planned],
    request: &ExecRequest,
) -> Result<Option<Stage>, Failure> {
    let mut stage = None;
    for (n, Planned { guest, source }) in planned.iter().enumerate() {
        let (host, perms) = match source {
            Source::Input(host) => (host.clone(), FsPerms::ReadOnly),
            Source::Output(host) => {
                preopens::make_output(host)?;
                (host.clone(), FsPerms::ReadWrite)
            }
            Source::Files(files) => {
                let dir = request.scratch.join(STAGE);
                let stage = stage.get_or_insert_with(|| Stage(dir));
                let host = stage.0.join(n.to_string());
                preopens::stage(&host, files)?;
                (host, FsPerms::ReadOnly)
            }
        };
        builder.preopened_dir(&host, guest, perms).map_err(|error| {
            let message = format!("the directory for {guest} cannot be opened: {error:#}");
            Failure::new(FailureKind::Internal, message)
        })?;
    }
    Ok(stage)
}

/// The staged inputs of one run; gone when it is dropped.
struct Stage(PathBuf);

impl Drop for Stage {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(dir = %self.0.display(), %error, "staged inputs stay behind");
        }
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
