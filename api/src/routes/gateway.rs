//! Content by its CID: an IPFS gateway, for people
//! (<https://specs.ipfs.tech/http-gateways/path-gateway/>) and for programs that check what they
//! get (<https://specs.ipfs.tech/http-gateways/trustless-gateway/>).
//!
//! `format` says in which form something is wanted, and a file for each form gives it.

use std::io;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use gadus_ports::{EntryKind, Resolved};

use super::Answer;
use crate::error::ApiError;
use crate::query::QueryString;
use crate::service::{ErrorCode, Reach, ServiceError};
use crate::state::ApiState;
use crate::types::{ErrorBody, Listing};

mod address;
mod car;
mod detour;
mod etag;
mod file;
mod format;
#[doc(hidden)]
pub mod fuzz;
mod headers;
mod listing;
mod location;
mod media;
mod page;
mod part;
mod plain;
mod range;
mod raw;
mod tar;

use address::Address;
use format::{Format, Wanted};
pub(super) use tar::entries;

/// What stands at a CID: a file's bytes (ranges are served), a directory's `index.html` or a list
/// of it, a plain IPLD block. Other forms go by `format` or `Accept`: the block itself (`raw`),
/// blocks of the tree (`car`), the tree (`tar`), a block as `dag-json`, `dag-cbor`, `json` or
/// `cbor`; a directory's list as JSON (`json`), and a file's or link's too (`listing`).
#[utoipa::path(
    get,
    path = "/ipfs/{cid}",
    tag = "Content",
    params(
        ("cid" = String, Path, description = "The root"),
        ("format" = Option<String>, Query, description = "raw, car, tar, json, cbor, dag-json, dag-cbor or listing"),
        ("filename" = Option<String>, Query, description = "What to save it as"),
        ("download" = Option<bool>, Query, description = "Save it, whatever a browser could show"),
        ("dag-scope" = Option<String>, Query, description = "Of a CAR: block, entity or all"),
        ("entity-bytes" = Option<String>, Query, description = "Of a CAR of an entity: FROM:TO, both included; * is the end"),
        ("car-version" = Option<String>, Query, description = "Of a CAR: 1"),
        ("car-order" = Option<String>, Query, description = "Of a CAR: dfs or unk"),
        ("car-dups" = Option<String>, Query, description = "Of a CAR: y for blocks as often as they come, n for each once"),
    ),
    responses(
        (status = 200, description = "The content", body = Listing, content_type = "application/json"),
        (status = 206, description = "A range of it"),
        (status = 301, description = "A directory, without a slash at the end"),
        (status = 304, description = "The client has it"),
        (status = 400, description = "No CID, path, form or range", body = ErrorBody),
        (status = 404, description = "Nobody has it", body = ErrorBody),
        (status = 412, description = "It is not here (only-if-cached), or has another tag", body = ErrorBody),
        (status = 416, description = "The range is behind its end"),
    )
)]
pub(super) async fn root(
    State(api): State<ApiState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    query: QueryString,
) -> Answer {
    serve(&api, method, &uri, &headers, &query).await
}

/// What stands at a path under a CID; in the same forms.
#[utoipa::path(
    get,
    path = "/ipfs/{cid}/{*path}",
    tag = "Content",
    params(
        ("cid" = String, Path, description = "The root"),
        ("path" = String, Path, description = "Names below it, each percent-encoded"),
        ("format" = Option<String>, Query, description = "raw, car, tar, json, cbor, dag-json, dag-cbor or listing"),
    ),
    responses(
        (status = 200, description = "The content", body = Listing, content_type = "application/json"),
        (status = 404, description = "Nobody has it, or nothing stands there", body = ErrorBody),
    )
)]
pub(super) async fn below(
    State(api): State<ApiState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    query: QueryString,
) -> Answer {
    serve(&api, method, &uri, &headers, &query).await
}

/// A request.
struct Ask<'a> {
    api: &'a ApiState,
    method: Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    query: &'a QueryString,
    address: Address,
    wanted: Wanted,
}

async fn serve(
    api: &ApiState,
    method: Method,
    uri: &Uri,
    headers: &HeaderMap,
    query: &QueryString,
) -> Answer {
    if let Some(response) = detour::taken(uri, headers, query)? {
        return Ok(response);
    }
    let address = Address::parse(uri.path())?;
    let wanted = Wanted::read(query, headers)?;
    let ask = Ask { api, method, uri, headers, query, address, wanted };
    if let Some(response) = ask.only_if_here().await? {
        return Ok(response);
    }
    let (root, path) = (ask.address.root, ask.address.path());
    let at = api.service.resolve(root, &path, Reach::Anywhere).await?;
    let response = ask.respond(&at).await?;
    Ok(location::told(&ask, headers::with_roots(response, &at.roots)))
}

impl Ask<'_> {
    async fn respond(&self, at: &Resolved) -> Answer {
        match self.wanted.format {
            Format::Raw => raw::respond(self, at).await,
            Format::Car => car::respond(self).await,
            Format::Tar => tar::respond(self, at).await,
            Format::Listing => listing::respond(self, at).await,
            Format::DagJson | Format::DagCbor => plain::respond(self, at).await,
            Format::Page | Format::Json | Format::Cbor if plain::native(&at.cid).is_some() => {
                plain::respond(self, at).await
            }
            Format::Json if at.kind == EntryKind::Directory => listing::respond(self, at).await,
            Format::Page | Format::Json | Format::Cbor => page::respond(self, at).await,
        }
    }

    /// The answer to a client that wants what is here already, and nothing else; `None` where it
    /// is here and is to be sent.
    async fn only_if_here(&self) -> Result<Option<Response>, ApiError> {
        let only = self.headers.get(header::CACHE_CONTROL).is_some_and(|v| v == "only-if-cached");
        if !only {
            return Ok(None);
        }
        let (root, path) = (self.address.root, self.address.path());
        match self.api.service.resolve(root, &path, Reach::Here).await {
            Ok(_) if self.is_head() => Ok(Some((StatusCode::OK, nothing()).into_response())),
            Ok(_) => Ok(None),
            Err(error) if error.code == ErrorCode::NotFound => {
                let message = format!("{} is not on this node", self.address.shown());
                let error = ServiceError::new(ErrorCode::NotFound, message)
                    .with_hint("ask without Cache-Control: only-if-cached to have it fetched");
                Err(ApiError::with_status(StatusCode::PRECONDITION_FAILED, error))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }

    /// Whether it is to be saved, whatever a browser could show.
    fn is_download(&self) -> bool {
        self.query.text("download") == "true"
    }

    /// What to save it as: the name of the query, or else this one.
    fn name_or(&self, otherwise: impl FnOnce() -> String) -> String {
        match self.query.text("filename") {
            "" => otherwise(),
            name => name.to_owned(),
        }
    }

    /// The answer to a client that has it.
    fn not_modified(&self, tag: &str) -> Response {
        headers::guarded(StatusCode::NOT_MODIFIED.into_response(), tag, &self.address)
    }
}

/// The body of an answer to `HEAD` that says nothing of the length that `GET` would have.
fn nothing() -> Body {
    Body::from_stream(stream::empty::<io::Result<Bytes>>())
}
