//! Content: ours.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an import made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImportResponse {
    /// Its root (the first, for a CAR).
    #[serde(rename = "CID")]
    pub cid: String,
    /// All roots.
    pub roots: Vec<String>,
    /// Bytes of file content.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

/// A directory, as `GET /ipfs/…` answers with `Accept: application/json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Listing {
    /// Its CID.
    #[serde(rename = "CID")]
    pub cid: String,
    /// `directory`, `file` or `symlink`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Bytes of a file; 0 for a directory.
    pub size: u64,
    /// A link's target; empty for anything else.
    pub target: String,
    /// Of a directory, by name.
    pub entries: Vec<ListEntry>,
}

/// An entry of a directory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListEntry {
    /// Its name.
    pub name: String,
    /// Its CID.
    #[serde(rename = "CID")]
    pub cid: String,
    /// `file`, `directory`, `symlink` or `unknown`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Bytes of the whole tree under it, as its link says.
    pub size: u64,
}
