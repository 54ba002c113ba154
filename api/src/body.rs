//! Bodies of requests: their type, their size, and how fast they come.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use futures::StreamExt;
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::json_in::{self, Form};
use crate::limits::ApiLimits;
use crate::service::ServiceError;

/// Reads a JSON body, to its end and within the limit.
pub(crate) async fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    form: &'static Form,
    limits: &ApiLimits,
) -> Result<T, ApiError> {
    let bytes = all(headers, body, limits.body_bytes_max).await?;
    json_in::read(expect_json(headers, &bytes)?, form, limits)
}

/// The same where there may be no body at all.
pub(crate) async fn json_if_any<T: DeserializeOwned + Default>(
    headers: &HeaderMap,
    body: Body,
    form: &'static Form,
    limits: &ApiLimits,
) -> Result<T, ApiError> {
    let bytes = all(headers, body, limits.body_bytes_max).await?;
    if bytes.is_empty() {
        return Ok(T::default());
    }
    json_in::read(expect_json(headers, &bytes)?, form, limits)
}

/// A body of another type is refused: a page of another site can send some types unasked, but
/// not this one.
fn expect_json<'a>(headers: &HeaderMap, bytes: &'a Bytes) -> Result<&'a [u8], ApiError> {
    if media_type(headers) == "application/json" {
        return Ok(bytes);
    }
    let error = ServiceError::bad_request("Unsupported Media Type")
        .with_hint("send JSON, with the header Content-Type: application/json");
    Err(ApiError::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
}

/// The media type, lower-case and without parameters; empty when there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let bare = value.unwrap_or_default().split(';').next().unwrap_or_default();
    bare.trim().to_ascii_lowercase()
}

/// What the client says the body's length is.
pub(crate) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn all(headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::too_large("the body", max as u64);
    if length(headers).is_some_and(|length| length > max as u64) {
        return Err(too_large());
    }
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk
            .map_err(|error| ServiceError::bad_request(format!("the body broke off: {error}")))?;
        if bytes.len() + chunk.len() > max {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}
