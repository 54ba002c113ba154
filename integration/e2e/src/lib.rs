//! Real nodes for tests: processes of the `gadus` binary with their own data directories.

pub mod cli;
pub mod engine;
pub mod go;
pub mod http;
pub mod kubo;
pub mod network;
pub mod process;
pub mod programs;
pub mod registry;
pub mod shared;
pub mod skip;

pub use cli::{Output, gadus};
pub use engine::{Engine, IMAGE, IMAGE_NOBODY, docker_socket};
pub use http::Http;
pub use kubo::KuboProgram;
pub use network::Network;
pub use process::{Process, Role};
pub use programs::{HELLO, program, root};
pub use registry::Registry;
pub use shared::Shared;
pub use skip::{is_root, skip};
