//! What the operator decides, with the defaults.

use std::path::PathBuf;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};

use crate::compiler::CompilerProcess;

/// Settings of a [`crate::WasmExecutor`]. Units come last in the names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WasmConfig {
    /// Where compiled modules lie. Made private (0700): what is in it is executed as machine
    /// code, so it must not be shared with anything else.
    pub cache_dir: PathBuf,
    /// Bytes of compiled modules kept there; the least recently used go first.
    pub cache_max_bytes: u64,
    /// Compiled modules kept ready in memory.
    pub loaded_max: usize,
    /// Guests that run at once, each on a thread of its own; further runs wait.
    pub threads: usize,
    /// What compiles; none for a thread of this process, which a hostile module can do more to.
    pub compiler: Option<CompilerProcess>,
    /// Compilations that run at once. Each also uses the cores that are free.
    pub compiles: usize,
    /// How long a caller waits for its turn to compile, and then for the compilation. A process
    /// that takes longer is ended; a thread goes on and holds its place among `compiles`.
    pub compile_max_ms: u64,
    /// How often a running guest looks whether it should stop.
    pub tick_ms: u64,
    /// The most linear memory that a task may ask for.
    pub memory_max_bytes: u64,
    /// The most table elements that a task may ask for.
    pub table_max: u64,
    /// The Wasm stack of every guest.
    pub stack_max_bytes: u64,
    /// The most bytes of stdout that a task may ask to be kept: they lie in memory.
    pub stdout_max_bytes: u64,
    /// The same of stderr.
    pub stderr_max_bytes: u64,
    /// The most bytes of outputs that a task may ask for.
    pub output_max_bytes: u64,
    /// Files and directories that a guest of the attested profile has open at once; the
    /// deterministic one has a number of its own.
    pub open_files_max: usize,
    /// Bytes of a guest's outputs that stay in memory while it runs; the rest goes to files of its
    /// scratch directory.
    pub overlay_memory_bytes: u64,
    /// A run fails rather than leave less than this on the disk of its outputs.
    pub disk_reserve_bytes: u64,
    /// Instances whose address space is reserved up front, each with room for
    /// `memory_max_bytes`; 0 for none (every run maps its own).
    pub pool_slots: u32,
    /// What a module may look like.
    pub module: ModuleLimits,
}

/// Limits on a module, checked before anything is compiled: compiling is the costliest thing a
/// stranger can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleLimits {
    /// Bytes of the binary.
    pub binary_max_bytes: usize,
    /// Bytes of the text format.
    pub text_max_bytes: usize,
    /// Bytes of the code that it becomes: the node has it in memory.
    pub code_max_bytes: usize,
    /// Functions, imported ones included.
    pub functions_max: u32,
    /// Bytes of one function's body: the compiler's time grows faster than this.
    pub body_max_bytes: usize,
    /// Blocks, loops and branches inside each other.
    pub nesting_max: u64,
    /// Locals times structures of one function, with loops counted more: what the compiler's time
    /// and memory really depend on.
    pub flow_max: u64,
    /// The same over all functions.
    pub flow_total_max: u64,
    /// Values carried over branches, calls and structures of one function: locals and operands for
    /// each target of a branch; parameters and results of calls (four times) and of structures
    /// (sixteen times). The compiler keeps them all.
    pub carried_max: u64,
    /// The same over all functions.
    pub carried_total_max: u64,
    /// Locals of all functions: a few bytes declare fifty thousand, and the compiler visits each.
    pub locals_total_max: u64,
    /// Imports, exports, globals, and segments of each kind.
    pub items_max: u32,
    /// Tables.
    pub tables_max: u32,
}

impl Default for ModuleLimits {
    fn default() -> Self {
        Self {
            binary_max_bytes: 128 << 20,
            text_max_bytes: 8 << 20,
            code_max_bytes: 512 << 20,
            functions_max: 200_000,
            body_max_bytes: 1 << 20,
            nesting_max: 5_000,
            flow_max: 8_000_000,
            flow_total_max: 200_000_000,
            carried_max: 4_000_000,
            carried_total_max: 100_000_000,
            locals_total_max: 50_000_000,
            items_max: 500_000,
            tables_max: 4,
        }
    }
}

impl WasmConfig {
    /// The defaults, with compiled modules under `cache_dir`.
    #[must_use]
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let threads = (cores * 8).clamp(16, 128);
        Self {
            cache_dir: cache_dir.into(),
            cache_max_bytes: 4 << 30,
            loaded_max: 256,
            threads,
            compiler: None,
            compiles: (cores / 2).max(1),
            compile_max_ms: 300_000,
            tick_ms: 10,
            memory_max_bytes: 4 << 30,
            table_max: 1_000_000,
            stack_max_bytes: 1 << 20,
            stdout_max_bytes: 64 << 20,
            stderr_max_bytes: 64 << 20,
            output_max_bytes: 1 << 40,
            open_files_max: 256,
            overlay_memory_bytes: 32 << 20,
            disk_reserve_bytes: 64 << 20,
            pool_slots: u32::try_from(threads).unwrap_or(u32::MAX).saturating_add(8),
            module: ModuleLimits::default(),
        }
    }
}
