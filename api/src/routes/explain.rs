//! Who would take a job, and why the others would not: ours.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use gadus_model::JobId;
use uuid::Uuid;

use super::{Answer, json, submit};
use crate::convert;
use crate::query::QueryString;
use crate::service::ExplainTarget;
use crate::state::ApiState;
use crate::types::{ErrorBody, PlanInfo, PutJobRequest};

/// For a job that is here.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/jobs/{id}/explain",
    tag = "Orchestrator",
    params(("id" = String, Path, description = "Name, id or a unique prefix of the id")),
    responses(
        (status = 200, description = "Every node, and why or why not", body = PlanInfo),
        (status = 404, description = "No such job", body = ErrorBody),
    )
)]
pub(super) async fn job(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    query: QueryString,
) -> Answer {
    let view = super::jobs::find(&api, &id, &query).await?;
    let explained = api.service.explain(ExplainTarget::Job(view.job.id)).await?;
    json(&query, &convert::explained(&explained))
}

/// For a job that is not submitted. Nothing is kept of it.
#[utoipa::path(
    post,
    path = "/api/v1/orchestrator/explain",
    tag = "Orchestrator",
    request_body = PutJobRequest,
    responses(
        (status = 200, description = "Every node, and why or why not", body = PlanInfo),
        (status = 400, description = "No job that can run", body = ErrorBody),
    )
)]
pub(super) async fn draft(
    State(api): State<ApiState>,
    headers: HeaderMap,
    query: QueryString,
    body: Body,
) -> Answer {
    let (draft, _) = submit::read(&api, &headers, body).await?;
    let job = draft.preview(JobId(Uuid::nil()))?;
    submit::within_limit(&job, api.limits().spec_bytes_max)?;
    let explained = api.service.explain(ExplainTarget::Draft(Box::new(job))).await?;
    json(&query, &convert::explained(&explained))
}
