//! Stopping a job.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;

use super::{Answer, jobs, json};
use crate::body;
use crate::json_in::STOP_JOB;
use crate::query::QueryString;
use crate::state::ApiState;
use crate::types::{ErrorBody, StopJobRequest, StopJobResponse};

/// Bytes of a reason that are kept.
const REASON_MAX: usize = 1024;

/// Stops a job. What runs of it is stopped, and what comes late does not count.
#[utoipa::path(
    delete,
    path = "/api/v1/orchestrator/jobs/{id}",
    tag = "Orchestrator",
    params(
        ("id" = String, Path, description = "Name, id or a unique prefix of the id"),
        ("namespace" = Option<String>, Query, description = "Of the name"),
        ("reason" = Option<String>, Query, description = "Why, where there is no body"),
    ),
    request_body = Option<StopJobRequest>,
    responses(
        (status = 200, description = "It stops", body = StopJobResponse),
        (status = 404, description = "No such job", body = ErrorBody),
    )
)]
pub(super) async fn delete(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    query: QueryString,
    body: Body,
) -> Answer {
    let request: StopJobRequest =
        body::json_if_any(&headers, body, &STOP_JOB, api.limits()).await?;
    let reason =
        if request.reason.is_empty() { query.text("reason") } else { request.reason.as_str() };
    let view = jobs::find(&api, &id, &query).await?;
    let reason = reason.chars().take(REASON_MAX).collect();
    let evaluation = api.service.stop(view.job.id, reason).await?;
    let evaluation_id = evaluation.map(|id| id.to_string()).unwrap_or_default();
    json(&query, &StopJobResponse { evaluation_id })
}
