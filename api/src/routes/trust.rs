//! What this requester thinks of nodes. Ours.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;

use super::{Answer, json};
use crate::body;
use crate::json_in::BAN;
use crate::query::QueryString;
use crate::state::ApiState;
use crate::types::{BanRequest, ErrorBody, ListTrustResponse};

/// The record of every node, by its answers to work that others answered too.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/trust",
    tag = "Orchestrator",
    responses((status = 200, description = "Every node that has a record", body = ListTrustResponse))
)]
pub(super) async fn list(State(api): State<ApiState>, query: QueryString) -> Answer {
    json(&query, &ListTrustResponse { items: api.service.trust().await? })
}

/// Bans a node from this requester's jobs, or forgives one that was banned.
#[utoipa::path(
    put,
    path = "/api/v1/orchestrator/trust/{id}",
    tag = "Orchestrator",
    params(("id" = String, Path, description = "The node's id")),
    request_body = BanRequest,
    responses(
        (status = 200, description = "Every node that has a record", body = ListTrustResponse),
        (status = 404, description = "No such node", body = ErrorBody),
    )
)]
pub(super) async fn set(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    query: QueryString,
    body: Body,
) -> Answer {
    let request: BanRequest = body::json(&headers, body, &BAN, api.limits()).await?;
    api.service.ban(&id, request.is_banned).await?;
    json(&query, &ListTrustResponse { items: api.service.trust().await? })
}
