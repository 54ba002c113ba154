//! Runs Wasm modules over wasmtime: the [`gadus_ports::Executor`] of [`gadus_model::Engine::Wasm`].
//!
//! - A guest runs on a thread of a bounded pool, never on an async worker, in memory that was
//!   reserved at start where the host has the address space.
//! - A module is checked and compiled in a process of its own, and kept on disk (by module CID and
//!   engine) and in memory. See `compiler` and `modules`.
//! - A guest sees its arguments, environment, inputs and outputs, and nothing else of the host.
//!   The calls are in `wasi`, the files in `vfs`; no other crate's WASI is linked.
//! - Of the two profiles, `det/1` is a function of its task; `wasi/1` has the host's clocks and
//!   randomness. See `guest::Profile`.
//! - An exit, a trap and the end of the fuel are results. A timeout, a stop and an exhausted stack
//!   are failures. See `outcome`.

mod cache;
mod compiler;
mod config;
mod engine;
mod executor;
mod flow;
mod guest;
mod inspect;
mod kill;
mod loaded;
mod modules;
mod outcome;
mod pool;
mod rewrite;
mod run;
mod ticker;
mod vfs;
mod wasi;

pub use compiler::{CompilerProcess, compile_stdin};
pub use config::{ModuleLimits, WasmConfig};
pub use executor::{WasmExecutor, WasmStats};

#[cfg(test)]
mod tests;
