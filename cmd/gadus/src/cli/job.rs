//! Arguments of the job commands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::content::UnpackFlags;
use super::{OutputArg, WaitFlags, reference};

/// A job file, for who is to write one.
const EXAMPLE: &str = "\
A job file, of which the last three keys may be left out:
  Type: batch
  Tasks:
    - Name: main
      Engine:
        Type: docker
        Params:
          Image: busybox:1.37
          Parameters: [sh, -c, 'wc -c /inputs/* > /outputs/n.txt']
      InputSources:
        - Source: {Type: ipfs, Params: {CID: bafkrei...}}
          Target: /inputs
      ResultPaths: [{Name: outputs, Path: /outputs}]
      Resources: {CPU: 500m, Memory: 256Mb}";

/// Jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// Submit a job from a file in Bacalhau's format, YAML or JSON
    Run(JobRunArgs),
    /// List jobs, newest first
    List(ListArgs),
    /// Show one job: who bid, who won and why, where the time went, what came out
    Describe(DescribeArgs),
    /// Print the output of a job
    Logs(LogsArgs),
    /// Fetch all results of a job
    Get(JobGetArgs),
    /// Stop a job
    Stop(StopArgs),
    /// Show what happened to a job
    History(DescribeArgs),
    /// Show every try at running a job
    Executions(DescribeArgs),
    /// Print the task of a job as a text: whoever runs it with `gadus run` runs the same work
    Task(JobTaskArgs),
    /// For each node: would it take the job, and if not, why
    Explain(ExplainArgs),
}

/// Which job.
#[derive(Args, Debug)]
pub(crate) struct JobRef {
    /// The job's id, a unique prefix of it, or its name
    #[arg(value_name = "ID", value_parser = reference)]
    pub(crate) id: String,
}

/// Submits a file.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(crate) struct JobRunArgs {
    /// The file, or - for stdin
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) wait: WaitFlags,
}

/// Lists jobs.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// At most as many; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: u32,
    /// Only this namespace
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) namespace: String,
    /// Only jobs with these labels, such as "env=prod,tier in (a,b)"
    #[arg(long, value_name = "SELECTOR", default_value = "")]
    pub(crate) labels: String,
    /// By which time: created_at or modified_at
    #[arg(long, value_name = "TIME", default_value = "created_at")]
    pub(crate) order_by: String,
    /// Oldest first
    #[arg(long)]
    pub(crate) reverse: bool,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}

/// Shows one job.
#[derive(Args, Debug)]
pub(crate) struct DescribeArgs {
    #[command(flatten)]
    pub(crate) job: JobRef,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}

/// Prints output.
#[derive(Args, Debug)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) job: JobRef,
    /// Go on until the job ends
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only what comes after now
    #[arg(long, short)]
    pub(crate) tail: bool,
    /// Of this execution [default: the one that changed last]
    #[arg(long, short, value_name = "ID", default_value = "")]
    pub(crate) execution_id: String,
}

/// Fetches results.
#[derive(Args, Debug)]
pub(crate) struct JobGetArgs {
    #[command(flatten)]
    pub(crate) job: JobRef,
    /// Where to put them [default: job-ID, here]
    #[arg(short = 'o', long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) unpack: UnpackFlags,
}

/// Stops a job.
#[derive(Args, Debug)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    pub(crate) job: JobRef,
    /// Why, for its history
    #[arg(long, value_name = "TEXT", default_value = "stopped by the user")]
    pub(crate) reason: String,
}

/// Prints a task.
#[derive(Args, Debug)]
pub(crate) struct JobTaskArgs {
    #[command(flatten)]
    pub(crate) job: JobRef,
    /// Of this partition, where the job has several
    #[arg(long, value_name = "N")]
    pub(crate) partition: Option<u32>,
    /// Print its CID alone
    #[arg(long)]
    pub(crate) cid: bool,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}

/// Explains a job.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// A job's id or name, or a file in Bacalhau's format (- for stdin)
    #[arg(value_name = "ID|FILE", value_parser = reference)]
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}
