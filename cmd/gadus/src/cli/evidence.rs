//! Arguments of the commands about evidence.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{OutputArg, reference};

/// Evidence: answers that a node signed, and that others, or a referee, contradict.
#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// List what nodes were caught with
    #[command(name = "ls", alias = "list")]
    List(EvidenceListArgs),
    /// Write the evidence against a node as a CAR, for `gadus verify`
    Export(EvidenceExportArgs),
}

/// Lists evidence.
#[derive(Args, Debug)]
pub(crate) struct EvidenceListArgs {
    /// Only against this node: its id, a unique prefix of it, or its key
    #[arg(long, value_name = "ID", value_parser = reference)]
    pub(crate) node: Option<String>,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}

/// Exports evidence.
#[derive(Args, Debug)]
pub(crate) struct EvidenceExportArgs {
    /// The job that it was caught in: its id, a unique prefix of that, or its name
    #[arg(value_name = "JOB", value_parser = reference)]
    pub(crate) job: String,
    /// Against this node, where several were caught: its id, a prefix of it, or its key
    #[arg(long, value_name = "ID", value_parser = reference)]
    pub(crate) node: Option<String>,
    /// What it answered in this partition, from 0, where it lied in several [default: the first]
    #[arg(long, value_name = "N")]
    pub(crate) partition: Option<u32>,
    /// Where to put it [default: stdout, where that is no terminal]
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,
}
