//! What belongs to one running guest: its limits, and the switch that ends it.

use std::sync::Arc;
use std::time::Duration;

use gadus_model::{Det, Failure, FailureKind, PROFILE_DET_1, PROFILE_WASI_1};
use gadus_ports::ExecLimits;
use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::config::WasmConfig;
use crate::kill::{KillSwitch, Killed};
use crate::vfs::Broken;
use crate::wasi::Wasi;

/// Files and directories that a deterministic guest has open at once: the same on every node.
const DET_OPEN_FILES_MAX: usize = 256;

/// Files, directories and links that a deterministic guest makes: the same on every node.
const DET_OUTPUT_FILES_MAX: u64 = 100_000;

/// The store's data.
pub(crate) struct Guest {
    pub(crate) wasi: Wasi,
    pub(crate) memory: MemoryLimits,
    pub(crate) kill: Arc<KillSwitch>,
}

impl Guest {
    /// Called on every tick.
    ///
    /// # Errors
    /// Why the guest is to end.
    pub(crate) fn tick(&self) -> Result<UpdateDeadline, Killed> {
        self.kill.check().map(|()| UpdateDeadline::Continue(1))
    }
}

/// What a run promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// `det/1`: the result is a function of the task, on whatever node.
    Deterministic,
    /// `wasi/1`: the result is this node's word.
    Attested,
}

impl Profile {
    /// Reads a profile's name.
    ///
    /// # Errors
    /// `Invalid` for one that is not known here.
    fn of(name: &str) -> Result<Self, Failure> {
        match name {
            PROFILE_DET_1 => Ok(Self::Deterministic),
            PROFILE_WASI_1 => Ok(Self::Attested),
            unknown => {
                let message = format!("the execution profile '{unknown}' is not known here");
                let hint =
                    format!("profiles of this release: '{PROFILE_WASI_1}', '{PROFILE_DET_1}'");
                Err(Failure::new(FailureKind::Invalid, message).with_hint(hint))
            }
        }
    }
}

/// What one run may use, out of the task's limits and the node's. In the deterministic profile
/// nothing that a guest could notice comes from the node.
#[derive(Clone, Debug)]
pub(crate) struct RunLimits {
    pub(crate) profile: Profile,
    pub(crate) memory_max_bytes: u64,
    pub(crate) table_max: u64,
    pub(crate) fuel_max: Option<u64>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) output_max_bytes: u64,
    pub(crate) output_max_files: u64,
    pub(crate) open_files_max: usize,
    pub(crate) overlay_memory_bytes: u64,
    pub(crate) disk_reserve_bytes: u64,
}

impl RunLimits {
    /// Puts the limits together.
    ///
    /// # Errors
    /// `Invalid` for a profile that is not known here; `Internal` for a limit that this node cannot
    /// give: less than the task asks for would be another result. A deterministic task is also
    /// refused when its job asks for less memory than the task may use.
    pub(crate) fn of(limits: &ExecLimits, config: &WasmConfig) -> Result<Self, Failure> {
        let det = limits.det.clone().unwrap_or_default();
        let profile = Profile::of(&det.profile)?;
        check_node(&det, config)?;
        let asked = limits.resources.memory_bytes;
        let common = Self {
            profile,
            memory_max_bytes: det.memory_max_bytes,
            table_max: det.table_max,
            fuel_max: det.fuel_max,
            timeout: limits.timeout,
            output_max_bytes: det.output_max_bytes,
            output_max_files: DET_OUTPUT_FILES_MAX,
            open_files_max: DET_OPEN_FILES_MAX,
            overlay_memory_bytes: config.overlay_memory_bytes,
            disk_reserve_bytes: config.disk_reserve_bytes,
        };
        match profile {
            // 0 is a job that said nothing of memory.
            Profile::Deterministic if asked != 0 && asked < det.memory_max_bytes => {
                let message = format!(
                    "the job asks for {asked} bytes of memory, and its task may use {}",
                    det.memory_max_bytes
                );
                Err(Failure::new(FailureKind::Invalid, message)
                    .with_hint("ask for as much memory as the task's own limit says"))
            }
            Profile::Deterministic => Ok(common),
            Profile::Attested => Ok(Self {
                memory_max_bytes: match asked {
                    0 => det.memory_max_bytes,
                    asked => det.memory_max_bytes.min(asked),
                },
                output_max_bytes: det.output_max_bytes.min(limits.caps.output_max_bytes),
                output_max_files: limits.caps.output_max_files,
                open_files_max: config.open_files_max,
                ..common
            }),
        }
    }
}

