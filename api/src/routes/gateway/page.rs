//! UnixFS as people see it: files, directories that begin with their `index.html`, and pages for
//! the others.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use gadus_model::Cid;
use gadus_ports::{EntryKind, Node, Resolved};

use super::format::Format;
use super::{Ask, detour, etag, file, headers, listing};
use crate::error::ApiError;
use crate::service::{ErrorCode, Reach, ServiceError};

/// The file of a directory that stands for it.
const INDEX: &str = "index.html";

/// What stands at the address.
pub(super) async fn respond(ask: &Ask<'_>, at: &Resolved) -> Result<Response, ApiError> {
    let tag = etag::of(&at.cid, Format::Page);
    let page = etag::of_page(&at.cid);
    if etag::client_has(ask.headers, &[&tag, &page]) {
        return Ok(ask.not_modified(&tag));
    }
    if at.kind == EntryKind::Directory {
        return directory(ask, at.cid, &tag, &page).await;
    }
    let response = node(ask, at.cid, &ask.address.name(), &tag).await?;
    Ok(headers::guarded(response, &tag, &ask.address))
}

async fn directory(ask: &Ask<'_>, cid: Cid, tag: &str, page: &str) -> Result<Response, ApiError> {
    if !ask.address.slash {
        // Else the links of its index would lead beside it.
        let query = ask.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        return Ok(detour::moved(&format!("{}/{query}", ask.uri.path())));
    }
    match ask.api.service.resolve(cid, INDEX, Reach::Anywhere).await {
        Ok(index) if index.kind == EntryKind::File => {
            let response = node(ask, index.cid, INDEX, tag).await?;
            Ok(headers::guarded(response, tag, &ask.address))
        }
        Ok(_) => {
            let error = ServiceError::bad_request(format!("its {INDEX} is no file"));
            Err(ApiError::with_status(StatusCode::UNPROCESSABLE_ENTITY, error))
        }
        Err(error) if error.code == ErrorCode::NotFound => {
            let node = ask.api.service.open(cid, "").await?;
            let Node::Directory { entries, .. } = node else {
                return Err(ServiceError::internal("a directory became something else").into());
            };
            let mut response = listing::html(&ask.address, &cid, &entries);
            let week = HeaderValue::from_static(headers::PAGE);
            response.headers_mut().insert(header::CACHE_CONTROL, week);
            Ok(headers::guarded(response, page, &ask.address))
        }
        Err(error) => Err(error.into()),
    }
}

/// A file or a link.
async fn node(ask: &Ask<'_>, cid: Cid, name: &str, tag: &str) -> Result<Response, ApiError> {
    match ask.api.service.open(cid, "").await? {
        Node::File { size, reader, .. } => {
            file::respond(ask, name, tag, size, reader.as_ref()).await
        }
        Node::Symlink { target, .. } => file::symlink(ask, tag, target).await,
        Node::Directory { .. } => Err(ServiceError::internal("a file became a directory").into()),
    }
}
