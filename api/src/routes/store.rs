//! What this node keeps, and the care of it: ours.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use gadus_model::Cid;

use super::{Answer, json};
use crate::body;
use crate::convert;
use crate::json_in::PIN;
use crate::paging::{PageToken, page_len};
use crate::query::QueryString;
use crate::service::ServiceError;
use crate::state::ApiState;
use crate::types::{
    CheckResponse, CollectResponse, ErrorBody, ListPinsResponse, PinRequest, PinResponse,
    StoreStatResponse, UnpinResponse,
};

/// Figures. Looks at every inner block of every pinned tree, which takes a while on a large store.
#[utoipa::path(
    get,
    path = "/api/v1/store/stat",
    tag = "Store",
    responses((status = 200, description = "Figures", body = StoreStatResponse))
)]
pub(super) async fn stat(State(api): State<ApiState>, query: QueryString) -> Answer {
    json(&query, &convert::store::stat(&api.service.store_stat().await?))
}

/// What is kept, why and until when. Pins whose time is over are left out.
#[utoipa::path(
    get,
    path = "/api/v1/store/pins",
    tag = "Store",
    params(
        ("limit" = Option<u32>, Query, description = "Pins of a page"),
        ("next_token" = Option<String>, Query, description = "Of the page before"),
    ),
    responses((status = 200, description = "Some pins", body = ListPinsResponse))
)]
pub(super) async fn pins(State(api): State<ApiState>, query: QueryString) -> Answer {
    let page = PageToken::asked(&query)?;
    let limit = page_len(page.limit, api.limits().page_max);
    let found = api.service.pins(page.offset as usize, limit).await?;
    let answer = ListPinsResponse {
        next_token: page.next(found.next_offset),
        items: found.pins.iter().map(convert::store::pin).collect(),
    };
    json(&query, &answer)
}

/// Keeps a tree for people: what is not here is fetched from other nodes.
#[utoipa::path(
    post,
    path = "/api/v1/store/pins",
    tag = "Store",
    request_body = PinRequest,
    responses(
        (status = 200, description = "It is here, whole, and stays", body = PinResponse),
        (status = 404, description = "Nobody has all of it", body = ErrorBody),
        (status = 507, description = "The node has no room left for it", body = ErrorBody),
    )
)]
pub(super) async fn pin(
    State(api): State<ApiState>,
    headers: HeaderMap,
    query: QueryString,
    body: Body,
) -> Answer {
    let request: PinRequest = body::json(&headers, body, &PIN, api.limits()).await?;
    let retention_ms = Some(request.retention_ms).filter(|ms| *ms > 0);
    let (pin, fetched_bytes) = api.service.pin(cid(&request.cid)?, retention_ms).await?;
    json(&query, &PinResponse { pin: convert::store::pin(&pin), fetched_bytes })
}

/// Keeps a tree for people no longer. Its blocks stay until they are collected.
#[utoipa::path(
    delete,
    path = "/api/v1/store/pins/{cid}",
    tag = "Store",
    params(("cid" = String, Path, description = "The root")),
    responses(
        (status = 200, description = "It is unpinned", body = UnpinResponse),
        (status = 404, description = "It is not pinned", body = ErrorBody),
        (status = 409, description = "It is kept as an input or a result", body = ErrorBody),
    )
)]
pub(super) async fn unpin(
    State(api): State<ApiState>,
    Path(text): Path<String>,
    query: QueryString,
) -> Answer {
    let root = cid(&text)?;
    let left = api.service.unpin(root).await?;
    let left = left.iter().map(convert::store::pin).collect();
    json(&query, &UnpinResponse { cid: root.to_string(), left })
}

/// Drops pins whose time is over, and frees what nothing keeps.
#[utoipa::path(
    post,
    path = "/api/v1/store/gc",
    tag = "Store",
    responses(
        (status = 200, description = "What was freed", body = CollectResponse),
        (status = 507, description = "There is no room to move what stays", body = ErrorBody),
    )
)]
pub(super) async fn gc(State(api): State<ApiState>, query: QueryString) -> Answer {
    json(&query, &convert::store::collected(&api.service.collect().await?))
}

/// Reads everything and holds it to its CIDs.
#[utoipa::path(
    post,
    path = "/api/v1/store/verify",
    tag = "Store",
    params(("repair" = Option<bool>, Query, description =
        "Forget what is damaged, so that it is fetched again")),
    responses((status = 200, description = "What was found", body = CheckResponse))
)]
pub(super) async fn verify(State(api): State<ApiState>, query: QueryString) -> Answer {
    let repair = query.flag("repair")?;
    json(&query, &convert::store::checked(&api.service.check(repair).await?))
}

fn cid(text: &str) -> Result<Cid, ServiceError> {
    text.parse().map_err(|_| {
        ServiceError::bad_request(format!("'{text}' is not a CID"))
            .with_hint("a CID looks like bafybei… or Qm…")
    })
}
