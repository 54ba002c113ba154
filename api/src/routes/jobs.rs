//! One job.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use gadus_model::view::JobView;

use super::{Answer, json};
use crate::convert;
use crate::error::ApiError;
use crate::query::QueryString;
use crate::service::{ErrorCode, ServiceError};
use crate::state::ApiState;
use crate::types::{ErrorBody, GetJobResponse, ListExecutionsResponse, ListHistoryResponse};

/// A job. With `wait_ms`, as it is when it ends, or after that time.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/jobs/{id}",
    tag = "Orchestrator",
    params(
        ("id" = String, Path, description = "Name, id or a unique prefix of the id"),
        ("namespace" = Option<String>, Query, description = "Of the name"),
        ("include" = Option<String>, Query, description = "history,executions"),
        ("job_version" = Option<u64>, Query, description = "1, or nothing"),
        ("wait_ms" = Option<u64>, Query, description = "Answer when the job ends, or after this time"),
    ),
    responses(
        (status = 200, description = "The job", body = GetJobResponse),
        (status = 404, description = "No such job", body = ErrorBody),
    )
)]
pub(super) async fn get(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    query: QueryString,
) -> Answer {
    let mut view = find(&api, &id, &query).await?;
    check_version(&view, &query)?;
    let wait_ms = query.number("wait_ms")?.min(api.limits().wait_max_ms);
    if wait_ms > 0 && !view.state.is_terminal() {
        view = api.service.wait(view.job.id, Duration::from_millis(wait_ms)).await?;
    }
    let wants = |what: &str| query.text("include").split(',').any(|word| word.trim() == what);
    let answer = GetJobResponse {
        job: convert::job(&view),
        history: wants("history").then(|| ListHistoryResponse {
            items: convert::history(&view),
            ..ListHistoryResponse::default()
        }),
        executions: wants("executions").then(|| executions(&view)),
    };
    json(&query, &answer)
}

/// The job that a path names.
pub(super) async fn find(
    api: &ApiState,
    id: &str,
    query: &QueryString,
) -> Result<Arc<JobView>, ApiError> {
    let namespace = Some(query.text("namespace")).filter(|name| !name.is_empty());
    Ok(api.service.job(id, namespace).await?)
}

/// A job has one version, until there are updates.
pub(super) fn check_version(view: &JobView, query: &QueryString) -> Result<(), ApiError> {
    let version = query.number("job_version")?;
    if version == 0 || version == u64::from(view.job.version) {
        return Ok(());
    }
    let message = format!("job version {version} not found for job {}", view.job.id);
    Err(ServiceError::new(ErrorCode::NotFound, message).of("JobStore").into())
}

/// The job's executions, oldest first.
pub(super) fn executions(view: &JobView) -> ListExecutionsResponse {
    ListExecutionsResponse {
        items: view.executions.iter().map(|e| convert::execution(view, e)).collect(),
        ..ListExecutionsResponse::default()
    }
}
