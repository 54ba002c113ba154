//! Arguments of `run`: a task as a text, here or in the network.

use std::path::PathBuf;

use clap::Args;

use super::{JobFlags, NeedsFlags, WaitFlags};

/// Runs a task.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// The task: a file (DAG-JSON), - for stdin, or its CID; with --local also a CAR of it
    #[arg(value_name = "TASK")]
    pub(crate) task: String,
    /// The name that a container's image is pulled by, where a node has no image of its digest
    #[arg(long, value_name = "NAME")]
    pub(crate) image_from: Option<String>,
    #[command(flatten)]
    pub(crate) here: LocalFlags,
    #[command(flatten)]
    pub(crate) needs: NeedsFlags,
    #[command(flatten)]
    pub(crate) job: JobFlags,
    #[command(flatten)]
    pub(crate) wait: WaitFlags,
}

/// Running a task on this machine.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Here")]
pub(crate) struct LocalFlags {
    /// Run it here, in this process: no network, no node, nothing kept. --timeout limits it
    #[arg(long, conflicts_with_all = [
        "image_from", "cpu", "memory", "disk", "gpu", "network", "domains", "publisher",
        "queue_timeout", "name", "namespace", "priority", "labels", "durability", "verify", "fresh",
        "retention", "constraints", "detach", "id_only", "follow", "wait_timeout",
    ])]
    pub(crate) local: bool,
    /// What the task names and its CAR has not: another CAR, or a file or a directory, as `gadus
    /// add` takes it
    #[arg(long = "with", value_name = "PATH", requires = "local")]
    pub(crate) with: Vec<PathBuf>,
    /// Write the result into a new directory
    #[arg(long, short = 'o', value_name = "DIR", requires = "local")]
    pub(crate) out: Option<PathBuf>,
}
