//! Verdicts of other requesters. Ours.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use gadus_model::Cid;

use super::{Answer, json};
use crate::body;
use crate::convert;
use crate::json_in::COUNT;
use crate::paging::{PageToken, page_len};
use crate::query::QueryString;
use crate::service::ServiceError;
use crate::state::ApiState;
use crate::types::{CountRequest, CountResponse, ErrorBody, ListVerdictsResponse};

/// Bundles of other requesters whose verdicts are counted here.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/verdicts",
    tag = "Orchestrator",
    params(
        ("limit" = Option<u32>, Query, description = "Items of a page"),
        ("next_token" = Option<String>, Query, description = "Of the page before"),
    ),
    responses((status = 200, description = "Some bundles", body = ListVerdictsResponse))
)]
pub(super) async fn list(State(api): State<ApiState>, query: QueryString) -> Answer {
    let page = PageToken::asked(&query)?;
    let limit = page_len(page.limit, api.limits().page_max);
    let found = api.service.verdicts(page.offset as usize, limit).await?;
    let items = found.bundles.iter().map(convert::foreign::bundle).collect();
    json(&query, &ListVerdictsResponse { items, next_token: page.next(found.next_offset) })
}

/// Fetches a bundle of another requester with all that is behind it, and answers equal work with it
/// from now on, as far as those who came to its answers are trusted here.
#[utoipa::path(
    post,
    path = "/api/v1/orchestrator/verdicts",
    tag = "Orchestrator",
    request_body = CountRequest,
    responses(
        (status = 200, description = "What it is worth here", body = CountResponse),
        (status = 400, description = "Something does not hold, or nothing was checked", body = ErrorBody),
        (status = 403, description = "Too few of those who voted are trusted here", body = ErrorBody),
        (status = 404, description = "Nobody has all of it", body = ErrorBody),
    )
)]
pub(super) async fn count(
    State(api): State<ApiState>,
    headers: HeaderMap,
    query: QueryString,
    body: Body,
) -> Answer {
    let request: CountRequest = body::json(&headers, body, &COUNT, api.limits()).await?;
    let root = cid(&request.cid)?;
    let verdicts = api.service.count_verdicts(root).await?;
    let items = verdicts.iter().map(convert::foreign::counted).collect();
    json(&query, &CountResponse { bundle_cid: root.to_string(), items })
}

/// Counts a bundle no longer. Its blocks stay until they are collected.
#[utoipa::path(
    delete,
    path = "/api/v1/orchestrator/verdicts/{cid}",
    tag = "Orchestrator",
    params(("cid" = String, Path, description = "The bundle's root")),
    responses(
        (status = 200, description = "It is counted no longer", body = CountRequest),
        (status = 404, description = "It is not counted", body = ErrorBody),
    )
)]
pub(super) async fn forget(
    State(api): State<ApiState>,
    Path(root): Path<String>,
    query: QueryString,
) -> Answer {
    let root = cid(&root)?;
    api.service.forget_verdicts(root).await?;
    json(&query, &CountRequest { cid: root.to_string() })
}

fn cid(text: &str) -> Result<Cid, ServiceError> {
    text.parse().map_err(|_| {
        ServiceError::bad_request(format!("'{text}' is no CID"))
            .with_hint("give the BundleCID that `gadus receipt list` tells")
    })
}
