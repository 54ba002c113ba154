//! Arguments of the commands about what a node keeps.

use clap::{Args, Subcommand};
use gadus_model::Cid;

use super::OutputArg;
use crate::content_path::ContentPath;
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
    #[arg(value_name = "CID", value_parser = root)]
    pub(crate) cid: Cid,
    /// For how long from now, such as 7d or 12h; it replaces what was asked before
    /// [default: until it is unpinned]
    #[arg(long = "for", value_name = "TIME", value_parser = some_time)]
    pub(crate) retention: Option<Seconds>,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}

/// Keeps something no longer.
#[derive(Args, Debug)]
pub(crate) struct UnpinArgs {
    /// What to let go
    #[arg(value_name = "CID", value_parser = root)]
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

/// A CID in any of its spellings, and nothing below it: pins are of whole trees.
fn root(text: &str) -> Result<Cid, String> {
    let ContentPath { cid, path } = text.parse()?;
    if !path.is_empty() {
        return Err(format!(
            "a pin is of a whole tree: give {cid} without '{path}', or the CID that is there \
             (`gadus ls` lists them)"
        ));
    }
    cid.parse().map_err(|why| format!("{why}"))
}

fn some_time(text: &str) -> Result<Seconds, String> {
    match text.parse()? {
        Seconds::NONE => Err("that is no time at all: leave --for out, or unpin it".to_owned()),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CID: &str = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

    #[test]
    fn a_pin_is_of_a_whole_tree_however_it_is_spelled() {
        for text in [CID.to_owned(), format!("ipfs://{CID}"), format!("/ipfs/{CID}/")] {
            assert_eq!(root(&text).unwrap().to_string(), CID);
        }
        assert!(root(&format!("{CID}/a")).unwrap_err().contains("without 'a'"));
        assert!(root("nope").is_err());
    }

    #[test]
    fn nothing_is_kept_for_no_time() {
        assert!(some_time("7d").is_ok());
        assert!(some_time("0s").unwrap_err().contains("no time at all"));
    }
}
