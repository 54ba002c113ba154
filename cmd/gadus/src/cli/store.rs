//! Arguments of the commands about what a node keeps.

use clap::{Args, Subcommand};
use gadus_model::Cid;

use super::OutputArg;
use crate::document::Seconds;

/// What a node keeps.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// How much is kept, for what, and how much room is left
    Stat(OutputArg),
    /// List what is kept, why, and until when
    Pins(OutputArg),
    /// Keep a file or a directory; what is not here is fetched
    Pin(PinArgs),
    /// Keep it no longer; it stays until it is collected
    Unpin(UnpinArgs),
    /// Free what nothing keeps
    Gc(OutputArg),
    /// Read everything and check it; damage that stays is exit code 123
    Verify(VerifyArgs),
}

/// Keeps something.
#[derive(Args, Debug)]
pub(crate) struct PinArgs {
    /// What to keep
    #[arg(value_name = "CID")]
    pub(crate) cid: Cid,
    /// For how long, such as 7d or 12h [default: until it is unpinned]
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) retention: Option<Seconds>,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}

/// Keeps something no longer.
#[derive(Args, Debug)]
pub(crate) struct UnpinArgs {
    /// What to let go
    #[arg(value_name = "CID")]
    pub(crate) cid: Cid,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}

/// Checks everything.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// Forget what is damaged, so that it is fetched again when it is wanted
    #[arg(long)]
    pub(crate) repair: bool,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}
