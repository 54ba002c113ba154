//! Results as archives: where the publisher `local` says that they are. The URL says what the
//! result is, so nothing is remembered for it: it is good as long as the node keeps the result.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use futures::StreamExt as _;
use gadus_model::{Cid, ExecutionId};
use gadus_ports::Node;
use tokio_util::io::{ReaderStream, StreamReader};

use super::{Answer, gateway};
use crate::error::ApiError;
use crate::service::{ErrorCode, Reach, ServiceError};
use crate::state::ApiState;
use crate::types::ErrorBody;

/// What the name of an archive ends in.
const ENDING: &str = ".tar.gz";
/// Bytes of an archive that are made at once.
const CHUNK_BYTES: usize = 64 << 10;

/// A result that is here, as a tar compressed with gzip; its directory itself is no entry of it.
#[utoipa::path(
    get,
    path = "/api/v1/archives/{cid}/{name}",
    tag = "Content",
    params(
        ("cid" = String, Path, description = "The result"),
        ("name" = String, Path, description = "EXECUTION.tar.gz: what it is to be called"),
    ),
    responses(
        (status = 200, description = "The archive", content_type = "application/gzip"),
        (status = 304, description = "The client has it"),
        (status = 404, description = "It is not here", body = ErrorBody),
    )
)]
pub(super) async fn get(
    State(api): State<ApiState>,
    Path((cid, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let not_here = || {
        let error = ServiceError::new(ErrorCode::NotFound, format!("no archive {name} is here"));
        ApiError::from(error.with_hint(
            "the node that made a result serves it for as long as it keeps it; `gadus job describe` \
             says who else has it",
        ))
    };
    let execution = name.strip_suffix(ENDING).and_then(|id| id.parse::<ExecutionId>().ok());
    let (Some(_), Ok(root)) = (execution, cid.parse::<Cid>()) else { return Err(not_here()) };
    if api.service.resolve(root, "", Reach::Here).await.is_err() {
        return Err(not_here());
    }
    let tag = format!("\"{root}.tar.gz\"");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        let fixed = [(header::ETAG, tag)];
        return Ok((axum::http::StatusCode::NOT_MODIFIED, fixed).into_response());
    }
    let node = api.service.open(root, "").await?;
    if !matches!(node, Node::Directory { .. }) {
        return Err(not_here());
    }
    let tar = gateway::entries(&api, node);
    let gzip = async_compression::tokio::bufread::GzipEncoder::with_quality(
        StreamReader::new(tar.boxed()),
        async_compression::Level::Fastest,
    );
    let body = Body::from_stream(ReaderStream::with_capacity(gzip, CHUNK_BYTES));
    let fixed = [
        (header::CONTENT_TYPE, "application/gzip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::ETAG, tag),
    ];
    Ok((fixed, body).into_response())
}
