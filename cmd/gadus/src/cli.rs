//! The command line: what can be asked, and the words of the help.

use clap::{Args, Parser, Subcommand, ValueEnum};

mod content;
mod evidence;
mod job;
mod receipt;
mod run;
mod serve;
mod store;
mod task;
mod verdict;

pub(crate) use content::{AddArgs, CatArgs, ExportArgs, GetArgs, ImportArgs, LsArgs, UnpackFlags};
pub(crate) use evidence::{EvidenceCommand, EvidenceExportArgs, EvidenceListArgs};
pub(crate) use job::{
    DescribeArgs, ExplainArgs, JobCommand, JobGetArgs, JobRunArgs, JobTaskArgs, ListArgs, LogsArgs,
    StopArgs,
};
pub(crate) use receipt::{CheckArgs, ReceiptCommand, ReceiptGetArgs, ReceiptListArgs, key};
pub(crate) use run::{DockerCommand, DockerRunArgs, JobFlags, NeedsFlags, SpreadFlags, TaskFlags};
pub(crate) use run::{Target, WaitFlags, WasmCommand, WasmRunArgs};
pub(crate) use serve::{ConfigCommand, ConfigShowArgs, DevstackArgs, ServeArgs};
pub(crate) use store::{PinArgs, StoreCommand, UnpinArgs, VerifyArgs};
pub(crate) use task::RunArgs;
pub(crate) use verdict::{VerdictCommand, VerdictForgetArgs, VerdictImportArgs};

/// Runs other people's jobs next to their data.
#[derive(Debug, Parser)]
#[command(name = "gadus", version)]
#[command(after_help = crate::exit::Exit::help())]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where a node is talked to when nothing else is said.
pub(crate) const API_DEFAULT: &str = "127.0.0.1:1234";

/// What every command understands.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// The node to talk to
    #[arg(long, global = true, env = "GADUS_API", value_name = "URL|HOST:PORT")]
    #[arg(default_value = API_DEFAULT, hide_env_values = true)]
    pub(crate) api: String,
    /// Only data: no talk on stderr but warnings and errors; lists print ids alone
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Log what happens to stderr; twice for more
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Colours: auto means on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    #[arg(hide_possible_values = false)]
    pub(crate) color: ColorWhen,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    Auto,
    Always,
    Never,
}

/// Reads the name or id of something: what could not be asked for in a URL names nothing.
pub(crate) fn reference(text: &str) -> Result<String, String> {
    match text {
        "" => Err("an id or a name has at least one character".to_owned()),
        "." | ".." => Err("that is neither an id nor a name".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// How objects are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// The API's own objects.
    Json,
    /// The same as YAML.
    Yaml,
}

/// How an answer is printed.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct OutputArg {
    /// For people, or the API's own objects for programs
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node: a requester, a compute node, or both
    Serve(ServeArgs),
    /// Run a whole network in one process, until Ctrl-C
    Devstack(DevstackArgs),
    /// Add a file or a directory, and print its CID
    Add(AddArgs),
    /// Fetch a file or a directory by its CID
    Get(GetArgs),
    /// Print a file by its CID
    Cat(CatArgs),
    /// List a directory by its CID
    Ls(LsArgs),
    /// Import a CAR, and print the CIDs of its roots
    Import(ImportArgs),
    /// Write a tree with all its blocks as a CAR
    Export(ExportArgs),
    /// Run a task that somebody gave you, as a text or by its CID: the same work as theirs
    Run(Box<RunArgs>),
    /// Run a WebAssembly module
    #[command(subcommand)]
    Wasm(WasmCommand),
    /// Run a container
    #[command(subcommand)]
    Docker(DockerCommand),
    /// Submit, see and stop jobs
    #[command(subcommand)]
    Job(JobCommand),
    /// See and export what nodes claim about results
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// See and export what nodes were caught with
    #[command(subcommand)]
    Evidence(EvidenceCommand),
    /// Count, see and forget what other requesters found
    #[command(subcommand)]
    Verdict(VerdictCommand),
    /// Check exported receipts or evidence, without any network
    Verify(CheckArgs),
    /// See the nodes of the network
    #[command(subcommand)]
    Node(NodeCommand),
    /// See and look after what a node keeps
    #[command(subcommand)]
    Store(StoreCommand),
    /// See the configuration of a node
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the versions of this program and of the node
    Version(OutputArg),
    /// Print a script that completes commands in a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// What a node calls to have a module compiled: it comes on stdin, and its code goes to stdout
    #[command(name = crate::compiler::COMMAND, hide = true)]
    CompileWasm { memory_max_bytes: u64, settings: String },
}

/// Nodes.
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// List the nodes that the requester knows
    List(OutputArg),
    /// Show one node
    Describe {
        /// Its id, a unique prefix of it, or its name
        #[arg(value_name = "ID", value_parser = reference)]
        id: String,
        #[command(flatten)]
        format: OutputArg,
    },
    /// Show how far each node is trusted, by its answers to work that others answered too
    Trust {
        /// Use this node no more: its id or key
        #[arg(long, value_name = "NODE", conflicts_with = "forgive")]
        ban: Option<String>,
        /// Use a node again that was caught: its id or key
        #[arg(long, value_name = "NODE")]
        forgive: Option<String>,
        #[command(flatten)]
        format: OutputArg,
    },
}

#[cfg(test)]
mod tests;
