//! Stand-ins for the ports, with knobs: for the node's tests, and for trying things out.

pub mod sample;
pub mod store;

pub use store::MemoryStore;
