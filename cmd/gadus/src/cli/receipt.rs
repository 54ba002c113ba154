//! Arguments of the commands about receipts.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gadus_model::NodeId;

use super::{OutputArg, reference};
use crate::document::Seconds;

/// Receipts: what nodes claim about results, signed.
#[derive(Debug, Subcommand)]
pub(crate) enum ReceiptCommand {
    /// Write a job's receipts with all that they speak of as a CAR, for `gadus verify`
    Get(ReceiptGetArgs),
    /// List a job's receipts
    List(ReceiptListArgs),
}

/// Exports receipts.
#[derive(Args, Debug)]
pub(crate) struct ReceiptGetArgs {
    /// The job's id, a unique prefix of it, or its name
    #[arg(value_name = "JOB", value_parser = reference)]
    pub(crate) job: String,
    /// Where to put it [default: stdout, where that is no terminal]
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,
}

/// Lists receipts.
#[derive(Args, Debug)]
pub(crate) struct ReceiptListArgs {
    /// The job's id, a unique prefix of it, or its name
    #[arg(value_name = "JOB", value_parser = reference)]
    pub(crate) job: String,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}

/// Checks receipts or evidence, without any network.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// What `gadus receipt get` or `gadus evidence export` wrote, or - for stdin
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A key that you trust, as did:key:z6Mk… or 12D3Koo…; may be given often
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub(crate) trust: Vec<NodeId>,
    /// Run each function again, here, and compare what it comes to
    #[arg(long)]
    pub(crate) replay: bool,
    /// How long each function may run, such as 90s or 10m [default: as long as it takes]
    #[arg(long, value_name = "TIME", requires = "replay")]
    pub(crate) timeout: Option<Seconds>,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}

/// A node by its key, as a `did:key` or a peer id.
///
/// # Errors
/// What it should look like.
pub(crate) fn key(text: &str) -> Result<NodeId, String> {
    let of_peer = || gadus_net::node_id_of_address(&format!("/p2p/{text}"));
    NodeId::from_did_key(text)
        .or_else(of_peer)
        .ok_or_else(|| "it is no Ed25519 key: give did:key:z6Mk… or 12D3Koo…".to_owned())
}