fn check_node(det: &Det, config: &WasmConfig) -> Result<(), Failure> {
    for (what, asked, max, key) in [
        ("bytes of memory", det.memory_max_bytes, config.memory_max_bytes, "memory_max_bytes"),
        ("table elements", det.table_max, config.table_max, "table_max"),
        ("bytes of stack", det.stack_max_bytes, config.stack_max_bytes, "stack_max_bytes"),
        ("bytes of stdout", det.stdout_max_bytes, config.stdout_max_bytes, "stdout_max_bytes"),
        ("bytes of stderr", det.stderr_max_bytes, config.stderr_max_bytes, "stderr_max_bytes"),
        ("bytes of outputs", det.output_max_bytes, config.output_max_bytes, "output_max_bytes"),
    ] {
        if asked > max {
            let message =
                format!("the task asks for {asked} {what}, and {max} is the most on this node");
            let hint = format!("ask for less, or raise wasm.{key} in the node's configuration");
            // Another node may give more.
            return Err(Failure::new(FailureKind::Internal, message).with_hint(hint));
        }
    }
    Ok(())
}

/// Counts memory and table elements over the whole guest, and refuses what goes beyond.
pub(crate) struct MemoryLimits {
    /// What is permitted must be had: that it is not would be the host's doing.
    is_exact: bool,
    memory_max_bytes: u64,
    table_max: u64,
    memory_bytes: u64,
    table_elements: u64,
    /// What was asked for and refused before the guest ran at all: the module is larger than its
    /// limits.
    pub(crate) refused_at_start: Option<TooLarge>,
}

/// A module that is larger than its limits from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooLarge {
    /// Bytes of memory it begins with.
    Memory(u64),
    /// Table elements it begins with.
    Table(u64),
}

impl MemoryLimits {
    pub(crate) fn new(limits: &RunLimits) -> Self {
        Self {
            is_exact: limits.profile == Profile::Deterministic,
            memory_max_bytes: limits.memory_max_bytes,
            table_max: limits.table_max,
            memory_bytes: 0,
            table_elements: 0,
            refused_at_start: None,
        }
    }

    /// The most memory that was in use; it never shrinks.
    pub(crate) fn memory_peak_bytes(&self) -> u64 {
        self.memory_bytes
    }
}

impl ResourceLimiter for MemoryLimits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.memory_bytes - current as u64 + desired as u64;
        if total > self.memory_max_bytes || maximum.is_some_and(|max| desired > max) {
            if current == 0 {
                self.refused_at_start.get_or_insert(TooLarge::Memory(total));
            }
            return Ok(false);
        }
        self.memory_bytes = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.table_elements - current as u64 + desired as u64;
        if total > self.table_max || maximum.is_some_and(|max| desired > max) {
            if current == 0 {
                self.refused_at_start.get_or_insert(TooLarge::Table(total));
            }
            return Ok(false);
        }
        self.table_elements = total;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.grow_failed("memory", &error)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.grow_failed("table elements", &error)
    }
}

