//! gadus: a network that runs jobs next to their data, in one program.
//!
//! Every command but `serve`, `devstack` and `config` is a client of a node's HTTP API.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most enums that are matched here are other crates', and grow with them"
)]

use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::cli::{Cli, Command, ConfigCommand};
use crate::config::FlagLayer;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;

mod cli;
mod command;
mod compiler;
mod config;
mod content_path;
mod devstack;
mod document;
mod download;
mod exit;
mod failure;
#[cfg(test)]
mod fake_node;
mod inputs;
mod interrupt;
mod job_file;
mod level;
mod local;
mod logging;
mod nearest;
mod printer;
mod proof;
mod render;
mod serve;
mod session;
mod submit;
mod task_text;
mod tree;
mod upload;
mod view;
mod workbench;

/// The system's allocator takes a sixth of a busy node's time, and a static binary's far more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let printer = Printer::standard(cli.global.color, cli.global.quiet);
    let exit = run(cli, printer.clone()).unwrap_or_else(|failure| {
        printer.failure(&failure);
        failure.exit()
    });
    ExitCode::from(exit.code())
}

/// Reads the command line. The nodes' own `--api` is where they listen; what the clients' flag of
/// that name has by default or by its variable is not for them.
fn parse(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Cli, clap::Error> {
    let matches = Cli::command().try_get_matches_from(args)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    let is_given = |path: &[&str]| {
        let below =
            path.iter().try_fold(&matches, |m: &ArgMatches, name| m.subcommand_matches(name));
        below.is_some_and(|m| m.value_source("api") == Some(ValueSource::CommandLine))
    };
    match &mut cli.command {
        Command::Serve(args) if !is_given(&["serve"]) => args.api = None,
        Command::Devstack(args) if !is_given(&["devstack"]) => args.api = None,
        Command::Config(ConfigCommand::Show(args)) if !is_given(&["config", "show"]) => {
            args.serve.api = None;
        }
        _ => {}
    }
    Ok(cli)
}

/// Help and versions are no errors; anything else is wrong usage.
fn usage(error: &clap::Error) -> ExitCode {
    // Nothing can be done when not even this can be written.
    let _ = error.print();
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
    ExitCode::from(exit.code())
}

fn run(cli: Cli, printer: Printer) -> Result<Exit, Failure> {
    let verbose = cli.global.verbose;
    match cli.command {
        Command::Serve(args) => {
            let effective = config::load(FlagLayer::of_serve(&args), variables())?;
            let settings = effective.settings()?;
            logging::of_node(&effective.config.log, verbose)?;
            runtime(true)?.block_on(serve::run(settings, &printer))
        }
        Command::Devstack(args) => {
            let effective = config::load(FlagLayer::of_devstack(&args), variables())?;
            let settings = effective.settings()?;
            logging::of_node(&effective.config.log, verbose)?;
            let running = devstack::run(&settings, args.nodes, args.data_dir, &printer);
            runtime(true)?.block_on(running)
        }
        Command::CompileWasm { memory_max_bytes, settings } => {
            compiler::run(memory_max_bytes, &settings)
        }
        Command::Config(command) => command::config(&command, &printer),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "gadus", &mut script);
            printer.bytes(&script)?;
            Ok(Exit::Success)
        }
        _ => {
            logging::of_client(verbose)?;
            let runtime = runtime(false)?;
            let result = runtime.block_on(command::client(cli, printer));
            // A thread that reads stdin or a pipe must not keep the process.
            runtime.shutdown_background();
            result
        }
    }
}

/// Nodes use all cores; a client needs one, and starts sooner.
fn runtime(is_node: bool) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = if is_node {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    builder.enable_all().build().map_err(|e| Failure::io("start", &e))
}

/// The environment, as far as it is text.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
