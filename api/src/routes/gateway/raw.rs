//! Blocks as they are.

use axum::http::header;
use axum::response::Response;
use gadus_ports::Resolved;

use super::format::Format;
use super::{Ask, etag, headers, part};
use crate::error::ApiError;

/// The block at the address, whatever it is.
pub(super) async fn respond(ask: &Ask<'_>, at: &Resolved) -> Result<Response, ApiError> {
    let tag = etag::of(&at.cid, Format::Raw);
    if etag::client_has(ask.headers, &[&tag]) {
        return Ok(ask.not_modified(&tag));
    }
    let block = ask.api.service.block(at.cid).await?;
    let media_type = Format::Raw.media_type();
    let mut response = part::of_block(ask.headers, &tag, media_type, block).await?;
    let name = ask.name_or(|| format!("{}.bin", at.cid));
    let disposition = headers::disposition("attachment", &name);
    headers::set(&mut response, header::CONTENT_DISPOSITION, &disposition);
    Ok(headers::guarded(response, &tag, &ask.address))
}
