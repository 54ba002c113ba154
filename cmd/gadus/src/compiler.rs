//! The compiler of Wasm modules as a process of its own: this program again.

use std::path::Path;

use gadus_wasm::CompilerProcess;

use crate::exit::Exit;
use crate::failure::Failure;

/// The hidden command.
pub(crate) const COMMAND: &str = "compile-wasm";

/// This very program, whatever has become of its file since it was started.
const ITSELF: &str = "/proc/self/exe";

/// The compiler, with a limit of its memory; none where a process cannot find itself (and in unit
/// tests, whose program is another one): then modules are compiled on threads.
pub(crate) fn process(memory_max_bytes: u64) -> Option<CompilerProcess> {
    if cfg!(test) {
        return None;
    }
    if !Path::new(ITSELF).exists() {
        tracing::warn!("without {ITSELF}, Wasm modules are compiled in the process of the node");
        return None;
    }
    Some(CompilerProcess {
        program: ITSELF.into(),
        args: vec![COMMAND.into()],
        // The allocator would take a gigabyte at once, and count as having it.
        envs: vec![("MIMALLOC_ARENA_EAGER_COMMIT".into(), "0".into())],
        memory_max_bytes,
    })
}

/// What such a process does.
///
/// # Errors
/// When somebody calls it who is no node.
pub(crate) fn run(memory_max_bytes: u64, settings: &str) -> Result<Exit, Failure> {
    match gadus_wasm::compile_stdin(settings, memory_max_bytes) {
        Ok(()) => Ok(Exit::Success),
        Err(error) => Err(Failure::io("compile a module", &error)),
    }
}
