//! The node itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::is_default;

/// It lives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct AliveResponse {
    /// `OK`.
    pub status: String,
}

/// What a node is built from. `GitVersion` is the version of Bacalhau whose API this is, with
/// our own version as build metadata, since clients compare it with theirs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct BuildVersionInfo {
    /// Of `GitVersion`.
    #[serde(skip_serializing_if = "is_default")]
    pub major: String,
    /// Of `GitVersion`.
    #[serde(skip_serializing_if = "is_default")]
    pub minor: String,
    /// `v1.9.3+gadus.0.1.0`.
    pub git_version: String,
    /// The commit; empty when unknown.
    pub git_commit: String,
    /// RFC 3339; the year 1 when unknown.
    pub build_date: String,
    /// Go's name of the operating system.
    #[serde(rename = "GOOS")]
    pub goos: String,
    /// Go's name of the processor.
    #[serde(rename = "GOARCH")]
    pub goarch: String,
    /// Ours: the version of gadus.
    #[serde(skip_serializing_if = "is_default")]
    pub gadus: String,
}
