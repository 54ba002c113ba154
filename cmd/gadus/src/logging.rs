//! Logs: to stderr, beside what a command has to say.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{LogFormat, LogSection};
use crate::failure::Failure;

/// Logs as a node's configuration says, or more with `-v`.
///
/// # Errors
/// For a level that is none.
pub(crate) fn of_node(config: &LogSection, verbose: u8) -> Result<(), Failure> {
    let level = match verbose {
        0 => config.level.as_str(),
        1 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_new(level).map_err(|e| {
        Failure::usage(format!("'{level}' is no level of a log"))
            .because(e.to_string())
            .hint("use error, warn, info, debug or trace in log.level")
    })?;
    install(config.format, filter, std::io::stderr)
}

/// A client logs only with `-v`.
///
/// # Errors
/// Never in practice: there is one log for a process, and this is where it begins.
pub(crate) fn of_client(verbose: u8) -> Result<(), Failure> {
    let level = match verbose {
        0 => return Ok(()),
        1 => "info,gadus=debug,gadus_api=debug",
        2 => "debug",
        _ => "trace",
    };
    install(LogFormat::Text, EnvFilter::new(level), std::io::stderr)
}

fn install<W>(format: LogFormat, filter: EnvFilter, writer: W) -> Result<(), Failure>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let color = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    // A line that cannot be written is lost. To tell of it, the subscriber would write to stderr,
    // and panic in whoever logged where that is what cannot be written: a full disk, say.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .log_internal_errors(false);
    let installed = match format {
        LogFormat::Text => builder.with_ansi(color).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    installed.map_err(|e| Failure::usage("cannot log").because(e.to_string()))
}
