//! What a job needs and a node has.

use serde::{Deserialize, Serialize};

/// An amount of each resource. Units: thousandths of a core, bytes, bytes, whole devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Thousandths of a CPU core.
    pub cpu_millis: u64,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Scratch and output disk, in bytes.
    pub disk_bytes: u64,
    /// Whole GPUs.
    pub gpus: u32,
}

impl Resources {
    /// Whether `need` fits into this amount.
    #[must_use]
    pub fn holds(&self, need: &Self) -> bool {
        need.cpu_millis <= self.cpu_millis
            && need.memory_bytes <= self.memory_bytes
            && need.disk_bytes <= self.disk_bytes
            && need.gpus <= self.gpus
    }

    /// This amount less `used`, never below zero.
    #[must_use]
    pub fn less(&self, used: &Self) -> Self {
        Self {
            cpu_millis: self.cpu_millis.saturating_sub(used.cpu_millis),
            memory_bytes: self.memory_bytes.saturating_sub(used.memory_bytes),
            disk_bytes: self.disk_bytes.saturating_sub(used.disk_bytes),
            gpus: self.gpus.saturating_sub(used.gpus),
        }
    }

    /// This amount and `more`.
    #[must_use]
    pub fn plus(&self, more: &Self) -> Self {
        Self {
            cpu_millis: self.cpu_millis.saturating_add(more.cpu_millis),
            memory_bytes: self.memory_bytes.saturating_add(more.memory_bytes),
            disk_bytes: self.disk_bytes.saturating_add(more.disk_bytes),
            gpus: self.gpus.saturating_add(more.gpus),
        }
    }
}
