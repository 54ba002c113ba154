//! Slots, epochs and executions.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::id::derived_uuid;
use crate::{ExecutionId, JobId};

/// A place to fill: one replica of one partition of a task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The job.
    pub job: JobId,
    /// The job's version.
    pub version: u32,
    /// The task's label.
    pub task: String,
    /// The partition, from 0; for `every match` the node's place in the plan.
    pub partition: u32,
    /// The replica, from 0.
    pub replica: u32,
}

/// The fencing token of a slot: it grows with every try, and is durable before an award is sent.
/// Only a slot's current epoch may win.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch {
    /// The owner's term when it was made.
    pub term: u64,
    /// Counts the slot's tries, from 1. 0 is no try: the answer was known.
    pub n: u32,
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.n)
    }
}

/// One try at filling a slot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Execution {
    /// The slot.
    pub slot: Slot,
    /// Which try.
    pub epoch: Epoch,
}

impl Execution {
    /// The id that the API, container labels and log lines show.
    #[must_use]
    pub fn id(&self) -> ExecutionId {
        // Encoding plain strings and integers cannot fail; were it to, the id of the empty
        // string is still a valid id.
        let bytes = codec::encode(self).unwrap_or_default();
        ExecutionId(derived_uuid(b"gadus/execution/1", &bytes))
    }
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Slot { job, version, task, partition, replica } = &self.slot;
        write!(f, "{}v{version}/{task}/{partition}.{replica}@{:?}", job.short(), self.epoch)
    }
}
