//! The node itself.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Answer, json};
use crate::convert;
use crate::query::QueryString;
use crate::state::ApiState;
use crate::types::{AliveResponse, BuildVersionInfo, NodeInfo};

/// Whether the node lives.
#[utoipa::path(
    get,
    path = "/api/v1/agent/alive",
    tag = "Agent",
    responses((status = 200, description = "It does", body = AliveResponse))
)]
pub(super) async fn alive(query: QueryString) -> Answer {
    json(&query, &AliveResponse { status: "OK".to_owned() })
}

/// What the node is built from.
#[utoipa::path(
    get,
    path = "/api/v1/agent/version",
    tag = "Agent",
    responses((status = 200, description = "The version", body = BuildVersionInfo))
)]
pub(super) async fn version(State(api): State<ApiState>, query: QueryString) -> Answer {
    json(&query, &convert::version(&api.service.agent().await))
}

/// What the node says of itself.
#[utoipa::path(
    get,
    path = "/api/v1/agent/node",
    tag = "Agent",
    responses((status = 200, description = "The node", body = NodeInfo))
)]
pub(super) async fn node(State(api): State<ApiState>, query: QueryString) -> Answer {
    json(&query, &convert::node_info(&api.service.agent().await))
}

/// Short ways that Bacalhau has.
pub(super) fn redirects(router: Router<ApiState>) -> Router<ApiState> {
    let to = |place: &'static str| get(move || async move { moved(place) });
    router
        .route("/", to("/api/v1/agent/version"))
        .route("/version", to("/api/v1/agent/version"))
        .route("/livez", to("/api/v1/agent/alive"))
}

fn moved(place: &'static str) -> Response {
    (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, place)]).into_response()
}
