//! Files.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use gadus_ports::FileReader;

use super::address::Address;
use super::media;
use super::range::{self, Range};
use crate::error::ApiError;
use crate::service::ServiceError;

/// Bytes that a file's type is told from.
const SNIFF_BYTES: u64 = 512;

/// A file, or a range of it.
pub(super) async fn respond(
    address: &Address,
    headers: &HeaderMap,
    etag: &str,
    size: u64,
    reader: &dyn FileReader,
) -> Result<Response, ApiError> {
    let content_type = media::of(&address.name(), &begin(reader).await?);
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let current = text(header::IF_RANGE).is_none_or(|tag| tag == etag);
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
    };
    let mut response = (
        status,
        [
            (header::CONTENT_TYPE, content_type.to_owned()),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
            (header::CONTENT_LENGTH, length.to_string()),
        ],
        Body::from_stream(reader.read(start, length)),
    )
        .into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let content_range = format!("bytes {start}-{}/{size}", start + length - 1);
        if let Ok(value) = content_range.parse() {
            response.headers_mut().insert(header::CONTENT_RANGE, value);
        }
    }
    Ok(response)
}

/// A link's target, as text.
pub(super) fn text(target: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], target).into_response()
}

/// The first bytes. A file that cannot be read fails here, while there is still a status to say
/// so with.
async fn begin(reader: &dyn FileReader) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let mut stream = reader.read(0, SNIFF_BYTES);
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk.map_err(ServiceError::from)?);
    }
    Ok(bytes)
}
