//! Importing content: ours.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use futures::{Stream, StreamExt, stream};
use gadus_ports::{BoxRead, Layout, Pinned, Profile, UnknownProfile};
use tokio_util::io::StreamReader;

use super::{Answer, json};
use crate::body;
use crate::convert;
use crate::error::ApiError;
use crate::query::QueryString;
use crate::service::{ImportKind, ServiceError};
use crate::state::ApiState;
use crate::types::{ErrorBody, ImportResponse};

/// Imports a file, a tar of a tree (`application/x-tar`), a CAR whose blocks are verified one by
/// one (`application/vnd.ipld.car`), or, with no body, what the node fetches `from` a URI. The answer means that the content is durable and pinned.
#[utoipa::path(
    post,
    path = "/api/v1/content",
    tag = "Content",
    params(
        ("from" = Option<String>, Query,
            description = "Fetch it from here: https://, http:// (with #sha256=HEX, where its bytes \
                are known), s3://BUCKET/KEY (see the source s3), or file:// in a directory that the \
                operator has allowed"),
        ("profile" = Option<String>, Query,
            description = "unixfs-v1-2025 (the default) or unixfs-v0-2015: how blocks are made"),
        ("preserve_mode" = Option<bool>, Query,
            description = "Keep the permissions that the tar tells; they are part of the CID"),
    ),
    request_body(content(
        ("application/octet-stream"),
        ("application/x-tar"),
        ("application/vnd.ipld.car"),
    )),
    responses(
        (status = 200, description = "Imported", body = ImportResponse),
        (status = 400, description = "Not what it should be", body = ErrorBody),
        (status = 413, description = "Too large", body = ErrorBody),
        (status = 507, description = "The node has no room left for it", body = ErrorBody),
    )
)]
pub(super) async fn post(
    State(api): State<ApiState>,
    headers: HeaderMap,
    query: QueryString,
    body: Body,
) -> Answer {
    let max = api.limits().content_bytes_max;
    let too_large = || ApiError::too_large("the content", max);
    if body::length(&headers).is_some_and(|length| length > max) {
        return Err(too_large());
    }
    if query.has("from") {
        let origin = convert::origin(query.text("from")).map_err(ServiceError::bad_request)?;
        let Pinned { cid, bytes, files, .. } = api.service.import_from(origin).await?;
        let cid = cid.to_string();
        return json(&query, &ImportResponse { roots: vec![cid.clone()], cid, bytes, files });
    }
    let kind = kind(&headers, layout(&query)?)?;
    let overrun = Arc::new(AtomicBool::new(false));
    let stall = Duration::from_millis(api.limits().stall_ms);
    let bytes = counted(body, max, stall, overrun.clone());
    let reader: BoxRead = Box::pin(StreamReader::new(Box::pin(bytes)));
    let imported = match api.service.import(kind, reader).await {
        Err(_) if overrun.load(Ordering::Relaxed) => return Err(too_large()),
        answer => answer?,
    };
    let answer = ImportResponse {
        cid: imported.root.to_string(),
        roots: imported.roots.iter().map(ToString::to_string).collect(),
        bytes: imported.bytes,
        files: imported.files,
    };
    json(&query, &answer)
}

fn kind(headers: &HeaderMap, layout: Layout) -> Result<ImportKind, ApiError> {
    match body::media_type(headers).as_str() {
        "application/x-tar" => Ok(ImportKind::Tar(layout)),
        "application/vnd.ipld.car" => Ok(ImportKind::Car),
        "multipart/form-data" => {
            let error = ServiceError::bad_request("Unsupported Media Type")
                .with_hint("send the file itself as the body: curl --data-binary @FILE");
            Err(ApiError::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
        }
        _ => Ok(ImportKind::File(layout)),
    }
}

/// How blocks are to be made; a CAR has its own already.
fn layout(query: &QueryString) -> Result<Layout, ServiceError> {
    let profile = match query.text("profile") {
        "" => Profile::default(),
        name => {
            name.parse().map_err(|e: UnknownProfile| ServiceError::bad_request(e.to_string()))?
        }
    };
    Ok(Layout { profile, keep_modes: query.flag("preserve_mode")? })
}

/// The bytes of a body; an error once there are more than `max`, or none come for `stall`.
fn counted(
    body: Body,
    max: u64,
    stall: Duration,
    overrun: Arc<AtomicBool>,
) -> impl Stream<Item = io::Result<bytes::Bytes>> + Send {
    let start = (body.into_data_stream(), 0_u64);
    stream::try_unfold(start, move |(mut data, seen)| {
        let overrun = overrun.clone();
        async move {
            let Ok(next) = tokio::time::timeout(stall, data.next()).await else {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the upload stood still"));
            };
            let Some(chunk) = next.transpose().map_err(io::Error::other)? else {
                return Ok(None);
            };
            let seen = seen + chunk.len() as u64;
            if seen > max {
                overrun.store(true, Ordering::Relaxed);
                return Err(io::Error::other(format!("there are more than {max} bytes")));
            }
            Ok(Some((chunk, (data, seen))))
        }
    })
}
