//! Frames of the log websocket.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::is_default;

/// One text frame.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct LogFrame {
    /// What went wrong; the socket is closed after it.
    #[serde(skip_serializing_if = "is_default")]
    pub error: String,
    /// Some output.
    pub value: LogLine,
}

/// A line of output, or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct LogLine {
    /// 1 is stdout, 2 is stderr.
    #[serde(rename = "Type")]
    pub kind: u8,
    /// The text, its newline included.
    pub line: String,
    /// Ours: the very bytes in base64, where they are no UTF-8.
    #[serde(skip_serializing_if = "is_default")]
    pub bytes: String,
}
