//! Where modules are compiled: in a process of its own, or, for tests and small tools, on a thread
//! of this one.
//!
//! Compiling is the costliest thing a stranger can ask for, done by a large program in which
//! nobody has found the last bug. What a module does to it (memory, endless work, an overflown
//! stack, an abort) happens to that process alone: it is ended, and the node goes on.

mod apart;
mod child;
mod code;
mod here;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gadus_model::{Failure, FailureKind};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Engine;

pub use self::apart::CompilerProcess;
pub use self::child::compile_stdin;
pub(crate) use self::code::code_of;
use crate::config::{ModuleLimits, WasmConfig};

/// The compiler reads text and binaries recursively in places; this is plenty for both.
const STACK_BYTES: usize = 8 << 20;

/// What decides which modules are compiled, and to what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    module: ModuleLimits,
    memory_max_bytes: u64,
    stack_max_bytes: u64,
}

impl Settings {
    fn of(config: &WasmConfig) -> Self {
        Self {
            module: config.module.clone(),
            memory_max_bytes: config.memory_max_bytes,
            stack_max_bytes: config.stack_max_bytes,
        }
    }

    /// A configuration whose engine makes code for that of the whole one.
    fn config(self) -> WasmConfig {
        WasmConfig {
            module: self.module,
            memory_max_bytes: self.memory_max_bytes,
            stack_max_bytes: self.stack_max_bytes,
            pool_slots: 0,
            ..WasmConfig::new("")
        }
    }
}

/// Makes code for one engine.
pub(crate) struct Compiler {
    engine: Engine,
    settings: Settings,
    process: Option<CompilerProcess>,
    wait_max: Duration,
}

impl Compiler {
    pub(crate) fn new(engine: Engine, config: &WasmConfig) -> Self {
        Self {
            engine,
            settings: Settings::of(config),
            process: config.compiler.clone(),
            wait_max: Duration::from_millis(config.compile_max_ms),
        }
    }

    /// The code of a module given as binary or text, for `Module::deserialize`. The permit is held
    /// until the work has ended, which on a thread may be after this returns.
    ///
    /// # Errors
    /// `Invalid`: what is wrong with the module, and where; `Internal` when compiling takes more
    /// time or memory than it may here, or no thread or process is to be had.
    pub(crate) async fn code(
        &self,
        given: Bytes,
        permit: Arc<OwnedSemaphorePermit>,
    ) -> Result<Vec<u8>, Failure> {
        if let Some(process) = &self.process {
            return process.code(&self.settings, &given, self.wait_max).await;
        }
        let (engine, limits) = (self.engine.clone(), self.settings.module.clone());
        here::within(self.wait_max, move || {
            let code = code_of(&engine, &given, &limits);
            drop(permit);
            code
        })
        .await
    }
}

pub(crate) fn unusable(why: &str) -> Failure {
    Failure::new(FailureKind::Invalid, format!("the Wasm module cannot be used: {why}"))
}

/// The same input would break it down again, on any machine.
fn gave_up() -> Failure {
    unusable("the compiler gave up on it")
}

/// That it takes so long is the machine's doing as much as the module's: elsewhere, or later, it
/// may not.
fn too_slow(max: Duration) -> Failure {
    let limit = max.as_millis();
    let message = format!("compiling the Wasm module takes longer than {limit} ms, the limit here");
    Failure::new(FailureKind::Internal, message)
}
