//! What a node keeps: ours. Times are RFC 3339; empty where there is none.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::is_default;

/// Figures of a node's content store. Bytes of blocks are as its quota counts them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct StoreStatResponse {
    /// Public blocks.
    pub blocks: u64,
    /// Their bytes.
    pub block_bytes: u64,
    /// Those of them that pins keep.
    pub pinned_blocks: u64,
    /// Their bytes.
    pub pinned_bytes: u64,
    /// Blocks of results that wait to be accepted.
    pub quarantined_blocks: u64,
    /// Their bytes.
    pub quarantined_bytes: u64,
    /// Bytes that count against the quota, with what uploads under way have asked for.
    pub used_bytes: u64,
    /// What may be used.
    pub quota_bytes: u64,
    /// Pack files.
    pub packs: u64,
    /// What they take of the disk.
    pub pack_disk_bytes: u64,
    /// What the index takes of the disk.
    pub index_disk_bytes: u64,
    /// Pins of people.
    pub user_pins: u64,
    /// Pins of inputs of executions.
    pub input_pins: u64,
    /// Pins of results.
    pub result_pins: u64,
    /// Pins of tasks.
    pub task_pins: u64,
    /// Pins of other requesters' verdicts.
    pub verdict_pins: u64,
}

/// A tree that is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct PinInfo {
    /// Its root.
    #[serde(rename = "CID")]
    pub cid: String,
    /// `user`, `input`, `result` or `task`.
    pub reason: String,
    /// The execution, where it is an input or a result.
    #[serde(rename = "ExecutionID", skip_serializing_if = "is_default")]
    pub execution_id: String,
    /// The job, where it is a task: its block is kept, and not what it links to.
    #[serde(rename = "JobID", skip_serializing_if = "is_default")]
    pub job_id: String,
    /// Since when.
    #[serde(skip_serializing_if = "is_default")]
    pub made: String,
    /// Until when; for ever where it is not there.
    #[serde(skip_serializing_if = "is_default")]
    pub until: String,
}

/// Some pins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListPinsResponse {
    /// Of the next page; empty on the last.
    pub next_token: String,
    /// In an order that stays.
    pub items: Vec<PinInfo>,
}

/// A tree to keep.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct PinRequest {
    /// Its root.
    #[serde(rename = "CID")]
    pub cid: String,
    /// For how long; 0 means until it is unpinned.
    #[serde(rename = "RetentionMs")]
    pub retention_ms: u64,
}

/// A tree that is kept now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct PinResponse {
    /// Its pin.
    pub pin: PinInfo,
    /// Bytes that had to be fetched from other nodes.
    pub fetched_bytes: u64,
}

/// A tree that is not kept for people any more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct UnpinResponse {
    /// Its root.
    #[serde(rename = "CID")]
    pub cid: String,
    /// Pins that still keep it.
    pub left: Vec<PinInfo>,
}

/// What a collection did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct CollectResponse {
    /// Pins whose time was over.
    pub expired_pins: u64,
    /// Blocks that nothing kept.
    pub blocks: u64,
    /// Their bytes, as the quota counts them.
    pub bytes: u64,
    /// Pack files that were removed.
    pub packs: u64,
    /// Bytes that were copied out of them, to stay.
    pub copied_bytes: u64,
    /// By how much less of the disk is taken.
    pub disk_bytes: u64,
}

/// What a check of everything found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct CheckResponse {
    /// Blocks that are what their CIDs say.
    pub good_blocks: u64,
    /// Their bytes.
    pub good_bytes: u64,
    /// Pack files that were read.
    pub packs: u64,
    /// How many blocks and records are bad.
    pub bad: u64,
    /// The first of them.
    pub named: Vec<BadBlock>,
    /// Blocks that were forgotten, to be fetched again.
    pub repaired: u64,
}

/// Something that is damaged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct BadBlock {
    /// The pack file.
    pub pack: String,
    /// Where in it.
    pub offset: u64,
    /// Which block; empty where nothing tells any more.
    #[serde(rename = "CID", skip_serializing_if = "is_default")]
    pub cid: String,
    /// What is wrong.
    pub why: String,
}
