//! Tasks as texts that one person pastes to another: ours.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use gadus_model::JobId;
use uuid::Uuid;

use super::{Answer, json, submit};
use crate::convert;
use crate::query::QueryString;
use crate::service::ServiceError;
use crate::state::ApiState;
use crate::types::{ErrorBody, PutJobRequest, TaskResponse};

/// The pinned task of a job. Its block is kept, so that its CID leads to it.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/jobs/{id}/task",
    tag = "Orchestrator",
    params(
        ("id" = String, Path, description = "Name, id or a unique prefix of the id"),
        ("partition" = Option<u32>, Query, description = "Which part, of a job that has several"),
    ),
    responses(
        (status = 200, description = "The task", body = TaskResponse),
        (status = 400, description = "No such part, or nothing that is pinned", body = ErrorBody),
        (status = 404, description = "No such job", body = ErrorBody),
    )
)]
pub(super) async fn job(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    query: QueryString,
) -> Answer {
    let view = super::jobs::find(&api, &id, &query).await?;
    let task = convert::pinned_task(&view, query.number_if_any("partition")?)?;
    let (answer, cid, block) = convert::task_text(&task)?;
    let retention_ms = view.job.context.retention_ms;
    api.service.keep_task(view.job.id, (cid, block.into()), retention_ms).await?;
    json(&query, &answer)
}

/// The task that a job would have, its inputs brought here; the job is not submitted.
#[utoipa::path(
    post,
    path = "/api/v1/orchestrator/task",
    tag = "Orchestrator",
    request_body = PutJobRequest,
    responses(
        (status = 200, description = "The task", body = TaskResponse),
        (status = 400, description = "No job that can run, or an image that is not pinned",
            body = ErrorBody),
    )
)]
pub(super) async fn draft(
    State(api): State<ApiState>,
    headers: HeaderMap,
    query: QueryString,
    body: Body,
) -> Answer {
    let (draft, _) = submit::read(&api, &headers, body).await?;
    let job = submit::finish(&api, draft, JobId(Uuid::nil())).await?;
    let task = job.task().map(|(_, task)| task);
    let task = task.ok_or_else(|| ServiceError::internal("a job without a task"))?;
    let (answer, cid, block) = convert::task_text(task)?;
    api.service.keep_records(vec![(cid, block.into())]).await?;
    json(&query, &answer)
}
