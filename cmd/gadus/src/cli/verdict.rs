//! Arguments of the commands about verdicts of other requesters.

use clap::{Args, Subcommand};
use gadus_model::Cid;

use super::OutputArg;

/// Verdicts of other requesters.
#[derive(Debug, Subcommand)]
pub(crate) enum VerdictCommand {
    /// Answer equal work with what others found, where nodes that you trust came to it
    Import(VerdictImportArgs),
    /// List the bundles that are counted
    List(OutputArg),
    /// Count a bundle no longer
    Forget(VerdictForgetArgs),
}

/// Counts a bundle.
#[derive(Args, Debug)]
pub(crate) struct VerdictImportArgs {
    /// What `gadus receipt get` wrote, - for stdin, or the CID of a bundle that a node has
    #[arg(value_name = "FILE|CID")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}

/// Forgets a bundle.
#[derive(Args, Debug)]
pub(crate) struct VerdictForgetArgs {
    /// The bundle, as `gadus verdict list` has it
    #[arg(value_name = "CID")]
    pub(crate) cid: Cid,
}
