//! What a node keeps.

use gadus_model::{Cid, DAG_CBOR};
use gadus_ports::{Checked, Collected, Pin, PinReason, StoreStat};

use super::rfc3339;
use crate::types::{BadBlock, CheckResponse, CollectResponse, PinInfo, StoreStatResponse};

/// A pin.
pub(crate) fn pin(pin: &Pin) -> PinInfo {
    let (reason, execution, job) = match &pin.reason {
        PinReason::User => ("user", None, None),
        PinReason::Input(id) => ("input", Some(id), None),
        PinReason::Result(id) => ("result", Some(id), None),
        PinReason::Task(id) => ("task", None, Some(id)),
        PinReason::Verdict => ("verdict", None, None),
    };
    // What is pinned of a task is its block as a leaf; people know it by its own CID.
    let cid = match job {
        Some(_) => Cid::new_v1(DAG_CBOR, *pin.root.hash()),
        None => pin.root,
    };
    PinInfo {
        cid: cid.to_string(),
        reason: reason.to_owned(),
        execution_id: execution.map(ToString::to_string).unwrap_or_default(),
        job_id: job.map(ToString::to_string).unwrap_or_default(),
        made: pin.made.map(rfc3339).unwrap_or_default(),
        until: pin.until.map(rfc3339).unwrap_or_default(),
    }
}

/// Figures.
pub(crate) fn stat(stat: &StoreStat) -> StoreStatResponse {
    StoreStatResponse {
        blocks: stat.blocks,
        block_bytes: stat.block_bytes,
        pinned_blocks: stat.pinned_blocks,
        pinned_bytes: stat.pinned_bytes,
        quarantined_blocks: stat.quarantined_blocks,
        quarantined_bytes: stat.quarantined_bytes,
        used_bytes: stat.used_bytes,
        quota_bytes: stat.quota_bytes,
        packs: stat.packs,
        pack_disk_bytes: stat.pack_disk_bytes,
        index_disk_bytes: stat.index_disk_bytes,
        user_pins: stat.user_pins,
        input_pins: stat.input_pins,
        result_pins: stat.result_pins,
        task_pins: stat.task_pins,
        verdict_pins: stat.verdict_pins,
    }
}

/// A collection.
pub(crate) fn collected(done: &Collected) -> CollectResponse {
    CollectResponse {
        expired_pins: done.expired_pins,
        blocks: done.blocks,
        bytes: done.bytes,
        packs: done.packs,
        copied_bytes: done.copied_bytes,
        disk_bytes: done.disk_bytes,
    }
}

/// A check.
pub(crate) fn checked(found: &Checked) -> CheckResponse {
    let bad = |bad: &gadus_ports::Bad| BadBlock {
        pack: bad.pack.clone(),
        offset: bad.offset,
        cid: bad.cid.map(|cid| cid.to_string()).unwrap_or_default(),
        why: bad.why.clone(),
    };
    CheckResponse {
        good_blocks: found.good_blocks,
        good_bytes: found.good_bytes,
        packs: found.packs,
        bad: found.bad,
        named: found.named.iter().map(bad).collect(),
        repaired: found.repaired,
    }
}
