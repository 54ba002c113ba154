//! Content of a known size: all of it, or the range that the client asks for.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::etag;
use super::range::{self, Range};
use crate::error::ApiError;
use crate::service::{ErrorCode, ServiceError};

/// Answers with what `body` gives from a place, for a length.
pub(super) async fn respond(
    headers: &HeaderMap,
    tag: &str,
    content_type: &str,
    size: u64,
    body: impl AsyncFnOnce(u64, u64) -> Result<Body, ApiError>,
) -> Result<Response, ApiError> {
    if etag::client_wants_another(headers, tag) {
        let error = ServiceError::new(ErrorCode::BadRequest, "what stands here has another tag");
        return Err(ApiError::with_status(StatusCode::PRECONDITION_FAILED, error));
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let current = text(header::IF_RANGE).is_none_or(|known| known == tag);
    let range = match text(header::RANGE).filter(|_| current) {
        Some(header) => range::parse(header, size),
        None => Range::All,
    };
    let (status, start, length) = match range {
        Range::All => (StatusCode::OK, 0, size),
        Range::Part { start, length } => (StatusCode::PARTIAL_CONTENT, start, length),
        Range::Beyond => {
            let content_range = format!("bytes */{size}");
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            return Ok((status, [(header::CONTENT_RANGE, content_range)]).into_response());
        }
        Range::Nonsense => {
            let message = "the header Range is none of bytes, such as bytes=0-99";
            return Err(ServiceError::bad_request(message).into());
        }
    };
    let length_text = length.to_string();
    let fixed = [
        (header::CONTENT_TYPE, content_type),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CONTENT_LENGTH, &length_text),
    ];
    let mut response = (status, fixed, body(start, length).await?).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let content_range = format!("bytes {start}-{}/{size}", start + length - 1);
        super::headers::set(&mut response, header::CONTENT_RANGE, &content_range);
    }
    Ok(response)
}

/// The same for a block, which is in memory.
pub(super) async fn of_block(
    headers: &HeaderMap,
    tag: &str,
    content_type: &str,
    block: Bytes,
) -> Result<Response, ApiError> {
    let size = block.len() as u64;
    // Both ends are within the block.
    let slice = async |start: u64, length: u64| {
        Ok(Body::from(block.slice(start as usize..(start + length) as usize)))
    };
    respond(headers, tag, content_type, size, slice).await
}
