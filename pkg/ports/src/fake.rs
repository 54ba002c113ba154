//! Stand-ins for the ports, with knobs: for the node's tests, and for trying things out.

pub mod content;
pub mod executor;
pub mod image;
pub mod network;
pub mod sample;
pub mod source;
pub mod store;
mod tree;

pub use content::FakeContent;
pub use executor::FakeExecutor;
pub use image::FakeImages;
pub use network::{FakeNetwork, FakeTransport};
pub use source::NoSources;
pub use store::MemoryStore;
