//! Arguments that make a job of one task, and say how to wait for it.

use clap::{Args, Subcommand, ValueEnum};
use gadus_model::Verification;

use super::OutputArg;
use crate::document::{EnvVar, InputArg, LabelArg, PublisherArg, ResultArg, Seconds, Term};

/// WebAssembly.
#[derive(Debug, Subcommand)]
pub(crate) enum WasmCommand {
    /// Run a module as a job, stream its output, and exit with its exit code
    Run(Box<WasmRunArgs>),
}

/// Runs a module.
#[derive(Args, Debug)]
pub(crate) struct WasmRunArgs {
    /// A local .wasm or .wat file, or ipfs://CID
    #[arg(value_name = "MODULE")]
    pub(crate) module: String,
    /// Arguments of the program; those that begin with - go after --
    #[arg(value_name = "ARGS")]
    pub(crate) args: Vec<String>,
    /// The exported function to call
    #[arg(long, value_name = "NAME", default_value = "_start")]
    pub(crate) entry_point: String,
    /// Submit nothing: print the task that would run, as a text for `gadus run`, its inputs added
    #[arg(long, conflicts_with_all = ["detach", "id_only", "follow", "target", "count"])]
    pub(crate) print_task: bool,
    #[command(flatten)]
    pub(crate) task: TaskFlags,
    #[command(flatten)]
    pub(crate) spread: SpreadFlags,
    #[command(flatten)]
    pub(crate) job: JobFlags,
    #[command(flatten)]
    pub(crate) wait: WaitFlags,
}

/// Containers.
#[derive(Debug, Subcommand)]
pub(crate) enum DockerCommand {
    /// Run an image as a job, stream its output, and exit with its exit code
    Run(Box<DockerRunArgs>),
}

/// Runs a container.
#[derive(Args, Debug)]
pub(crate) struct DockerRunArgs {
    /// The image: NAME[:TAG|@DIGEST]
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// The command and its arguments; nothing after it is a flag of gadus
    #[arg(value_name = "CMD", trailing_var_arg = true)]
    pub(crate) command: Vec<String>,
    /// Replace the image's entry point; repeat it for its arguments
    #[arg(long, value_name = "PROGRAM", allow_hyphen_values = true)]
    pub(crate) entrypoint: Vec<String>,
    /// Work in this directory of the container
    #[arg(long, short = 'w', value_name = "DIR")]
    pub(crate) workdir: Option<String>,
    #[command(flatten)]
    pub(crate) task: TaskFlags,
    #[command(flatten)]
    pub(crate) spread: SpreadFlags,
    #[command(flatten)]
    pub(crate) job: JobFlags,
    #[command(flatten)]
    pub(crate) wait: WaitFlags,
}

/// What a task reads, writes and needs.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Task")]
pub(crate) struct TaskFlags {
    /// An input: ipfs://CID[/path], a local path, https://… or s3://BUCKET/KEY (all below a KEY that ends in / or *), and where the job sees it [default: /inputs]
    #[arg(short, long = "input", value_name = "SOURCE[:TARGET]")]
    pub(crate) inputs: Vec<InputArg>,
    /// A directory that the job writes, by the name it has in the result
    #[arg(short = 'o', long = "result", value_name = "NAME:PATH")]
    pub(crate) results: Vec<ResultArg>,
    /// A variable of the environment; without a value, the one it has here
    #[arg(short, long = "env", value_name = "K=V")]
    pub(crate) env: Vec<EnvVar>,
    /// Make it another task than the same one without it, or with another: its answer is then not
    /// known
    #[arg(long, value_name = "TEXT")]
    pub(crate) nonce: Option<String>,
    /// The task's name
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) task_name: String,
    #[command(flatten)]
    pub(crate) needs: NeedsFlags,
}

