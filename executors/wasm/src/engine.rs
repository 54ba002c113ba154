//! The one wasmtime engine, its settings, and the id that receipts carry.

use std::num::NonZeroUsize;

use gadus_model::{Failure, FailureKind, PROFILE_DET_1, PROFILE_WASI_1};
use sha2::{Digest, Sha256};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use crate::config::WasmConfig;
use crate::inspect::FEATURES;
use crate::rewrite::REWRITE_VERSION;

/// The wasmtime that is linked; a test holds it to `Cargo.lock`.
pub(crate) const WASMTIME_VERSION: &str = "48.0.8";

/// Frames that a trap's backtrace shows.
const BACKTRACE_FRAMES: NonZeroUsize = NonZeroUsize::new(32).expect("32 is not 0");

/// Bytes that a slot of the pool keeps resident between two runs, zeroed by hand instead of by a
/// system call.
const KEEP_RESIDENT_BYTES: usize = 64 << 10;

/// The most memory that the tables of functions and globals of one instance may take.
const INSTANCE_MAX_BYTES: usize = 32 << 20;

/// How instances get their memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allocator {
    /// From address space reserved at start.
    Pooling,
    /// Mapped for every run: slower by some ten microseconds.
    OnDemand,
}

/// Makes the engine: pooled, or on demand where the address space cannot be reserved.
///
/// # Errors
/// `EngineDown` when wasmtime refuses both.
pub(crate) fn build(config: &WasmConfig) -> Result<(Engine, Allocator), Failure> {
    build_with(config, &settings(config))
}

/// The same, of settings that may differ from [`settings`] in what no guest can notice.
///
/// # Errors
/// As [`build`].
pub(crate) fn build_with(
    config: &WasmConfig,
    settings: &Config,
) -> Result<(Engine, Allocator), Failure> {
    if config.pool_slots > 0 {
        match Engine::new(settings.clone().allocation_strategy(pooling(config))) {
            Ok(engine) => {
                tracing::info!(
                    slots = config.pool_slots,
                    memory_max_bytes = config.memory_max_bytes,
                    tables = config.pool_slots.saturating_mul(config.module.tables_max),
                    table_max = config.table_max,
                    instance_max_bytes = INSTANCE_MAX_BYTES,
                    keep_resident_bytes = KEEP_RESIDENT_BYTES,
                    "wasm instances come from a pool"
                );
                return Ok((engine, Allocator::Pooling));
            }
            Err(error) => tracing::warn!(
                slots = config.pool_slots,
                memory_max_bytes = config.memory_max_bytes,
                error = %format!("{error:#}"),
                "no address space for a pool of wasm instances; each run maps its own memory"
            ),
        }
    }
    let engine = Engine::new(settings).map_err(|error| {
        Failure::new(FailureKind::EngineDown, format!("wasmtime does not start: {error:#}"))
    })?;
    Ok((engine, Allocator::OnDemand))
}

/// The version of our own side: what the calls of WASI answer, in either profile. Any change that
/// a guest could notice is another one.
const HOST_VERSION: u32 = 2;

/// `wasmtime/VERSION+HASH`, the hash over every setting that can change what a module computes or
/// how much fuel it burns, of both profiles. Sizes of pools, stacks and caches are not among them.
pub(crate) fn id() -> String {
    let settings = format!(
        "cranelift rewrite={REWRITE_VERSION} fuel epochs no-threads no-relaxed-simd features={:#x} \
         {PROFILE_DET_1} {PROFILE_WASI_1} host={HOST_VERSION}",
        FEATURES.bits()
    );
    let hash = hex::encode(Sha256::digest(settings.as_bytes()));
    format!("wasmtime/{WASMTIME_VERSION}+{}", &hash[..12])
}

/// What the compiler and the runtime are told; where instances get their memory is left open.
pub(crate) fn settings(config: &WasmConfig) -> Config {
    let stack = usize::try_from(config.stack_max_bytes).unwrap_or(usize::MAX);
    let mut settings = Config::new();
    settings
        // Modules are rewritten to the same end, at a fraction of the cost: see `rewrite`.
        .cranelift_nan_canonicalization(false)
        .cranelift_opt_level(OptLevel::Speed)
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(stack)
        .async_stack_size(stack.saturating_add(1 << 20))
        // Debug information is hostile input too, and a large one.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_backtrace_max_frames(Some(BACKTRACE_FRAMES))
        .memory_reservation(config.memory_max_bytes.max(4 << 30));
    // The modules were held to `FEATURES` before; these keep the compiler to it as well.
    settings
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_gc(false)
        .wasm_stack_switching(false)
        .wasm_shared_everything_threads(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .shared_memory(false);
    settings
}

fn pooling(config: &WasmConfig) -> InstanceAllocationStrategy {
    let memory_max = usize::try_from(config.memory_max_bytes).unwrap_or(usize::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(config.pool_slots)
        .total_memories(config.pool_slots)
        .total_tables(config.pool_slots.saturating_mul(config.module.tables_max))
        .total_stacks(0)
        .max_memories_per_module(1)
        .max_tables_per_module(config.module.tables_max)
        .max_memory_size(memory_max)
        .table_elements(usize::try_from(config.table_max).unwrap_or(usize::MAX))
        .max_core_instance_size(INSTANCE_MAX_BYTES)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES);
    InstanceAllocationStrategy::Pooling(pool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_in_receipts_is_the_one_that_is_linked() {
        let lock = include_str!("../../../Cargo.lock");
        let package = format!("name = \"wasmtime\"\nversion = \"{WASMTIME_VERSION}\"\n");
        assert!(lock.contains(&package), "Cargo.lock has another wasmtime than {WASMTIME_VERSION}");
    }

    #[test]
    fn a_pool_that_does_not_fit_falls_back_to_on_demand() {
        let mut config = WasmConfig::new("unused");
        assert_eq!(build(&config).unwrap().1, Allocator::Pooling);
        // 600 TiB is more than any address space of today.
        config.pool_slots = 150_000;
        assert_eq!(build(&config).unwrap().1, Allocator::OnDemand);
        config.pool_slots = 0;
        assert_eq!(build(&config).unwrap().1, Allocator::OnDemand);
    }

    #[test]
    fn the_id_is_stable() {
        assert_eq!(id(), id());
        assert!(id().starts_with("wasmtime/48."));
    }
}
