//! Real nodes for tests: processes of the `gadus` binary with their own data directories.

pub mod cli;
pub mod network;
pub mod process;

pub use cli::{Output, gadus};
pub use network::Network;
pub use process::{Process, Role};
