//! The durable [`Store`](gadus_ports::Store): a segmented event log with group commit, and an
//! index of finished jobs derived from it.

mod config;
mod error;
mod index;
mod lock;
mod log;
mod store;

pub use config::StoreConfig;
pub use store::LogStore;
