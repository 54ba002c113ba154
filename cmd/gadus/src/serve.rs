//! `gadus serve`: the single place where concrete adapters meet.

pub(crate) mod assemble;
mod capacity;
pub(crate) mod files;
pub(crate) mod settings;

use gadus_ports::StoreError;

pub(crate) use self::assemble::Running;
pub(crate) use self::settings::Settings;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::interrupted;
use crate::printer::Printer;

/// Runs a node until it is told to end (Ctrl-C, SIGTERM), or its log fails.
pub(crate) async fn run(settings: Settings, printer: &Printer) -> Result<Exit, Failure> {
    files::raise_limit();
    let running = Running::start(settings).await?;
    printer.talk(&running.banner());
    let ended = until_told(&running).await?;
    running.shutdown().await;
    match ended {
        None => Ok(Exit::Success),
        Some(error) => Err(Failure::usage("the node stopped: its log failed")
            .because(error.to_string())
            .hint("see to the disk, then start it again: what was acknowledged is in the log")),
    }
}

/// Waits for a signal, or for the log to fail.
pub(crate) async fn until_told(running: &Running) -> Result<Option<StoreError>, Failure> {
    tokio::select! {
        told = interrupted() => {
            told.map_err(|e| Failure::io("wait for a signal", &e))?;
            Ok(None)
        }
        error = running.fatal() => Ok(error),
    }
}
