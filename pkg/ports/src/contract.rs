//! What every implementation of a port must do, as tests to be run against it.

pub mod store;

pub use store::store_contract;