/// What a task needs beside itself, wherever it runs: none of it is part of the task.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Needs")]
pub(crate) struct NeedsFlags {
    /// Cores, such as 2 or 500m
    #[arg(long, value_name = "CORES")]
    pub(crate) cpu: Option<String>,
    /// Memory, such as 512Mb or 1Gi
    #[arg(long, value_name = "BYTES")]
    pub(crate) memory: Option<String>,
    /// Disk, such as 10Gb
    #[arg(long, value_name = "BYTES")]
    pub(crate) disk: Option<String>,
    /// Whole GPUs
    #[arg(long, value_name = "N")]
    pub(crate) gpu: Option<String>,
    /// The network the job may use: none, host, bridge, http or full
    #[arg(long, value_name = "TYPE")]
    pub(crate) network: Option<String>,
    /// A domain the job may reach, with --network http
    #[arg(long = "domain", value_name = "NAME")]
    pub(crate) domains: Vec<String>,
    /// Where the result goes: ipfs, local, or s3://BUCKET/KEY[,opt=region=R,opt=endpoint=URL,opt=encoding=plain]; KEY may have {jobID}, {executionID}, {nodeID}, {date} and {time} in it [default: ipfs]
    #[arg(long, short, value_name = "TYPE|URL")]
    pub(crate) publisher: Option<PublisherArg>,
    /// How long the whole job may take: seconds, or 90s, 5m, 2h
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<Seconds>,
    /// How long it may wait for a node that fits; without it, it fails at once when none is known,
    /// and waits for one that is busy or away
    #[arg(long, value_name = "TIME")]
    pub(crate) queue_timeout: Option<Seconds>,
}

/// How often a job runs, and where.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Job")]
pub(crate) struct SpreadFlags {
    /// How many partitions
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) count: u32,
    /// On any node, or once on each one that fits
    #[arg(long, value_name = "WHERE", default_value = "any")]
    pub(crate) target: Target,
}

/// What a job is, besides its task.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Job")]
pub(crate) struct JobFlags {
    /// Its name [default: its id]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Its namespace [default: default]
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Higher goes first
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) priority: i64,
    /// A label to select jobs by
    #[arg(short, long = "label", value_name = "K=V")]
    pub(crate) labels: Vec<LabelArg>,
    /// Who must hold the result before the job is done: keeper (the requester), producer (the node
    /// that made it), or replicas=N (so many nodes) [default: keeper]
    #[arg(long, value_name = "WHO")]
    pub(crate) durability: Option<String>,
    /// How the result is checked: attest (not at all: one node's word), quorum=2/3 (of three nodes
    /// that do not see each other's answers, two must agree), or spot=5% (one runs it, and so many
    /// are run again by a node that is trusted) [default: quorum=2/2 for a function that two nodes
    /// could run, else attest]
    #[arg(long, value_name = "HOW")]
    pub(crate) verify: Option<Verification>,
    /// Run it even where its answer is known
    #[arg(long)]
    pub(crate) fresh: bool,
    /// How long the result is kept: 12h, 7d, or forever [default: the requester's, 7d]
    #[arg(long, value_name = "TIME")]
    pub(crate) retention: Option<Term>,
    /// Which nodes may take it, such as "region=eu,gpu in (a100,h100)"
    #[arg(long = "constraint", visible_alias = "constraints", value_name = "SELECTOR")]
    pub(crate) constraints: Vec<String>,
}

/// Where a job runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// On as many nodes as it has partitions.
    #[default]
    Any,
    /// On every node that fits, now.
    All,
}

/// What happens after the submission.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Waiting")]
pub(crate) struct WaitFlags {
    /// Wait for the end, and exit with the job's exit code
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(hide_possible_values = true)]
    pub(crate) wait: bool,
    /// Do not wait: print the id and how to go on
    #[arg(long, short, conflicts_with = "follow")]
    pub(crate) detach: bool,
    /// Do not wait: print the id alone
    #[arg(long, conflicts_with_all = ["detach", "follow"])]
    pub(crate) id_only: bool,
    /// Stream the job's output while it runs, which waiting does anyway
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Give up waiting after this time; the job goes on
    #[arg(long, visible_alias = "wait-timeout-secs", value_name = "TIME")]
    pub(crate) wait_timeout: Option<Seconds>,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}

impl WaitFlags {
    /// Whether the command ends with the submission.
    pub(crate) fn is_detached(&self) -> bool {
        self.detach || self.id_only || !self.wait
    }
}
