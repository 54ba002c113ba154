//! Tasks as texts: ours.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A pinned task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskResponse {
    /// The CID of its DAG-CBOR, which names the work. The block can be had under it.
    #[serde(rename = "TaskCID")]
    pub task_cid: String,
    /// The task itself, in DAG-JSON: what the engine `task` takes.
    #[schema(value_type = Object)]
    pub task: Value,
}
