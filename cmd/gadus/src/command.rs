//! What each command does. All of it goes through the API of a node.

mod archive;
mod config;
mod content;
mod evidence;
mod job;
mod node;
mod receipt;
mod run;
mod store;
mod verdict;
mod verify;
mod version;

use crate::cli::{Cli, Command, ConfigCommand, DockerCommand, WasmCommand};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::local;
use crate::printer::Printer;
use crate::session::Session;

/// Runs a command that is a client of a node, or needs none.
pub(crate) async fn client(cli: Cli, printer: Printer) -> Result<Exit, Failure> {
    if let Command::Verify(args) = &cli.command {
        return verify::verify(&printer, args).await;
    }
    if let Command::Run(args) = &cli.command
        && args.here.local
    {
        return local::run(&printer, args).await;
    }
    let session = Session::new(&cli.global, printer)?;
    match cli.command {
        Command::Add(args) => content::add(&session, &args).await,
        Command::Get(args) => content::get(&session, &args).await,
        Command::Cat(args) => content::cat(&session, &args).await,
        Command::Ls(args) => content::ls(&session, &args).await,
        Command::Import(args) => archive::import(&session, &args).await,
        Command::Export(args) => archive::export(&session, &args).await,
        Command::Run(args) => run::task(&session, &args).await,
        Command::Wasm(WasmCommand::Run(args)) => run::wasm(&session, &args).await,
        Command::Docker(DockerCommand::Run(args)) => run::docker(&session, &args).await,
        Command::Job(command) => job::job(&session, &command).await,
        Command::Receipt(command) => receipt::receipt(&session, &command).await,
        Command::Evidence(command) => evidence::evidence(&session, &command).await,
        Command::Verdict(command) => verdict::verdict(&session, &command).await,
        Command::Node(command) => node::node(&session, &command).await,
        Command::Store(command) => store::store(&session, &command).await,
        Command::Version(args) => version::version(&session, args).await,
        Command::Verify(_)
        | Command::Serve(_)
        | Command::Devstack(_)
        | Command::Config(_)
        | Command::CompileWasm { .. }
        | Command::Completions { .. } => Ok(Exit::Success),
    }
}

/// Prints the configuration, without a node.
pub(crate) fn config(command: &ConfigCommand, printer: &Printer) -> Result<Exit, Failure> {
    config::config(command, printer)
}
