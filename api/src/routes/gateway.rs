//! Content by its CID: files, listings, tars and blocks.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use gadus_ports::Node;

use super::Answer;
use crate::error::ApiError;
use crate::query::QueryString;
use crate::service::ServiceError;
use crate::state::ApiState;
use crate::types::{ErrorBody, Listing};

mod address;
mod file;
mod format;
mod headers;
mod listing;
mod media;
mod range;
mod tar;

use address::Address;
use format::Format;

/// What stands at a CID: a file's bytes (ranges are served), a directory's listing (JSON with
/// `Accept: application/json` or `format=json`), a tree as a tar (`format=tar`), or the block
/// itself (`format=raw`).
#[utoipa::path(
    get,
    path = "/ipfs/{cid}",
    tag = "Content",
    params(
        ("cid" = String, Path, description = "The root"),
        ("format" = Option<String>, Query, description = "raw, tar or json"),
    ),
    responses(
        (status = 200, description = "The content", body = Listing, content_type = "application/json"),
        (status = 206, description = "A range of it"),
        (status = 304, description = "The client has it"),
        (status = 404, description = "Nobody has it", body = ErrorBody),
    )
)]
pub(super) async fn root(
    State(api): State<ApiState>,
    uri: Uri,
    headers: HeaderMap,
    query: QueryString,
) -> Answer {
    serve(&api, &uri, &headers, &query).await
}

/// What stands at a path under a CID.
#[utoipa::path(
    get,
    path = "/ipfs/{cid}/{*path}",
    tag = "Content",
    params(
        ("cid" = String, Path, description = "The root"),
        ("path" = String, Path, description = "Names below it, each percent-encoded"),
        ("format" = Option<String>, Query, description = "raw, tar or json"),
    ),
    responses(
        (status = 200, description = "The content", body = Listing, content_type = "application/json"),
        (status = 404, description = "Nobody has it, or nothing stands there", body = ErrorBody),
    )
)]
pub(super) async fn below(
    State(api): State<ApiState>,
    uri: Uri,
    headers: HeaderMap,
    query: QueryString,
) -> Answer {
    serve(&api, &uri, &headers, &query).await
}

async fn serve(api: &ApiState, uri: &Uri, headers: &HeaderMap, query: &QueryString) -> Answer {
    let address = Address::parse(uri.path())?;
    let format = Format::wanted(query, headers)?;
    if format == Format::Raw && address.names.is_empty() {
        // Any block, UnixFS or not.
        let etag = format!("\"{}.raw\"", address.root);
        if headers::client_has(headers, &etag) {
            return Ok(headers::not_modified(&etag, &address));
        }
        let response = raw(api, &address.root).await?;
        return Ok(headers::guarded(response, &etag, &address));
    }
    let node = api.service.open(address.root, &address.path()).await?;
    let cid = *match &node {
        Node::File { cid, .. } | Node::Directory { cid, .. } | Node::Symlink { cid, .. } => cid,
    };
    let etag = headers::etag(&cid, format, &node);
    if headers::client_has(headers, &etag) {
        return Ok(headers::not_modified(&etag, &address));
    }
    let response = match (format, node) {
        (Format::Raw, _) => raw(api, &cid).await?,
        (Format::Tar, node) => tar::respond(api, address.name(), node),
        (Format::Json, node) => listing::json(query, &node)?,
        (Format::Page, Node::Directory { cid, entries, .. }) => {
            listing::html(&address, &cid, &entries)
        }
        (Format::Page, Node::Symlink { target, .. }) => file::text(target),
        (Format::Page, Node::File { size, reader, .. }) => {
            file::respond(&address, headers, &etag, size, reader.as_ref()).await?
        }
    };
    Ok(headers::guarded(response, &etag, &address))
}

async fn raw(api: &ApiState, cid: &gadus_model::Cid) -> Result<Response, ApiError> {
    let block = api.service.block(*cid).await?;
    let disposition = format!("attachment; filename=\"{cid}.bin\"");
    let content_type = "application/vnd.ipld.raw";
    Ok(([("content-type", content_type), ("content-disposition", &disposition)], block)
        .into_response())
}

/// What may be asked for and is not there yet.
fn not_yet(what: &str) -> ApiError {
    ServiceError::not_implemented(what, "ask for format=tar or format=raw").into()
}
