//! WebAssembly in the file: as the executor has it, with 0 for what depends on the machine.

use std::path::PathBuf;

use gadus_wasm::{CompilerProcess, ModuleLimits, WasmConfig};
use serde::{Deserialize, Serialize};

use crate::compiler;

/// The section.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WasmSection {
    pub(crate) enabled: bool,
    cache_max_bytes: u64,
    loaded_max: usize,
    threads: usize,
    compiles: usize,
    compile_max_ms: u64,
    compile_memory_max_bytes: u64,
    tick_ms: u64,
    memory_max_bytes: u64,
    table_max: u64,
    stack_max_bytes: u64,
    stdout_max_bytes: u64,
    stderr_max_bytes: u64,
    output_max_bytes: u64,
    open_files_max: usize,
    overlay_memory_bytes: u64,
    disk_reserve_bytes: u64,
    pool_slots: u32,
    module: ModuleLimits,
}

impl Default for WasmSection {
    fn default() -> Self {
        let config = WasmConfig::new(PathBuf::new());
        Self {
            enabled: true,
            cache_max_bytes: config.cache_max_bytes,
            loaded_max: config.loaded_max,
            threads: 0,
            compiles: 0,
            compile_max_ms: config.compile_max_ms,
            compile_memory_max_bytes: CompilerProcess::MEMORY_MAX_BYTES,
            tick_ms: config.tick_ms,
            memory_max_bytes: config.memory_max_bytes,
            table_max: config.table_max,
            stack_max_bytes: config.stack_max_bytes,
            stdout_max_bytes: config.stdout_max_bytes,
            stderr_max_bytes: config.stderr_max_bytes,
            output_max_bytes: config.output_max_bytes,
            open_files_max: config.open_files_max,
            overlay_memory_bytes: config.overlay_memory_bytes,
            disk_reserve_bytes: config.disk_reserve_bytes,
            pool_slots: 0,
            module: config.module,
        }
    }
}

impl WasmSection {
    /// The executor's own configuration, with compiled modules under `cache_dir`.
    pub(crate) fn executor(&self, cache_dir: PathBuf) -> WasmConfig {
        let usual = WasmConfig::new(cache_dir);
        let threads = if self.threads == 0 { usual.threads } else { self.threads };
        let slots = u32::try_from(threads).unwrap_or(u32::MAX).saturating_add(8);
        WasmConfig {
            cache_max_bytes: self.cache_max_bytes,
            loaded_max: self.loaded_max,
            threads,
            compiles: if self.compiles == 0 { usual.compiles } else { self.compiles },
            compile_max_ms: self.compile_max_ms,
            compiler: compiler::process(self.compile_memory_max_bytes),
            tick_ms: self.tick_ms,
            memory_max_bytes: self.memory_max_bytes,
            table_max: self.table_max,
            stack_max_bytes: self.stack_max_bytes,
            stdout_max_bytes: self.stdout_max_bytes,
            stderr_max_bytes: self.stderr_max_bytes,
            output_max_bytes: self.output_max_bytes,
            open_files_max: self.open_files_max,
            overlay_memory_bytes: self.overlay_memory_bytes,
            disk_reserve_bytes: self.disk_reserve_bytes,
            pool_slots: if self.pool_slots == 0 { slots } else { self.pool_slots },
            module: self.module.clone(),
            cache_dir: usual.cache_dir,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_what_suits_the_machine() {
        let usual = WasmConfig::new("/c");
        assert_eq!(WasmSection::default().executor("/c".into()), usual);
        let section = WasmSection { threads: 3, pool_slots: 0, ..WasmSection::default() };
        let config = section.executor("/c".into());
        assert_eq!((config.threads, config.pool_slots, config.compiles), (3, 11, usual.compiles));
    }
}
