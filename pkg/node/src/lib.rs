//! The shell: drives the protocol's machines through the ports.
//!
//! One loop per machine ([`requester`], [`compute`]): take an input, `handle` it, append what it
//! caused to the log, and let the log's tickets release the effects ([`pump`]). Nothing is shared
//! between the loops but channels. [`service`] answers the HTTP face, [`server`] the peers.
//!
//! No adapter is imported here: the whole node builds and tests with fakes.

pub mod clock;
pub mod compute;
pub mod config;
pub mod folder;
mod inbox;
pub mod logbook;
pub mod node;
mod notary;
mod post;
pub mod pump;
pub mod relay;
pub mod requester;
pub mod server;
pub mod service;

pub use config::NodeConfig;
pub use folder::JobFolder;
pub use node::{Node, Parts, StartError};
pub use server::Server;
