//! In which form content is wanted.

use axum::http::{HeaderMap, header};

use super::not_yet;
use crate::error::ApiError;
use crate::query::QueryString;
use crate::service::ServiceError;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A file's bytes, or a directory's listing for people.
    Page,
    /// What stands there, as JSON.
    Json,
    /// The tree as a tar.
    Tar,
    /// The block itself.
    Raw,
}

impl Format {
    /// By `format`, else by `Accept`.
    pub(super) fn wanted(query: &QueryString, headers: &HeaderMap) -> Result<Self, ApiError> {
        match query.text("format") {
            "" => {}
            "raw" => return Ok(Self::Raw),
            "tar" => return Ok(Self::Tar),
            "json" => return Ok(Self::Json),
            "car" => return Err(not_yet("reading content as a CAR")),
            other => {
                let message = format!("'format' must be raw, tar or json, not '{other}'");
                return Err(ServiceError::bad_request(message).into());
            }
        }
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let first = accept.unwrap_or_default().split([',', ';']).next().unwrap_or_default().trim();
        match first {
            "application/json" => Ok(Self::Json),
            "application/x-tar" => Ok(Self::Tar),
            "application/vnd.ipld.raw" => Ok(Self::Raw),
            "application/vnd.ipld.car" => Err(not_yet("reading content as a CAR")),
            _ => Ok(Self::Page),
        }
    }
}
