//! Files.

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use futures::{StreamExt, stream};
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
    let renamed = ask.query.text("filename");
    let name = if renamed.is_empty() { name } else { renamed };
    let content_type = match media::by_name(name) {
        Some(by_name) => by_name,
        None => media::by_content(&begin(reader).await, size).to_owned(),
    };
    let is_head = ask.is_head();
    let body = async |start, length: u64| {
        // For HEAD it is enough that there is something to read.
        let mut bytes = reader.read(start, if is_head { length.min(1) } else { length });
        // What cannot be read at all fails here, while there is still a status to say so with.
        let first = bytes.next().await.transpose().map_err(ServiceError::from)?;
        Ok(Body::from_stream(stream::iter(first.map(Ok)).chain(bytes)))
    };
    let response = part::respond(ask.headers, tag, &content_type, size, body).await?;
    Ok(named(ask, response))
}

/// A link's target.
pub(super) async fn symlink(
    ask: &Ask<'_>,
    tag: &str,
    target: String,
) -> Result<Response, ApiError> {
    let response = part::of_block(ask.headers, tag, "inode/symlink", target.into()).await?;
    Ok(named(ask, response))
}

/// An answer that is saved under the name that the query gives, if it gives one.
fn named(ask: &Ask<'_>, mut response: Response) -> Response {
    let name = ask.query.text("filename");
    if !name.is_empty() {
        let kind = if ask.is_download() { "attachment" } else { "inline" };
        let disposition = headers::disposition(kind, name);
        headers::set(&mut response, header::CONTENT_DISPOSITION, &disposition);
    }
    response
}

/// The first bytes, as far as they can be read: a range behind what is missing needs none of them.
async fn begin(reader: &dyn FileReader) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chunks = reader.read(0, media::SNIFF_BYTES);
    while let Some(Ok(chunk)) = chunks.next().await {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}
