//! Files.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use gadus_ports::FileReader;

use super::{Ask, headers, media, part};
use crate::error::ApiError;
use crate::service::ServiceError;

/// A file, or a range of it. Its type goes by `name`, unless the query gives it another.
pub(super) async fn respond(
    ask: &Ask<'_>,
    name: &str,
    tag: &str,
    size: u64,
    reader: &dyn FileReader,
) -> Result<Response, ApiError> {
    let begin = begin(reader).await?;
    let renamed = ask.query.text("filename");
    let name = if renamed.is_empty() { name } else { renamed };
    let content_type = media::of(name, &begin, size);
    let body = |start, length| Body::from_stream(reader.read(start, length));
    let mut response = part::respond(ask.headers, tag, &content_type, size, body)?;
    if !renamed.is_empty() {
        let kind = if ask.is_download() { "attachment" } else { "inline" };
        let disposition = headers::disposition(kind, renamed);
        headers::set(&mut response, header::CONTENT_DISPOSITION, &disposition);
    }
    Ok(response)
}

/// A link's target.
pub(super) fn symlink(target: String) -> Response {
    ([(header::CONTENT_TYPE, "inode/symlink")], target).into_response()
}

/// The first bytes. A file that cannot be read fails here, while there is still a status to say
/// so with.
async fn begin(reader: &dyn FileReader) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let mut stream = reader.read(0, media::SNIFF_BYTES);
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk.map_err(ServiceError::from)?);
    }
    Ok(bytes)
}
