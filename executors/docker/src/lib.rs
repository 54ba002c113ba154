//! Runs jobs in containers, through the API of a docker engine on this machine.
//!
//! A container gets nothing that it was not given: no network, no capability, no writable root, no
//! more processes, memory or CPU than its limits. What it may write is a small tmpfs and its output
//! directories. Docker shares the kernel with the job all the same, so this is a fence for tenants
//! one trusts to a degree; Wasm is the tier for strangers.
//!
//! - `spec` turns a request into a container's description, `verdict` an exit into an outcome: pure.
//! - `run` creates, starts, follows and removes a container; `follow` is the part in between.
//! - `images` remembers what the engine has, so that no bid waits for it; `pull` gets the rest.
//! - `gpu` knows the GPUs of this machine, and gives each to one container at a time.
//! - `registry` asks registries what the engine would, where there is no engine.
//! - `outputs`, `usage` and `adopt` look after directories that a hostile job writes.
//!
//! Containers outlive this process. They are named by their execution, so a run that is repeated
//! after a restart finds the container it started before, and goes on with it.

mod adopt;
mod config;
mod engine;
mod executor;
mod fault;
mod follow;
mod gpu;
mod hosts;
mod images;
mod output;
mod outputs;
mod program;
mod pull;
mod reference;
mod registry;
mod removal;
mod run;
mod scope;
mod spec;
mod usage;
mod verdict;

pub use config::{DockerConfig, DockerLimits, RegistryLimits};
pub use executor::DockerExecutor;
pub use gpu::{DriverPlace, GpuAccess, gpus};
pub use registry::Registries;
