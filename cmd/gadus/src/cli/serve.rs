//! Arguments of the commands that run nodes. Each has a place in the config file and a variable.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OutputArg;
use crate::document::LabelArg;

/// Runs a node.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServeArgs {
    /// Take jobs from people; alone, do not run any [env: GADUS_REQUESTER]
    #[arg(long)]
    pub(crate) requester: bool,
    /// Run jobs; alone, do not take any from people [env: GADUS_COMPUTE]
    #[arg(long)]
    pub(crate) compute: bool,
    /// A node to connect to, such as /ip4/10.0.0.1/tcp/1235 [env: GADUS_PEER]
    #[arg(long = "peer", value_name = "MULTIADDR")]
    pub(crate) peers: Vec<String>,
    /// Where to listen for nodes [env: GADUS_LISTEN]
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) listen: Vec<String>,
    /// The network's name; networks never mix [env: GADUS_NETWORK]
    #[arg(long, value_name = "NAME")]
    pub(crate) network: Option<String>,
    /// A Kubo daemon beside this node, such as http://127.0.0.1:5001 [env: GADUS_CONTENT_IPFS]
    #[arg(long, value_name = "URL")]
    pub(crate) ipfs: Option<String>,
    /// Where to listen for the API [env: GADUS_API] [default: 127.0.0.1:1234]
    #[arg(long, value_name = "ADDR")]
    pub(crate) api: Option<String>,
    /// The node's name, for people [env: GADUS_NAME]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// A label that jobs can select nodes by [env: GADUS_LABEL]
    #[arg(long = "label", value_name = "K=V")]
    pub(crate) labels: Vec<LabelArg>,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Where the configuration and the data are.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PlaceArgs {
    /// Everything the node keeps [env: GADUS_DATA_DIR] [default: ~/.gadus]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The config file [env: GADUS_CONFIG] [default: config.toml in the data directory]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Runs a network in one process.
#[derive(Args, Clone, Debug)]
pub(crate) struct DevstackArgs {
    /// Compute nodes, besides the requester
    #[arg(long, value_name = "N", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) nodes: u32,
    /// Keep everything here [default: a directory that is removed at the end]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where the requester listens for the API [default: 127.0.0.1:1234]
    #[arg(long, value_name = "ADDR")]
    pub(crate) api: Option<String>,
    /// A config file for all nodes [env: GADUS_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// The configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the default config file, which explains every key
    Default,
    /// Print the values that `serve` would use, and where each comes from
    Show(Box<ConfigShowArgs>),
}

/// Shows the configuration.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ConfigShowArgs {
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
    /// Only values that are not the default
    #[arg(long)]
    pub(crate) changed: bool,
    #[command(flatten)]
    pub(crate) format: OutputArg,
}