impl MemoryLimits {
    /// What was permitted could not be had.
    fn grow_failed(&self, what: &str, error: &wasmtime::Error) -> wasmtime::Result<()> {
        let message = format!("the host has not the {what} that the program may use: {error:#}");
        if self.is_exact {
            let failure = Failure::new(FailureKind::Internal, message);
            return Err(wasmtime::Error::new(Broken(failure)));
        }
        tracing::debug!("{message}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use gadus_model::{Caps, Resources};

    use super::*;

    fn limits(memory_bytes: u64, det: Option<Det>) -> Result<RunLimits, Failure> {
        let resources = Resources { memory_bytes, ..Resources::default() };
        let limits = ExecLimits { resources, det, ..ExecLimits::default() };
        RunLimits::of(&limits, &WasmConfig::new("unused"))
    }

    #[test]
    fn the_smaller_memory_limit_holds() {
        let det = Det { memory_max_bytes: 1000, ..Det::default() };
        for (asked, given) in [(0, 1000), (10, 10), (5000, 1000)] {
            assert_eq!(limits(asked, Some(det.clone())).unwrap().memory_max_bytes, given);
        }
    }

    #[test]
    fn a_deterministic_task_takes_nothing_from_the_node_or_the_job() {
        let det = Det { profile: PROFILE_DET_1.into(), memory_max_bytes: 1000, ..Det::default() };
        let of = |memory_bytes, config: &WasmConfig| {
            let limits = ExecLimits {
                resources: Resources { memory_bytes, ..Resources::default() },
                det: Some(det.clone()),
                caps: Caps { output_max_bytes: 1, output_max_files: 1, ..Caps::default() },
                ..ExecLimits::default()
            };
            RunLimits::of(&limits, config)
        };
        let mut config = WasmConfig::new("unused");
        config.open_files_max = 1;
        for asked in [0, 1000, 5000] {
            let limits = of(asked, &config).unwrap();
            assert_eq!(limits.memory_max_bytes, 1000);
            assert_eq!(limits.open_files_max, DET_OPEN_FILES_MAX);
            assert_eq!(limits.output_max_files, DET_OUTPUT_FILES_MAX);
            assert_eq!(limits.output_max_bytes, det.output_max_bytes);
        }
        assert_eq!(of(999, &config).unwrap_err().kind, FailureKind::Invalid);
    }

    #[test]
    fn what_the_node_cannot_give_is_refused() {
        for (det, named) in [
            (Det { memory_max_bytes: 5 << 30, ..Det::default() }, "bytes of memory"),
            (Det { table_max: 1 << 40, ..Det::default() }, "table elements"),
            (Det { stack_max_bytes: 1 << 30, ..Det::default() }, "bytes of stack"),
            (Det { stdout_max_bytes: (64 << 20) + 1, ..Det::default() }, "67108864 is the most"),
            (Det { stderr_max_bytes: (64 << 20) + 1, ..Det::default() }, "bytes of stderr"),
            (Det { output_max_bytes: (1 << 40) + 1, ..Det::default() }, "bytes of outputs"),
        ] {
            let failure = limits(0, Some(det)).unwrap_err();
            assert!(failure.kind.is_retryable(), "another node may: {failure:?}");
            assert!(failure.message.contains(named), "{}", failure.message);
        }
    }

    #[test]
    fn an_unknown_profile_is_refused() {
        let det = Det { profile: "det/9".into(), ..Det::default() };
        let failure = limits(0, Some(det)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid);
        assert!(failure.message.contains("'det/9'"), "{}", failure.message);
    }

    #[test]
    fn what_the_node_can_just_give_is_given() {
        let det = Det {
            stdout_max_bytes: 64 << 20,
            stderr_max_bytes: 64 << 20,
            output_max_bytes: 1 << 40,
            ..Det::default()
        };
        limits(0, Some(det)).unwrap();
        let greedy = Det { output_max_bytes: u64::MAX, ..Det::default() };
        let hint = limits(0, Some(greedy)).unwrap_err().hint.unwrap();
        assert!(hint.contains("wasm.output_max_bytes"), "{hint}");
    }

    #[test]
    fn memory_is_counted_over_the_whole_guest() {
        let run = limits(0, Some(Det { memory_max_bytes: 300, ..Det::default() })).unwrap();
        let mut memory = MemoryLimits::new(&run);
        assert!(memory.memory_growing(0, 200, None).unwrap());
        assert!(!memory.memory_growing(200, 301, None).unwrap());
        assert_eq!(memory.refused_at_start, None);
        assert!(!memory.memory_growing(0, 200, None).unwrap());
        assert_eq!(memory.refused_at_start, Some(TooLarge::Memory(400)));
        assert_eq!(memory.memory_peak_bytes(), 200);
    }
}
