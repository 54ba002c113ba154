//! Being told to end, by Ctrl-C or by SIGTERM.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Ends when this process is told to.
///
/// # Errors
/// When the system gives no signals.
pub(crate) async fn interrupted() -> io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = term.recv() => Ok(()),
    }
}
