//! What belongs to one running guest: its limits, and the switch that ends it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gadus_model::{Det, Failure, FailureKind};
use gadus_ports::ExecLimits;
use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::config::WasmConfig;
use crate::kill::{KillSwitch, Killed};
use crate::quota::OutputQuota;
use crate::wasi::Wasi;

/// The store's data.
pub(crate) struct Guest {
    pub(crate) wasi: Wasi,
    pub(crate) memory: MemoryLimits,
    pub(crate) kill: Arc<KillSwitch>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) quota: Option<OutputQuota>,
}

impl Guest {
    /// Called on every tick.
    ///
    /// # Errors
    /// Why the guest is to end.
    pub(crate) fn tick(&mut self) -> Result<UpdateDeadline, Killed> {
        let now = Instant::now();
        if let Some(killed) = self.kill.check(now, self.deadline) {
            return Err(killed);
        }
        match self.quota.as_mut().and_then(|quota| quota.look(now)) {
            Some(killed) => Err(killed),
            None => Ok(UpdateDeadline::Continue(1)),
        }
    }
}

/// What one run may use, out of the task's limits and the node's.
#[derive(Clone, Debug)]
pub(crate) struct RunLimits {
    pub(crate) memory_max_bytes: u64,
    pub(crate) table_max: u64,
    pub(crate) fuel_max: Option<u64>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) output_max_bytes: u64,
    pub(crate) output_max_files: u64,
}

impl RunLimits {
    /// Puts the limits together.
    ///
    /// # Errors
    /// `Invalid` for a profile that is not known here, or a limit that this node cannot give: less
    /// than the task asks for would be another result.
    pub(crate) fn of(limits: &ExecLimits, config: &WasmConfig) -> Result<Self, Failure> {
        let det = limits.det.clone().unwrap_or_default();
        let known = Det::default().profile;
        if det.profile != known {
            let message = format!("the execution profile '{}' is not known here", det.profile);
            return Err(Failure::new(FailureKind::Invalid, message)
                .with_hint(format!("the profile of this release is '{known}'")));
        }
        for (what, asked, max) in [
            ("bytes of memory", det.memory_max_bytes, config.memory_max_bytes),
            ("table elements", det.table_max, config.table_max),
            ("bytes of stack", det.stack_max_bytes, config.stack_max_bytes),
        ] {
            if asked > max {
                let message = format!("the task asks for {asked} {what}, and {max} is the most");
                return Err(Failure::new(FailureKind::Invalid, message));
            }
        }
        let asked = limits.resources.memory_bytes;
        Ok(Self {
            // 0 is a job that said nothing of memory.
            memory_max_bytes: if asked == 0 {
                det.memory_max_bytes
            } else {
                det.memory_max_bytes.min(asked)
            },
            table_max: det.table_max,
            fuel_max: det.fuel_max,
            timeout: limits.timeout,
            output_max_bytes: det.output_max_bytes.min(limits.caps.output_max_bytes),
            output_max_files: limits.caps.output_max_files,
        })
    }
}

/// Counts memory and table elements over the whole guest, and refuses what goes beyond.
pub(crate) struct MemoryLimits {
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
}

#[cfg(test)]
mod tests {
    use gadus_model::Resources;

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
    fn what_the_node_cannot_give_is_refused() {
        for (det, named) in [
            (Det { memory_max_bytes: 5 << 30, ..Det::default() }, "bytes of memory"),
            (Det { table_max: 1 << 40, ..Det::default() }, "table elements"),
            (Det { stack_max_bytes: 1 << 30, ..Det::default() }, "bytes of stack"),
            (Det { profile: "det/9".into(), ..Det::default() }, "'det/9'"),
        ] {
            let failure = limits(0, Some(det)).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Invalid);
            assert!(failure.message.contains(named), "{}", failure.message);
        }
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
